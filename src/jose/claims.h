// What a verified token must claim (RFC 7519 §4.1, RFC 8725 §3.8-3.11, RFC 9068) to be accepted from one issuer.
// Called by filters/auth/jwt after the signature; pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/json/json.h"

namespace weir::jose {

struct RequiredClaim {
  std::string name;
  std::vector<std::string> values;  // one of them, or one item that is; empty: it is enough that it is there
};

struct ClaimRules {
  std::string issuer;                               // exactly
  std::vector<std::string> audiences;               // one of them; empty: any
  std::vector<std::string> types{"JWT", "at+jwt"};  // `typ`, without regard to case; a token without one is a "JWT"
  std::int64_t leeway = 60;                         // seconds that clocks may differ
  std::int64_t max_lifetime = 0;                    // seconds from iat to exp; 0: no limit
  bool exp_required = true;
  std::vector<RequiredClaim> required;
};

// When a token counts, in seconds since the epoch; the leeway is not in it.
struct Lifetime {
  double not_before = 0;
  double expires = 0;  // kNeverExpires: it has no exp
};
inline constexpr double kNeverExpires = 1e300;

// `now` in seconds since the epoch. The refusal (invalid_credential) says what is wrong.
Result<Lifetime> check_claims(const Json& claims, std::string_view type, const ClaimRules& rules, std::int64_t now);

// Whether the times of a token accepted before still hold.
Result<void> check_times(const Lifetime& lifetime, std::int64_t leeway, std::int64_t now);

// The claim of that name, or what a JSON Pointer (RFC 6901) such as "/realm_access/roles" leads to. nullptr: none.
const Json* find_claim(const Json& claims, std::string_view name);

// A list of words: a string with spaces between them (RFC 8693 §4.2), or an array of strings. Views into `claim`;
// what is neither gives none.
std::vector<std::string_view> words_of(const Json& claim);

}  // namespace weir::jose
