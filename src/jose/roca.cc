#include "jose/roca.h"

#include <array>
#include <cstdint>

namespace weir::jose {
namespace {

// The primes that divide the product M of keys of every length, but 2 (which says nothing).
constexpr std::array<std::uint32_t, 38> kPrimes = {3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,
                                                   47,  53,  59,  61,  67,  71,  73,  79,  83,  89,  97,  101, 103,
                                                   107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167};

bool is_power_of_generator(std::uint32_t value, std::uint32_t prime) noexcept {
  std::uint32_t power = 1;
  for (std::uint32_t i = 0; i < prime; ++i) {
    if (power == value) return true;
    power = power * (65537 % prime) % prime;
  }
  return false;
}

}  // namespace

bool has_roca_fingerprint(std::string_view modulus) noexcept {
  for (const std::uint32_t prime : kPrimes) {
    std::uint32_t rest = 0;
    for (const char c : modulus) rest = (rest * 256 + static_cast<unsigned char>(c)) % prime;
    if (!is_power_of_generator(rest, prime)) return false;
  }
  return true;
}

}  // namespace weir::jose
