// Numbers as lower-case hex digits, two at a time from a table. Used for ids on the way of every request; any thread.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>

namespace weir {

// "000102…ff"
inline constexpr std::array<char, 512> kHexPairs = [] {
  std::array<char, 512> out{};
  constexpr char digits[] = "0123456789abcdef";
  for (std::size_t i = 0; i < 256; ++i) {
    out[2 * i] = digits[i >> 4];
    out[2 * i + 1] = digits[i & 15];
  }
  return out;
}();

// Writes the low `bytes` bytes of `value`, most significant first, as 2 * bytes digits. Returns the end.
inline char* write_hex(char* out, std::uint64_t value, int bytes) noexcept {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8, out += 2) {
    std::memcpy(out, &kHexPairs[2 * ((value >> shift) & 0xff)], 2);
  }
  return out;
}

}  // namespace weir
