#include "jose/algorithm.h"

#include <algorithm>
#include <array>

namespace weir::jose {
namespace {

constexpr std::array<AlgorithmInfo, kAlgorithms> kTable{{
    {Algorithm::rs256, "RS256", Family::rsa, "SHA2-256", 32},
    {Algorithm::rs384, "RS384", Family::rsa, "SHA2-384", 48},
    {Algorithm::rs512, "RS512", Family::rsa, "SHA2-512", 64},
    {Algorithm::ps256, "PS256", Family::pss, "SHA2-256", 32},
    {Algorithm::ps384, "PS384", Family::pss, "SHA2-384", 48},
    {Algorithm::ps512, "PS512", Family::pss, "SHA2-512", 64},
    {Algorithm::es256, "ES256", Family::ecdsa, "SHA2-256", 32},
    {Algorithm::es384, "ES384", Family::ecdsa, "SHA2-384", 48},
    {Algorithm::es512, "ES512", Family::ecdsa, "SHA2-512", 64},
    {Algorithm::eddsa, "EdDSA", Family::eddsa, nullptr, 0},
    {Algorithm::hs256, "HS256", Family::hmac, "SHA2-256", 32},
    {Algorithm::hs384, "HS384", Family::hmac, "SHA2-384", 48},
    {Algorithm::hs512, "HS512", Family::hmac, "SHA2-512", 64},
}};

}  // namespace

const AlgorithmInfo& info(Algorithm algorithm) noexcept { return kTable[static_cast<std::size_t>(algorithm)]; }

std::optional<Algorithm> algorithm_of(std::string_view name) noexcept {
  const auto found = std::ranges::find(kTable, name, &AlgorithmInfo::name);
  if (found == kTable.end()) return std::nullopt;
  return found->algorithm;
}

}  // namespace weir::jose
