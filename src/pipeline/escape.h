// Text put into another text's syntax without being able to leave its place: a query value, a part of a URL, HTML, a
// JSON string. Used by templates and the rewrite filter on the way of a request; any thread, no allocation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir::pipeline {

enum class Escape : std::uint8_t {
  none,
  component,  // RFC 3986 §2.1: all but the unreserved characters become %XX
  encoded,    // the same for text that is percent-encoded already: "%" and "/" stay too
  html,       // & < > " '
  json,       // inside the quotes of a JSON string (RFC 8259 §7); what is not UTF-8 becomes \ufffd
};

// The most bytes one byte of input can become.
constexpr std::size_t growth(Escape escape) noexcept {
  switch (escape) {
    case Escape::none:
      return 1;
    case Escape::component:
    case Escape::encoded:
      return 3;
    case Escape::html:
    case Escape::json:
      return 6;
  }
  return 6;
}

// Writes to `out`, which has room for text.size() * growth(escape) bytes. Returns the end.
char* write_escaped(char* out, std::string_view text, Escape escape) noexcept;

}  // namespace weir::pipeline
