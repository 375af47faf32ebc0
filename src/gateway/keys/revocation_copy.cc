#include "gateway/keys/revocation_copy.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "base/file/durable_folder.h"
#include "base/file/whole_file.h"
#include "crypto/digest.h"

namespace weir::gateway {
namespace {

constexpr std::string_view kName = "revoked";
constexpr std::string_view kHead = "weir revoked tokens 1\n";
constexpr std::string_view kSum = "sha256 ";
// A million lines of a hundred bytes are 100 MB; Redis itself answers no more than 512 MB at once.
constexpr std::size_t kMost = 512UL * 1024 * 1024;

bool read_until(std::string_view text, double& out) noexcept {
  if (text == "inf") {
    out = std::numeric_limits<double>::infinity();
    return true;
  }
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size();
}

}  // namespace

std::expected<void, std::string> write_revocation_copy(const std::string& state_dir,
                                                       const std::vector<Revoked>& list) {
  std::string text(kHead);
  for (const Revoked& one : list) {
    // Rounded up: forgotten late, never early.
    text += std::isfinite(one.until) ? std::to_string(static_cast<std::int64_t>(std::ceil(one.until))) : "inf";
    text.append(" ").append(one.line).append("\n");
  }
  const std::string sum = crypto::sha256_hex(text);
  text.append(kSum).append(sum).append("\n");
  const auto folder = DurableFolder::open(state_dir);
  if (!folder) return std::unexpected(folder.error());
  return folder->write(std::string(kName), text);
}

std::expected<std::vector<Revoked>, std::string> read_revocation_copy(const std::string& state_dir, double now) {
  const std::string path = state_dir + "/" + std::string(kName);
  const auto read = read_file(path, kMost);
  if (!read) return std::unexpected(read.error());
  if (!*read) return std::vector<Revoked>();
  const std::string_view text = **read;
  const std::string damaged = path + " is damaged and not used";
  const std::size_t sum = text.rfind(kSum);
  if (!text.starts_with(kHead) || sum == std::string_view::npos || text[sum - 1] != '\n')
    return std::unexpected(damaged);
  if (text.substr(sum + kSum.size()) != crypto::sha256_hex(text.substr(0, sum)) + "\n")
    return std::unexpected(damaged);
  std::vector<Revoked> out;
  std::string_view rest = text.substr(kHead.size(), sum - kHead.size());
  while (!rest.empty()) {
    const std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(line.size() + 1);
    const std::size_t space = line.find(' ');
    Revoked one;
    if (space == std::string_view::npos || !read_until(line.substr(0, space), one.until))
      return std::unexpected(damaged);
    if (one.until < now) continue;
    one.line = line.substr(space + 1);
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace weir::gateway
