// One function: how long the UTF-8 sequence at the front of a text is. Used by the JSON parser and writer; any
// thread. It does not decode and knows nothing of normalisation.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace weir {

// The length (1..4) of the well-formed sequence that begins `text`, or 0 if there is none: overlong forms,
// surrogates, values above U+10FFFF and truncated sequences are not well-formed (Unicode 15, table 3-7).
constexpr std::size_t utf8_length(std::string_view text) noexcept {
  if (text.empty()) return 0;
  const auto at = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t lead = at(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return 0;
  std::uint8_t low = 0x80;
  std::uint8_t high = 0xbf;
  if (lead == 0xe0) low = 0xa0;
  if (lead == 0xed) high = 0x9f;
  if (lead == 0xf0) low = 0x90;
  if (lead == 0xf4) high = 0x8f;
  if (at(1) < low || at(1) > high) return 0;
  for (std::size_t i = 2; i < length; ++i) {
    if ((at(i) & 0xc0) != 0x80) return 0;
  }
  return length;
}

}  // namespace weir
