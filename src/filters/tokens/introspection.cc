#include "filters/tokens/introspection.h"

#include <algorithm>

#include "base/json/json.h"

namespace weir::filters {
namespace {

// Names of callers become header values, log words and keys of limits: longer is a mistake or an attack. Twice the
// longest subject OpenID Connect allows (255).
constexpr std::size_t kLongestName = 512;
constexpr std::size_t kMostListed = 256;  // scopes or audiences

std::unexpected<Error> malformed(std::string_view what) { return fail(Reason::auth_unavailable, what); }

bool clean(std::string_view text) noexcept {
  return text.size() <= kLongestName && std::ranges::none_of(text, [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte < 0x20 || byte == 0x7f;
         });
}

// Absent and null are the same; anything but a string that may be passed on is not.
bool read(const Json& answer, std::string_view name, std::string& out) {
  const Json* value = answer.find(name);
  if (value == nullptr || value->is_null()) return true;
  if (!value->is_string() || !clean(value->as_string())) return false;
  out = value->as_string();
  return true;
}

bool read(const Json& answer, std::string_view name, std::int64_t& out) {
  const Json* value = answer.find(name);
  if (value == nullptr || value->is_null()) return true;
  // A date beyond the year 9999 is no date, and arithmetic with it might overflow.
  if (!value->is_number() || value->as_number() < 1 || value->as_number() > 253402300799.0) return false;
  out = static_cast<std::int64_t>(value->as_number());
  return true;
}

bool read_audience(const Json& answer, std::vector<std::string>& out) {
  const Json* value = answer.find("aud");
  if (value == nullptr || value->is_null()) return true;
  if (value->is_string()) {
    out.emplace_back(value->as_string());
    return true;
  }
  if (!value->is_array() || value->items().size() > kMostListed) return false;
  for (const Json& item : value->items()) {
    if (!item.is_string()) return false;
    out.emplace_back(item.as_string());
  }
  return true;
}

bool read_scope(const Json& answer, std::vector<std::string>& out) {
  const Json* value = answer.find("scope");
  if (value == nullptr || value->is_null()) return true;
  if (!value->is_string()) return false;
  std::string_view left = value->as_string();
  while (!left.empty()) {
    const std::size_t space = std::min(left.find(' '), left.size());
    const std::string_view one = left.substr(0, space);
    left.remove_prefix(std::min(space + 1, left.size()));
    if (one.empty()) continue;
    if (!clean(one) || out.size() == kMostListed) return false;
    out.emplace_back(one);
  }
  return true;
}

}  // namespace

Result<Introspection> read_introspection(std::string_view body) {
  const auto answer = parse_json(body);
  if (!answer || !answer->is_object()) return malformed("the introspection endpoint's answer is not a JSON object");
  const Json* active = answer->find("active");
  if (active == nullptr || !active->is_boolean()) {
    return malformed("the introspection endpoint's answer does not say active: true or false");
  }
  Introspection out;
  if (!active->as_boolean()) return out;
  out.active = true;
  const Json* confirmation = answer->find("cnf");
  out.bound = confirmation != nullptr && !confirmation->is_null();
  const bool good = read(*answer, "client_id", out.client_id) && read(*answer, "sub", out.subject) &&
                    read(*answer, "username", out.username) && read(*answer, "iss", out.issuer) &&
                    read(*answer, "jti", out.token_id) && read(*answer, "exp", out.expires) &&
                    read(*answer, "nbf", out.not_before) && read_audience(*answer, out.audiences) &&
                    read_scope(*answer, out.scopes);
  if (!good) return malformed("a member of the introspection endpoint's answer is not what RFC 7662 has there");
  return out;
}

}  // namespace weir::filters
