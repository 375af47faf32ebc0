// Reads the bytes and picks the reader (load.h).
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "adapters/yaml/load.h"

namespace weir::yaml {
namespace {

using File = std::unique_ptr<std::FILE, decltype([](std::FILE* file) { std::fclose(file); })>;

std::unexpected<Problem> unreadable(std::string message) {
  return std::unexpected(Problem{{}, "", std::move(message), ""});
}

std::unexpected<Problem> unreadable(int error) {
  return unreadable("cannot be read: " + std::string(std::strerror(error)));
}

std::expected<std::string, Problem> read(const char* path) {
  const File file(std::fopen(path, "rbe"));
  if (file == nullptr) return unreadable(errno);
  std::string text;
  char chunk[16384];
  while (const std::size_t length = std::fread(chunk, 1, sizeof chunk, file.get())) {
    text.append(chunk, length);
    if (text.size() > kFileLimit) return unreadable("larger than 16 MiB");
  }
  if (std::ferror(file.get()) != 0) return unreadable(errno);
  return text;
}

bool is_json(std::string_view path, std::string_view text) {
  if (path.ends_with(".json")) return true;
  if (path.ends_with(".yaml") || path.ends_with(".yml")) return false;
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  return first != std::string_view::npos && text[first] == '{';
}

}  // namespace

std::expected<Json, Problem> load_file(const char* path) {
  const auto text = read(path);
  if (!text) return std::unexpected(text.error());
  return is_json(path, *text) ? parse_json(*text) : load(*text);
}

}  // namespace weir::yaml
