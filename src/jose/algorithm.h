// The signature algorithms Weir verifies (RFC 7518 §3, RFC 8037), as a closed set. "none" is not among them, nor is
// anything of JWE. Which one a token may use is its key's to say, never its own (RFC 8725 §3.1). Any thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>

namespace weir::jose {

enum class Algorithm : std::uint8_t {
  rs256,
  rs384,
  rs512,
  ps256,
  ps384,
  ps512,
  es256,
  es384,
  es512,
  eddsa,
  hs256,
  hs384,
  hs512
};
inline constexpr std::size_t kAlgorithms = 13;

enum class Family : std::uint8_t { rsa, pss, ecdsa, eddsa, hmac };

struct AlgorithmInfo {
  Algorithm algorithm;
  std::string_view name;  // as in `alg`: case counts
  Family family;
  const char* digest;       // OpenSSL's name; nullptr for EdDSA
  std::size_t digest_size;  // bytes; of HMAC also the shortest key (RFC 7518 §3.2)
};

const AlgorithmInfo& info(Algorithm algorithm) noexcept;
std::optional<Algorithm> algorithm_of(std::string_view name) noexcept;

class AlgorithmSet {
 public:
  constexpr AlgorithmSet() noexcept = default;
  constexpr AlgorithmSet(std::initializer_list<Algorithm> all) noexcept {
    for (Algorithm one : all) add(one);
  }
  constexpr void add(Algorithm one) noexcept { bits_ |= bit(one); }
  constexpr bool contains(Algorithm one) const noexcept { return (bits_ & bit(one)) != 0; }
  constexpr bool empty() const noexcept { return bits_ == 0; }
  constexpr AlgorithmSet operator&(AlgorithmSet other) const noexcept {
    AlgorithmSet out;
    out.bits_ = bits_ & other.bits_;
    return out;
  }
  constexpr bool operator==(const AlgorithmSet&) const noexcept = default;

 private:
  static constexpr std::uint16_t bit(Algorithm one) noexcept {
    return static_cast<std::uint16_t>(1U << static_cast<unsigned>(one));
  }
  std::uint16_t bits_ = 0;
};

inline constexpr AlgorithmSet kRsaAlgorithms{Algorithm::rs256, Algorithm::rs384, Algorithm::rs512,
                                             Algorithm::ps256, Algorithm::ps384, Algorithm::ps512};
inline constexpr AlgorithmSet kSecretAlgorithms{Algorithm::hs256, Algorithm::hs384, Algorithm::hs512};
inline constexpr AlgorithmSet kPublicAlgorithms{
    Algorithm::rs256, Algorithm::rs384, Algorithm::rs512, Algorithm::ps256, Algorithm::ps384,
    Algorithm::ps512, Algorithm::es256, Algorithm::es384, Algorithm::es512, Algorithm::eddsa};

}  // namespace weir::jose
