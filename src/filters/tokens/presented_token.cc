#include "filters/tokens/presented_token.h"

#include "filters/tokens/bearer.h"
#include "http/message/query.h"

namespace weir::filters {
namespace {

using Kind = PresentedToken::Kind;

void add(PresentedToken& out, std::string_view token) {
  if (out.kind != Kind::none || token.empty()) {
    out = {Kind::malformed, {}};
  } else {
    out = {Kind::one, token};
  }
}

// The next "name=value" of a Cookie field (RFC 6265 §4.2.1); takes it off `rest`.
std::string_view take_crumb(std::string_view& rest) noexcept {
  const std::size_t end = rest.find(';');
  std::string_view crumb = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  while (crumb.starts_with(' ')) crumb.remove_prefix(1);
  while (crumb.ends_with(' ')) crumb.remove_suffix(1);
  return crumb;
}

bool names(std::string_view crumb, std::string_view name) noexcept {
  return crumb.size() > name.size() && crumb.starts_with(name) && crumb[name.size()] == '=';
}

// The value without the crumbs of that name; empty if nothing is left.
std::string_view without_crumb(std::string_view value, std::string_view name, Arena& arena) {
  // What is put between crumbs ("; ") may be longer than what the client wrote (";").
  char* const out = arena.allocate(2 * value.size());
  std::size_t size = 0;
  while (!value.empty()) {
    const std::string_view crumb = take_crumb(value);
    if (crumb.empty() || names(crumb, name)) continue;
    if (size != 0) {
      out[size++] = ';';
      out[size++] = ' ';
    }
    std::memcpy(out + size, crumb.data(), crumb.size());
    size += crumb.size();
  }
  return {out, size};
}

void remove_cookie(pipeline::Exchange& exchange, std::string_view name) {
  http::Fields kept;
  bool any = false;
  for (const http::Field& field : exchange.request.fields) {
    http::Field copy = field;
    if (field.id == http::FieldName::cookie) {
      copy.value = without_crumb(field.value, name, exchange.arena);
      any = true;
      if (copy.value.empty()) continue;
    }
    kept.append(copy);
  }
  if (any) exchange.request.fields = std::move(kept);
}

void remove_parameter(pipeline::Exchange& exchange, std::string_view name) {
  std::string_view rest = exchange.upstream_query;
  char* const out = exchange.arena.allocate(rest.size() + 1);
  std::size_t size = 0;
  while (!rest.empty()) {
    const http::Parameter parameter = http::take_parameter(rest);
    if (http::names_parameter(parameter.name, name, http::Case::exact)) continue;
    if (size != 0) out[size++] = '&';
    std::memcpy(out + size, parameter.whole.data(), parameter.whole.size());
    size += parameter.whole.size();
  }
  exchange.upstream_query = {out, size};
  exchange.upstream_has_query = size != 0;
}

}  // namespace

bool is_cookie_name(std::string_view text, std::string& why) {
  why = "a cookie's name has letters, digits, \"-\", \"_\" and \".\"";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  });
}

PresentedToken find_token(const pipeline::Exchange& exchange, const TokenPlaces& places) {
  PresentedToken out;
  if (places.bearer) {
    const Bearer found = bearer(exchange.request.fields);
    if (found.kind == Bearer::Kind::malformed) return {Kind::malformed, {}};
    if (found.kind == Bearer::Kind::presented) add(out, found.token);
  }
  const bool header = !places.header.name.empty();
  if (header || !places.cookie.empty()) {
    for (const http::Field& field : exchange.request.fields) {
      if (header && field.id == places.header.id && http::equal_ignoring_case(field.name, places.header.name))
        add(out, field.value);
      if (places.cookie.empty() || field.id != http::FieldName::cookie) continue;
      std::string_view rest = field.value;
      while (!rest.empty()) {
        const std::string_view crumb = take_crumb(rest);
        if (names(crumb, places.cookie)) add(out, crumb.substr(places.cookie.size() + 1));
      }
    }
  }
  if (!places.query_parameter.empty()) {
    std::string_view rest = exchange.query;
    while (!rest.empty()) {
      const http::Parameter parameter = http::take_parameter(rest);
      if (http::names_parameter(parameter.name, places.query_parameter, http::Case::exact)) add(out, parameter.value);
    }
  }
  return out;
}

void remove_token(pipeline::Exchange& exchange, const TokenPlaces& places) {
  http::Fields& fields = exchange.request.fields;
  if (places.bearer) {
    fields.remove_if([](const http::Field& field) {
      return field.id == http::FieldName::authorization &&
             http::equal_ignoring_case(field.value.substr(0, 7), "Bearer ");
    });
  }
  if (!places.header.name.empty()) places.header.remove(fields);
  if (!places.cookie.empty()) remove_cookie(exchange, places.cookie);
  if (!places.query_parameter.empty()) remove_parameter(exchange, places.query_parameter);
}

}  // namespace weir::filters
