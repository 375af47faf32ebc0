// Comparing parameter names (query.h).
#include "http/message/query.h"

namespace weir::http {
namespace {

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  const char lower = static_cast<char>(c | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

}  // namespace

bool names_parameter(std::string_view received, std::string_view name, Case letters) noexcept {
  std::size_t at = 0;
  for (const char want : name) {
    if (at >= received.size()) return false;
    char c = received[at++];
    if (c == '+') {
      c = ' ';
    } else if (c == '%' && at + 2 <= received.size() && hex_digit(received[at]) >= 0 &&
               hex_digit(received[at + 1]) >= 0) {
      c = static_cast<char>(hex_digit(received[at]) * 16 + hex_digit(received[at + 1]));
      at += 2;
    }
    if (letters == Case::ignored && c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    if (c != want) return false;
  }
  return at == received.size();
}

}  // namespace weir::http
