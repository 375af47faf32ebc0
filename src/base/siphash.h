// SipHash-1-3 (Aumasson and Bernstein, 2012; the rounds that Rust's and Python's tables use): a hash for tables that
// are asked with keys a client chooses. Without the seed nobody can make keys that collide. Pure functions; any
// thread. Not for storage: the value differs with the seed. For decisions that a fleet takes alike see hash.h.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace weir {

struct HashSeed {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
};

inline std::uint64_t siphash(std::string_view text, const HashSeed& seed) noexcept {
  std::uint64_t v0 = seed.first ^ 0x736f6d6570736575, v1 = seed.second ^ 0x646f72616e646f6d;
  std::uint64_t v2 = seed.first ^ 0x6c7967656e657261, v3 = seed.second ^ 0x7465646279746573;
  const auto round = [&] {
    v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
  };
  const auto take = [&](std::uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  };
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left >= 8; at += 8, left -= 8) {
    std::uint64_t word;
    std::memcpy(&word, at, 8);
    take(word);
  }
  std::uint64_t last = static_cast<std::uint64_t>(text.size()) << 56;
  for (std::size_t i = 0; i < left; ++i) last |= std::uint64_t{static_cast<unsigned char>(at[i])} << (8 * i);
  take(last);
  v2 ^= 0xff;
  round();
  round();
  round();
  return v0 ^ v1 ^ v2 ^ v3;
}

}  // namespace weir
