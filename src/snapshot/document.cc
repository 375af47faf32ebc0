#include "snapshot/document.h"

#include "crypto/digest.h"

namespace weir::snapshot {

std::string digest(const Json& document) { return crypto::sha256_hex(to_canonical(document)); }

Position position_at(const Json& root, std::string_view path) {
  const Json* at = &root;
  while (!path.empty()) {
    const bool item = path.front() == '[';
    if (item || path.front() == '.') path.remove_prefix(1);
    const std::size_t end = std::min(path.find_first_of(item ? "]" : ".["), path.size());
    std::string_view step = path.substr(0, end);
    path.remove_prefix(item ? std::min(end + 1, path.size()) : end);

    const Json* next = nullptr;
    std::size_t index = 0;
    if (!item) {
      next = at->find(step);
    } else if (step.starts_with('"')) {  // set["x-a"]: names with odd bytes inside are not followed
      next = step.size() >= 2 ? at->find(step.substr(1, step.size() - 2)) : nullptr;
    } else if (std::from_chars(step.data(), step.data() + step.size(), index).ec == std::errc()) {
      next = index < at->items().size() ? &at->items()[index] : nullptr;
    }
    if (next == nullptr) break;
    at = next;
  }
  return at->position;
}

std::string resolve_file(std::string_view base_dir, std::string_view file) {
  if (file.starts_with('/') || base_dir.empty()) return std::string(file);
  return std::string(base_dir) + (base_dir.ends_with('/') ? "" : "/") + std::string(file);
}

std::string join_path(std::string_view above, std::string_view below) {
  const bool dot = !above.empty() && !below.empty() && !below.starts_with('[');
  return std::string(above) + (dot ? "." : "") + std::string(below);
}

}  // namespace weir::snapshot
