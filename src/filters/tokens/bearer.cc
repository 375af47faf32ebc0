#include "filters/tokens/bearer.h"

#include <algorithm>
#include <array>

namespace weir::filters {
namespace {

// Twice the largest token seen in the wild (a JWT with groups); a head may hold more.
constexpr std::size_t kLongest = 8 * 1024;

// A table: a token has a thousand bytes, and this is on the way of every request.
constexpr std::array<bool, 256> kTokenBytes = [] {
  std::array<bool, 256> out{};
  for (const char c : std::string_view("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/"))
    out[static_cast<unsigned char>(c)] = true;
  return out;
}();

bool is_token(std::string_view text) noexcept {
  bool good = true;
  for (const char c : text) good &= kTokenBytes[static_cast<unsigned char>(c)];
  return good;
}

}  // namespace

Bearer bearer(const http::Fields& fields) noexcept {
  constexpr std::string_view kScheme = "Bearer";
  Bearer out;
  std::size_t count = 0;
  for (const http::Field& field : fields) {
    if (field.id != http::FieldName::authorization) continue;
    ++count;
    if (!http::equal_ignoring_case(field.value.substr(0, kScheme.size()), kScheme)) continue;
    std::string_view rest = field.value.substr(kScheme.size());
    if (!rest.empty() && rest.front() != ' ') continue;  // "Bearers": another scheme
    rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    out = {Bearer::Kind::presented, rest};
  }
  if (out.kind == Bearer::Kind::none) return out;
  std::string_view body = out.token;
  while (body.ends_with('=')) body.remove_suffix(1);
  // Several fields: whoever reads the other one would see another caller (attacks C2).
  const bool good = count == 1 && !body.empty() && out.token.size() <= kLongest && is_token(body);
  return good ? out : Bearer{Bearer::Kind::malformed, {}};
}

std::string bearer_challenge(std::string_view realm, std::string_view error, std::string_view description,
                             std::string_view scope) {
  std::string out = "Bearer realm=\"";
  out.append(realm).append("\"");
  if (!error.empty()) out.append(", error=\"").append(error).append("\"");
  if (!description.empty()) out.append(", error_description=\"").append(description).append("\"");
  if (!scope.empty()) out.append(", scope=\"").append(scope).append("\"");
  return out;
}

}  // namespace weir::filters
