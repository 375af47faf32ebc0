#include "app/operator/session/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>

namespace weir::remote {

bool is_terminal(int descriptor) noexcept { return ::isatty(descriptor) == 1; }

bool shows_colour() noexcept {
  const char* none = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  return is_terminal(STDOUT_FILENO) && (none == nullptr || *none == '\0') && term != nullptr &&
         std::string_view(term) != "dumb";
}

std::optional<bool> confirm(std::string_view question) {
  if (!is_terminal(STDIN_FILENO)) return std::nullopt;
  std::fflush(stdout);
  fmt::print(stderr, "{} [y/N] ", question);
  std::string answer;
  for (int c = std::getchar(); c != EOF && c != '\n'; c = std::getchar()) answer += static_cast<char>(c);
  return answer == "y" || answer == "Y" || answer == "yes";
}

}  // namespace weir::remote
