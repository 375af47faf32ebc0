#include "filters/auth/caller.h"

#include <algorithm>

namespace weir::filters {
namespace {

// It stands between quotes in a header.
bool is_realm(std::string_view text, std::string& why) {
  why = "expected visible characters without quotes and backslashes";
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

}  // namespace

AuthorizationField authorization(const http::Fields& fields, std::string_view scheme) noexcept {
  AuthorizationField out;
  int count = 0;
  for (const http::Field& field : fields) {
    if (field.id != http::FieldName::authorization) continue;
    ++count;
    std::string_view value = field.value;
    if (value.size() <= scheme.size() || value[scheme.size()] != ' ' ||
        !http::equal_ignoring_case(value.substr(0, scheme.size()), scheme))
      continue;
    value.remove_prefix(scheme.size());
    while (value.starts_with(' ')) value.remove_prefix(1);
    while (value.ends_with(' ')) value.remove_suffix(1);
    out.credentials = value;
  }
  out.several = count > 1;
  return out;
}

Field realm_field() {
  return schema::field("realm", schema::string().named("realm").max_length(128).format(is_realm))
      .fallback("weir")
      .doc("What WWW-Authenticate tells clients about what is protected.");
}

std::string challenge_text(std::string_view scheme, std::string_view realm, std::string_view rest) {
  std::string out(scheme);
  out.append(" realm=\"").append(realm).append("\"");
  if (!rest.empty()) out.append(", ").append(rest);
  return out;
}

}  // namespace weir::filters
