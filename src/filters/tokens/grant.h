// What a verified token grants its bearer, as bytes: made once from the claims, kept by the caches of verified
// tokens, and read back for every request that brings the token again, without an allocation. The exchange's thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/json/json.h"
#include "jose/claims.h"
#include "pipeline/identity.h"

namespace weir::filters {

// Which claims say what; see docs/filters/jwt.md.
struct GrantRules {
  std::string consumer_claim;
  std::string user_claim;
  std::string groups_claim;
  std::vector<std::string> scope_claims;   // the first that is there
  std::vector<std::string> header_claims;  // in the order of the filter's claim_headers
};

struct Grant {
  jose::Lifetime lifetime;
  double issued_at = 0;
  std::string issuer, subject, token_id;
  std::string consumer, custom_id, user;
  std::vector<std::string> groups, scopes;
  std::vector<std::optional<std::string>> headers;  // nullopt: the claim is not there or cannot stand in a header

  std::string encode() const;
  static std::optional<Grant> decode(std::string_view bytes);
};

// nullopt: no claim says who calls, or what says it cannot be passed on (control characters, more than 512 bytes).
std::optional<Grant> read_grant(const Json& claims, const jose::Lifetime& lifetime, const GrantRules& rules);

// A claim as the value of a header: a string of visible ASCII and spaces, 1 KiB at most, a number or a boolean.
// nullopt: nothing else ever goes into a header.
std::optional<std::string> header_value(const Json& claim);

// Of an encoded grant, without reading the rest.
jose::Lifetime lifetime_of(std::string_view encoded) noexcept;

// The same as Grant, but views into the encoded bytes and arrays in the arena.
struct GrantView {
  jose::Lifetime lifetime;
  double issued_at = 0;
  std::string_view issuer, subject, token_id;
  std::string_view consumer, custom_id, user;
  std::span<const std::string_view> groups, scopes;
  std::span<const std::string_view> headers;  // data() == nullptr: absent

  // `bytes` live as long as the view. nullopt: they are no grant.
  static std::optional<GrantView> read(std::string_view bytes, Arena& arena);
};

}  // namespace weir::filters
