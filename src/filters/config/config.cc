// Shared reading of filter configs (config.h). Runs when a config is checked or compiled, on any thread; never on the
// way of a request.
#include "filters/config/config.h"

#include <algorithm>

namespace weir::filters {
namespace {

using Mistake = pipeline::Template::Mistake;

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) noexcept {
  return std::ranges::any_of(names, [&](std::string_view one) { return http::equal_ignoring_case(name, one); });
}

}  // namespace

std::string_view FieldRef::joined(const http::Fields& fields, Arena& arena) const {
  std::string_view out;
  bool some = false;
  for (const http::Field& field : fields) {
    if (field.id != id || (id == http::FieldName::other && !http::equal_ignoring_case(field.name, name))) continue;
    out = some ? arena.concat({out, ", ", field.value}) : field.value;
    some = true;
  }
  return out;
}

FieldRef field_ref(std::string_view name) { return {http::field_name(name), std::string(name)}; }

bool is_field_name(std::string_view text, std::string& why) {
  why = "a header name has letters, digits and \"-\"";
  if (text.contains('_')) {
    // Servers that turn "-" into "_" (CGI) cannot tell the two apart; the parser refuses such names for that reason.
    why += "; \"_\" is refused";
    return false;
  }
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^`|~").contains(c);
  });
}

Mistake refused_field(std::string_view name, Side side) {
  const std::string quoted = "\"" + std::string(name) + "\"";
  if (name.starts_with(':')) return {quoted + " is a pseudo header", {}};
  if (is_one_of(name, {"Content-Length", "Transfer-Encoding"})) {
    return {quoted + " says where the message ends; Weir writes it", {}};
  }
  if (is_one_of(name,
                {"Connection", "Keep-Alive", "Proxy-Connection", "TE", "Trailer", "Upgrade", "HTTP2-Settings"})) {
    return {quoted + " belongs to one connection and is never passed on", {}};
  }
  if (side == Side::response) return {};
  if (is_one_of(name, {"Host"})) return {quoted + " is not set here", "use the filter rewrite with \"host\""};
  if (is_one_of(name, {"Expect"})) return {quoted + " is answered by Weir", {}};
  if (is_one_of(name, {"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Port",
                       "X-Forwarded-Proto"})) {
    return {quoted + " is written by Weir itself, after all filters", {}};
  }
  return {};
}

pipeline::Template read_template(const Json& value, std::string path, pipeline::Template::Use use,
                                 Problems& problems) {
  auto parsed = pipeline::Template::parse(value.as_string(), use);
  if (parsed) return std::move(*parsed);
  problems.push_back(
      {value.position, std::move(path), std::move(parsed.error().message), std::move(parsed.error().hint)});
  return {};
}

}  // namespace weir::filters
