// The escapes of escape.h. Called by Template::render and filters on the exchange's thread.
#include "pipeline/escape.h"

#include <cstring>

#include "base/hex.h"
#include "base/json/utf8.h"

namespace weir::pipeline {
namespace {

constexpr bool unreserved(unsigned char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

char* append(char* out, std::string_view text) noexcept {
  std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

char* write_url(char* out, std::string_view text, bool encoded) noexcept {
  constexpr char digits[] = "0123456789ABCDEF";
  for (const char byte : text) {
    const auto c = static_cast<unsigned char>(byte);
    if (unreserved(c) || (encoded && (c == '%' || c == '/'))) {
      *out++ = byte;
      continue;
    }
    *out++ = '%';
    *out++ = digits[c >> 4];
    *out++ = digits[c & 15];
  }
  return out;
}

char* write_html(char* out, std::string_view text) noexcept {
  for (const char c : text) {
    switch (c) {
      case '&':
        out = append(out, "&amp;");
        break;
      case '<':
        out = append(out, "&lt;");
        break;
      case '>':
        out = append(out, "&gt;");
        break;
      case '"':
        out = append(out, "&quot;");
        break;
      case '\'':
        out = append(out, "&#39;");
        break;
      default:
        *out++ = c;
    }
  }
  return out;
}

char* write_json(char* out, std::string_view text) noexcept {
  while (!text.empty()) {
    const auto c = static_cast<unsigned char>(text[0]);
    std::size_t taken = 1;
    if (c == '"' || c == '\\') {
      *out++ = '\\';
      *out++ = text[0];
    } else if (c < 0x20 || c == 0x7f) {
      out = write_hex(append(out, "\\u00"), c, 1);
    } else if (const std::size_t length = utf8_length(text); length != 0) {
      out = append(out, text.substr(0, length));
      taken = length;
    } else {
      out = append(out, "\\ufffd");
    }
    text.remove_prefix(taken);
  }
  return out;
}

}  // namespace

char* write_escaped(char* out, std::string_view text, Escape escape) noexcept {
  switch (escape) {
    case Escape::none:
      break;
    case Escape::component:
    case Escape::encoded:
      return write_url(out, text, escape == Escape::encoded);
    case Escape::html:
      return write_html(out, text);
    case Escape::json:
      return write_json(out, text);
  }
  if (!text.empty()) std::memcpy(out, text.data(), text.size());
  return out + text.size();
}

}  // namespace weir::pipeline
