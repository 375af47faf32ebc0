// application/x-www-form-urlencoded (WHATWG URL §5.2), the writing side: what OAuth endpoints are asked with. Pure,
// any thread.
#pragma once

#include <string>
#include <string_view>

namespace weir::filters {

inline std::string form_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
        std::string_view("*-._").contains(c)) {
      out += c;
    } else {
      out.append({'%', kDigits[byte >> 4], kDigits[byte & 15]});
    }
  }
  return out;
}

}  // namespace weir::filters
