#include "jose/claims.h"

#include <algorithm>
#include <charconv>

namespace weir::jose {
namespace {

std::unexpected<Error> no(std::string_view why) { return fail(Reason::invalid_credential, why); }

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::ranges::equal(a, b, {}, lower, lower);
}

// RFC 7515 §4.1.9: "application/" may be left out of a media type that has no other slash.
bool type_allowed(std::string_view type, const std::vector<std::string>& allowed) {
  if (type.empty()) type = "JWT";
  constexpr std::string_view kPrefix = "application/";
  if (type.size() > kPrefix.size() && equal_ignoring_case(type.substr(0, kPrefix.size()), kPrefix))
    type.remove_prefix(kPrefix.size());
  return std::ranges::any_of(allowed, [&](const std::string& one) { return equal_ignoring_case(one, type); });
}

// A NumericDate (RFC 7519 §2). Beyond 2^53 a double skips seconds, and no clock is that far.
constexpr double kLatest = 9007199254740992.0;

Result<double> date_of(const Json& claim, std::string_view why) {
  if (!claim.is_number()) return no(why);
  const double value = claim.as_number();
  if (!(value >= 0 && value <= kLatest)) return no(why);
  return value;
}

bool audience_matches(const Json* claim, const std::vector<std::string>& wanted, bool& malformed) {
  const auto wants = [&](std::string_view one) { return std::ranges::find(wanted, one) != wanted.end(); };
  malformed = false;
  if (claim == nullptr) return wanted.empty();
  if (claim->is_string()) return wanted.empty() || wants(claim->as_string());
  bool any = wanted.empty();
  malformed = !claim->is_array();
  for (const Json& item : claim->items()) {
    if (!item.is_string()) malformed = true;
    any = any || wants(item.as_string());
  }
  return any && !malformed;
}

// A scalar as people write it in a config.
bool is_value(const Json& claim, const std::string& wanted) {
  if (claim.is_string()) return claim.as_string() == wanted;
  if (claim.is_boolean()) return wanted == (claim.as_boolean() ? "true" : "false");
  return claim.is_integer() && wanted == std::to_string(claim.as_integer());
}

bool satisfies(const Json& claims, const RequiredClaim& required) {
  const Json* claim = find_claim(claims, required.name);
  if (claim == nullptr || claim->is_null()) return false;
  if (required.values.empty()) return true;
  return std::ranges::any_of(required.values, [&](const std::string& wanted) {
    return is_value(*claim, wanted) ||
           std::ranges::any_of(claim->items(), [&](const Json& item) { return is_value(item, wanted); });
  });
}

Result<Lifetime> read_times(const Json& claims, const ClaimRules& rules, std::int64_t now) {
  Lifetime out;
  out.expires = kNeverExpires;
  const Json* exp = claims.find("exp");
  if (exp == nullptr && rules.exp_required) return no("the token has no exp");
  if (exp != nullptr) {
    auto date = date_of(*exp, "the token's exp is no date");
    if (!date) return std::unexpected(date.error());
    out.expires = *date;
  }
  if (const Json* nbf = claims.find("nbf"); nbf != nullptr) {
    auto date = date_of(*nbf, "the token's nbf is no date");
    if (!date) return std::unexpected(date.error());
    out.not_before = *date;
  }
  const Json* iat = claims.find("iat");
  if (iat != nullptr) {
    auto date = date_of(*iat, "the token's iat is no date");
    if (!date) return std::unexpected(date.error());
    if (*date > static_cast<double>(now + rules.leeway)) return no("the token is issued in the future");
    if (rules.max_lifetime != 0 && out.expires - *date > static_cast<double>(rules.max_lifetime))
      return no("the token is made to live longer than is accepted");
  } else if (rules.max_lifetime != 0) {
    return no("the token has no iat, so nobody can say how long it is made to live");
  }
  return out;
}

}  // namespace

Result<void> check_times(const Lifetime& lifetime, std::int64_t leeway, std::int64_t now) {
  // RFC 7519 §4.1.4: it counts before exp, not at it.
  if (static_cast<double>(now - leeway) >= lifetime.expires) return no("the token has expired");
  if (static_cast<double>(now + leeway) < lifetime.not_before) return no("the token does not count yet");
  return {};
}

Result<Lifetime> check_claims(const Json& claims, std::string_view type, const ClaimRules& rules, std::int64_t now) {
  if (!type_allowed(type, rules.types)) return no("the token's typ is not accepted");
  const Json* issuer = claims.find("iss");
  if (issuer == nullptr || !issuer->is_string() || issuer->as_string() != rules.issuer)
    return no("the token is from another issuer");
  bool malformed = false;
  if (!audience_matches(claims.find("aud"), rules.audiences, malformed))
    return no(malformed ? "the token's aud is neither a string nor a list of strings"
                        : "the token is for somebody else");
  const auto lifetime = read_times(claims, rules, now);
  if (!lifetime) return lifetime;
  if (auto holds = check_times(*lifetime, rules.leeway, now); !holds) return std::unexpected(holds.error());
  for (const RequiredClaim& required : rules.required)
    if (!satisfies(claims, required)) return no("the token lacks a claim that is required here");
  return lifetime;
}

const Json* find_claim(const Json& claims, std::string_view name) {
  if (!name.starts_with('/')) return claims.find(name);
  const Json* at = &claims;
  while (!name.empty()) {
    name.remove_prefix(1);
    const std::size_t end = std::min(name.find('/'), name.size());
    std::string part;
    for (std::size_t i = 0; i < end; ++i) {
      const bool escaped = name[i] == '~' && i + 1 < end && (name[i + 1] == '0' || name[i + 1] == '1');
      part.push_back(escaped ? (name[++i] == '0' ? '~' : '/') : name[i]);
    }
    name.remove_prefix(end);
    if (at->is_array()) {
      std::size_t index = 0;
      const auto read = std::from_chars(part.data(), part.data() + part.size(), index);
      if (read.ec != std::errc() || read.ptr != part.data() + part.size() || index >= at->items().size())
        return nullptr;
      at = &at->items()[index];
    } else if (at = at->find(part); at == nullptr) {
      return nullptr;
    }
  }
  return at;
}

std::vector<std::string_view> words_of(const Json& claim) {
  std::vector<std::string_view> out;
  for (const Json& item : claim.items())
    if (item.is_string() && !item.as_string().empty()) out.push_back(item.as_string());
  std::string_view rest = claim.as_string();
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    if (end != 0) out.push_back(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return out;
}

}  // namespace weir::jose
