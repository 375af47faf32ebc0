// One JSON Web Key (RFC 7517, RFC 7518 §6, RFC 8037) becomes a Key, or the reason why not. Used by key_set.cc when a
// set is read. Takes public parts only; private ones in a published key are passed over. Any thread.
#pragma once

#include <expected>
#include <memory>
#include <string>

#include "base/json/json.h"
#include "jose/key_set.h"

namespace weir::jose {

std::expected<std::unique_ptr<const Key>, std::string> read_jwk(const Json& jwk, const KeyRules& rules);

// What a key that read_jwk refused would have been good for: another of the same kid is then not to be trusted
// either. Empty: nothing here, by its use, its type or its alg.
AlgorithmSet claimed_algorithms(const Json& jwk, const KeyRules& rules);

// Checks an RSA key made elsewhere (PEM) by the same rules: 2048 bits at least, 8192 at most, an odd exponent of at
// least 3, and not of the kind that CVE-2017-15361 (ROCA) finds the factors of. The error is a sentence.
std::expected<void, std::string> check_rsa(std::string_view modulus, std::string_view exponent);

// Which algorithms a key of that kind gets: `alg` of the key if it has one (empty: none), cut to what the rules
// allow.
enum class KeyType : std::uint8_t { rsa, p256, p384, p521, ed25519, ed448, secret };
std::expected<AlgorithmSet, std::string> algorithms_for(KeyType type, std::string_view alg, const KeyRules& rules);

}  // namespace weir::jose
