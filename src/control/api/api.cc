#include "control/api/api.h"

#include <fmt/format.h>

#include <algorithm>

#include "control/api/handlers.h"
#include "control/api/message/guard.h"
#include "control/audit.h"

namespace weir::control::api {
namespace {

// A token's last use is for people: a minute is as exact as they need.
constexpr std::int64_t kNoteEveryMs = 60'000;

bool allowed(const Operator& who, const Route& route) noexcept {
  switch (route.need) {
    case Need::nothing:
    case Need::token:
      return true;
    case Need::read:
      return may(who, Action::read);
    case Need::audit:
      return may(who, Action::read_audit);
    case Need::edit:
      return may(who, Action::write, *route.kind);
    case Need::publish:
      return may(who, Action::publish);
    case Need::roll_back:
      return may(who, Action::rollback);
    case Need::see_operators:
      return may(who, Action::read_operators);
    case Need::operators:
      return may(who, Action::manage_operators);
    case Need::keys:
      return may(who, Action::manage_keys);
  }
  return false;
}

// "application/json; charset=utf-8" is application/json.
std::string media_type(const ApiRequest& request) {
  const std::string* field = request.field("content-type");
  std::string out = field ? field->substr(0, field->find(';')) : std::string();
  while (!out.empty() && (out.back() == ' ' || out.back() == '\t')) out.pop_back();
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return out;
}

Outcome<void> check_type(const ApiRequest& request, Takes takes) {
  const std::string type = media_type(request);
  if (type == "application/json") return {};
  if (takes == Takes::merge_patch && type == "application/merge-patch+json") return {};
  const std::string_view wanted = takes == Takes::merge_patch ? "application/merge-patch+json" : "application/json";
  return refuse(Why::media_type, {.field = "Content-Type",
                                  .message = type.empty() ? "is missing" : fmt::format("is {}", type),
                                  .hint = fmt::format("send Content-Type: {}", wanted)});
}

Outcome<Json> body_of(const ApiRequest& request, Takes takes) {
  if (takes == Takes::nothing) {
    if (request.body.empty()) return Json();
    return refuse(Why::bad_request, fmt::format("{} {} takes no body", request.method, request.path));
  }
  if (takes == Takes::optional_json && request.body.empty()) return Json();
  if (auto type = check_type(request, takes); !type) return std::unexpected(type.error());
  auto parsed = parse_json(request.body);
  if (!parsed) {
    const Problem& wrong = parsed.error();
    return refuse(Why::bad_request,
                  {.message = fmt::format("the body is no JSON: line {}, column {}: {}", wrong.position.line,
                                          wrong.position.column, wrong.message),
                   .hint = wrong.hint});
  }
  if (!parsed->is_object())
    return refuse(Why::invalid, {.message = fmt::format("expected an object, not {}", describe_value(*parsed))});
  return std::move(*parsed);
}

std::unexpected<Refusal> unauthenticated(std::string detail) {
  auto out = refuse(Why::unauthenticated, std::move(detail));
  out.error().fields.emplace_back("WWW-Authenticate", "Bearer realm=\"weir\"");
  return out;
}

StoreError::Kind store_error_of(Why why) noexcept {
  return why == Why::store_unavailable ? StoreError::Kind::unavailable
         : why == Why::store_read_only ? StoreError::Kind::read_only
         : why == Why::store_outdated  ? StoreError::Kind::outdated
                                       : StoreError::Kind::broken;
}

}  // namespace

ApiResponse answer(const Json& body, int status) {
  ApiResponse out;
  out.status = status;
  out.body = to_pretty(body) + '\n';
  return out;
}

Pulse look(Store& store) {
  Pulse out;
  const auto read = store.read([&](StoreView& view) -> StoreResult<void> {
    const auto info = view.revision(0);
    if (!info) return std::unexpected(info.error());
    if (*info) out.last = (*info)->number;
    return {};
  });
  if (!read) return {.error = read.error()};
  return out;
}

Outcome<void> check_body(const Call& call, const Schema& schema) {
  if (call.body.is_null()) return {};
  const Problems problems = check(call.body, schema);
  if (problems.empty()) return {};
  auto out = refuse(Why::invalid, problems.size() == 1 ? problems.front().path + ": " + problems.front().message
                                                       : fmt::format("{} mistakes", problems.size()));
  for (const Problem& one : problems)
    out.error().errors.push_back(
        {.field = finding_of(Kind::route, {}, one).field, .message = one.message, .hint = one.hint});
  return out;
}

Outcome<Authenticated> Api::logged_in(const ApiRequest& request) {
  const std::string* field = request.field("authorization");
  if (field == nullptr) return unauthenticated("send Authorization: Bearer weirop_…");
  constexpr std::string_view kScheme = "bearer ";
  const bool bearer = std::ranges::equal(std::string_view(*field).substr(0, kScheme.size()), kScheme,
                                         [](char a, char b) { return (a | 0x20) == (b | 0x20); });
  const std::string_view text = bearer ? std::string_view(*field).substr(kScheme.size()) : std::string_view();
  const auto parsed = parse_token(text);
  const std::int64_t now = means_.clock();
  // A token that has held before is asked about again whatever strangers at the same address do.
  const std::int64_t wait = throttle_.wait_of(request.from, now);
  if (wait != 0 && (!parsed || !seen_.knows(parsed->id))) {
    auto out =
        refuse(Why::throttled, fmt::format("{} failed {} times within a minute", request.from, Throttle::kFailures));
    out.error().fields.emplace_back("Retry-After", fmt::format("{}", wait));
    return out;
  }
  std::optional<Authenticated> found;
  if (parsed) {
    const auto read = means_.store.read([&](StoreView& view) -> StoreResult<void> {
      auto authenticated = authenticate(view, text, now / 1000);
      if (!authenticated) return std::unexpected(authenticated.error());
      found = std::move(*authenticated);
      return {};
    });
    if (!read) return std::unexpected(refusal(read.error()));
  }
  if (!found) {
    note_failure(request, now, wait == 0);
    return unauthenticated("the token does not hold: it is wrong, has expired, or its operator is disabled");
  }
  if (seen_.note(found->token_id, now)) notes_.used(found->token_id, now / 1000);
  return std::move(*found);
}

void Api::note_failure(const ApiRequest& request, std::int64_t now, bool logged) {
  throttle_.failed(request.from, now);
  counts_.login_failed();
  // Ten a minute and network at most, so that the log cannot be flooded.
  if (logged) notes_.failed(request.from, now);
}

Outcome<ApiResponse> Api::handled(Call& call) {
  if (const auto* plain = std::get_if<Plain>(&call.route.handler)) return (*plain)(call);
  if (const auto* writing = std::get_if<Writing>(&call.route.handler))
    return written(call, [&](StoreWriter& writer) { return (*writing)(call, writer); });
  Outcome<ApiResponse> out = refuse(Why::internal, "");
  const auto read = means_.store.read([&](StoreView& view) -> StoreResult<void> {
    out = std::get<Reading>(call.route.handler)(call, view);
    return {};
  });
  if (!read) return std::unexpected(refusal(read.error()));
  return out;
}

Outcome<Api::Admitted> Api::admit(const ApiRequest& request) {
  if (auto meant = check_origin(request, means_.allowed_hosts); !meant) return std::unexpected(meant.error());
  const auto route = find_route(request);
  if (!route) return std::unexpected(route.error());
  Operator who;
  std::int64_t token_ends = 0;
  if ((*route)->need != Need::nothing) {
    auto found = logged_in(request);
    if (!found) return std::unexpected(found.error());
    who = std::move(found->who);
    token_ends = found->token_ends;
    if (!allowed(who, **route))
      return refuse(Why::forbidden,
                    fmt::format("{} is {}, whose role does not reach this far", who.name, word(who.role)));
  }
  return Admitted{*route, std::move(who), token_ends};
}

Outcome<ApiResponse> Api::respond_to(const ApiRequest& request, const Pulse* pulse) {
  auto admitted = admit(request);
  if (!admitted) return std::unexpected(std::move(admitted.error()));
  const Route& route = *admitted->route;
  const auto query = Query::of(request, route.query);
  if (!query) return std::unexpected(query.error());
  const auto body = body_of(request, route.takes);
  if (!body) return std::unexpected(body.error());
  Call call{.request = request,
            .route = route,
            .query = *query,
            .body = *body,
            .author = {std::move(admitted->who), request.from, means_.clock(), admitted->token_ends},
            .means = means_,
            .counts = counts_,
            .keys_lock = keys_lock_,
            .pulse = pulse};
  for (auto [name, into] : {std::pair{"dry_run", &call.dry_run}, {"publish", &call.publish}}) {
    const auto flag = query->flag(name);
    if (!flag) return std::unexpected(flag.error());
    *into = *flag;
  }
  return handled(call);
}

std::optional<ApiResponse> Api::refuse_early(const ApiRequest& request) {
  const auto admitted = admit(request);
  if (admitted) return std::nullopt;
  return refused(admitted.error());
}

Way Api::way(const ApiRequest& request) {
  const auto route = find_route(request);
  return route ? (*route)->way : Way::thread;
}

ApiResponse Api::answer(const ApiRequest& request, const Pulse* pulse) {
  auto out = respond_to(request, pulse);
  if (out) {
    if (out->published) counts_.published(false);
    return std::move(*out);
  }
  return refused(out.error());
}

ApiResponse Api::refused(const Refusal& refusal) {
  switch (const Why why = refusal.why; why) {
    case Why::not_publishable:
      counts_.published(true);
      break;
    case Why::store_unavailable:
    case Why::store_read_only:
    case Why::store_outdated:
    case Why::internal:
      counts_.store_failed(store_error_of(why));
      break;
    default:
      break;
  }
  return respond(refusal);
}

bool SeenTokens::knows(std::string_view id) const {
  const std::lock_guard lock(mutex_);
  return last_.contains(id);
}

bool SeenTokens::note(const std::string& id, std::int64_t now_ms) {
  const std::lock_guard lock(mutex_);
  const auto [at, fresh] = last_.emplace(id, now_ms);
  if (!fresh && now_ms - at->second < kNoteEveryMs) return false;
  at->second = now_ms;
  return true;
}

}  // namespace weir::control::api
