#include "app/operator/session/token.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace weir::remote {
namespace {

// Ten times what a token has: a larger file is another file.
constexpr std::size_t kLongestToken = 1'000;

std::expected<Token, std::string> read(const std::string& file) {
  struct stat about{};
  if (::stat(file.c_str(), &about) != 0)
    return std::unexpected(fmt::format("the token file {} cannot be read: {}", file, std::strerror(errno)));
  if (S_ISREG(about.st_mode) && (about.st_mode & 077) != 0) {
    return std::unexpected(fmt::format("the token file {} may be read by others (mode {:04o}): chmod 600 {}", file,
                                       static_cast<unsigned>(about.st_mode & 07777), file));
  }
  std::ifstream in(file, std::ios::binary);
  std::string text(kLongestToken + 1, '\0');
  in.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(in.gcount()));
  while (!text.empty() && std::strchr(" \t\r\n", text.back()) != nullptr) text.pop_back();
  const bool odd = text.size() > kLongestToken || text.find_first_of(" \t\r\n") != std::string::npos;
  if (text.empty() || odd)
    return std::unexpected(
        fmt::format("the token file {} {}", file, odd ? "holds more than a token" : "is empty, or cannot be read"));
  return Token{std::move(text), file};
}

}  // namespace

std::string home_token_file() {
  const char* config = std::getenv("XDG_CONFIG_HOME");
  if (config != nullptr && *config == '/') return std::string(config) + "/weir/token";
  const char* home = std::getenv("HOME");
  return std::string(home == nullptr ? "" : home) + "/.config/weir/token";
}

std::expected<Token, std::string> find_token(const std::string& file) {
  if (!file.empty()) return read(file);
  if (const char* token = std::getenv("WEIR_TOKEN"); token != nullptr && *token != '\0')
    return Token{token, "$WEIR_TOKEN"};
  const std::string home = home_token_file();
  if (::access(home.c_str(), F_OK) != 0) return Token{};
  return read(home);
}

std::string token_hint(std::string_view token) {
  const std::size_t first = token.find('_');
  const std::size_t second = first == std::string_view::npos ? first : token.find('_', first + 1);
  if (!token.starts_with("weirop_") || second == std::string_view::npos)
    return "which does not have the form weirop_ID_SECRET";
  return fmt::format("{}_…", token.substr(0, second));
}

}  // namespace weir::remote
