// A hash that is the same on every instance, build and restart, for decisions that a fleet must take alike (canary
// split). Not for tables with keys that a client chooses.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir {

// FNV-1a, then the finaliser of MurmurHash3 (Appleby), so that the high bits are as good as the low ones.
constexpr std::uint64_t stable_hash(std::string_view text, std::uint64_t seed = 0xcbf29ce484222325) noexcept {
  std::uint64_t hash = seed;
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  hash ^= hash >> 33;
  hash *= 0xff51afd7ed558ccd;
  hash ^= hash >> 33;
  hash *= 0xc4ceb9fe1a85ec53;
  return hash ^ (hash >> 33);
}

}  // namespace weir
