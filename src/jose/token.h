// A JSON Web Token as it comes from a client: the compact serialisation of a JWS (RFC 7515 §7.1), taken apart and
// nothing believed. The exchange's thread, or any; pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "base/json/json.h"
#include "jose/algorithm.h"
#include "jose/key_set.h"

namespace weir::jose {

// A head of a request is 64 KiB at most and holds other things; no token of a provider comes near.
inline constexpr std::size_t kLongestToken = 16 * 1024;

struct Token {
  Algorithm algorithm = Algorithm::rs256;  // what it says: believed only if the key says the same
  std::string kid;                         // empty: none
  std::string type;                        // `typ` as written; empty: none
  std::string_view signing_input;          // part of the text it was read from
  std::string signature;                   // bytes
  std::string payload;                     // bytes: no JSON until verified and read
};

// Refused (invalid_credential, with what is wrong): what is not three parts of base64url, a header that is no JSON
// object or has a member twice, an algorithm that Weir does not verify ("none" among them), `crit` and `b64` (RFC
// 7515 §4.1.11: nothing critical is understood here), keys or addresses of keys in the header (jwk, jku, x5u, x5c:
// RFC 8725 §3.10), and encryption.
Result<Token> parse_token(std::string_view text);

// Whether its signature is that of a key of `set`, by the algorithm that the key has.
enum class Verified : std::uint8_t {
  good,
  bad_signature,
  wrong_algorithm,  // the key it names is one of another algorithm
  unknown_key,      // the set has none of that kid: perhaps a newer one has
};
Verified verify(const Token& token, const KeySet& set) noexcept;

// What a refusal says; empty for good.
std::string_view text(Verified verified) noexcept;

// The payload as a JSON object, read strictly.
Result<Json> read_claims(const Token& token);

}  // namespace weir::jose
