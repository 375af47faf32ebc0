#include "filters/auth/forward_answer.h"

namespace weir::filters {
namespace {

using Views = std::span<const std::string_view>;

// Callers' names become keys of limits and words of the log (filters/tokens/introspection.cc).
constexpr std::size_t kLongestName = 512;

// The elements of a list, white space around them trimmed, in the arena.
Views split(std::string_view list, char separator, Arena& arena) {
  const auto most = static_cast<std::size_t>(std::ranges::count(list, separator)) + 1;
  auto* out = arena.array<std::string_view>(most);
  std::size_t count = 0;
  list = arena.copy(list);
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(separator), list.size());
    std::string_view one = list.substr(0, end);
    list.remove_prefix(std::min(end + 1, list.size()));
    while (one.starts_with(' ') || one.starts_with('\t')) one.remove_prefix(1);
    while (one.ends_with(' ') || one.ends_with('\t')) one.remove_suffix(1);
    if (!one.empty()) out[count++] = one;
  }
  return {out, count};
}

// Always shown to the client of a refusal: without them it would not know what to do (as Envoy's ext_authz).
bool always_shown(std::string_view name) noexcept {
  constexpr std::string_view kShown[] = {"Content-Type", "Location", "WWW-Authenticate"};
  return std::ranges::any_of(kShown, [&](std::string_view one) { return http::equal_ignoring_case(one, name); });
}

}  // namespace

void ForwardAnswer::strip(http::Fields& request) const {
  for (const FieldRef& header : upstream_headers) header.remove(request);
  for (const std::string* name : {&consumer, &user, &groups, &scopes})
    if (!name->empty()) request.remove(std::string_view(*name));
}

bool ForwardAnswer::accept(pipeline::Exchange& exchange, const upstream::Fetched& answer) const {
  Arena& arena = exchange.arena;
  if (!consumer.empty()) {
    const std::string_view who = answer.value(consumer);
    if (who.empty() || who.size() > kLongestName) return false;
    pipeline::Identity found;
    found.kind = pipeline::CredentialKind::forward_auth;
    found.consumer = arena.copy(who);
    if (const identity::Consumer* known = consumers != nullptr ? consumers->by_name(who) : nullptr) {
      found.custom_id = known->custom_id;
      found.groups = known->groups;
    }
    if (!user.empty()) found.user = arena.copy(answer.value(user).substr(0, kLongestName));
    if (!groups.empty()) found.groups = split(answer.value(groups), ',', arena);
    if (!scopes.empty()) found.scopes = split(answer.value(scopes), ' ', arena);
    exchange.auth.establish(found);
  }
  for (const FieldRef& header : upstream_headers) {
    for (const upstream::Fetched::Field& field : answer.fields)
      if (http::equal_ignoring_case(field.name, header.name))
        header.append(exchange.request.fields, arena.copy(field.value));
  }
  return true;
}

void ForwardAnswer::refuse(pipeline::Exchange& exchange, const upstream::Fetched& answer) const {
  Arena& arena = exchange.arena;
  const bool unknown = answer.status == 401 || answer.status < 400;  // or sent to where it can log in
  exchange.reason = unknown ? Reason::unauthenticated : Reason::forbidden;
  exchange.detail = "the authorization service refuses";
  exchange.response.status = answer.status;
  for (const upstream::Fetched::Field& field : answer.fields) {
    const bool shown = always_shown(field.name) || std::ranges::any_of(client_headers, [&](const FieldRef& header) {
                         return http::equal_ignoring_case(header.name, field.name);
                       });
    if (shown) exchange.response.fields.append(arena.copy(field.name), arena.copy(field.value));
  }
  exchange.answer = arena.copy(answer.body);
}

}  // namespace weir::filters
