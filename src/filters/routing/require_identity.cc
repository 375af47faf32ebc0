// Filter require_identity: a caller nobody knows goes no further, nor does one who may not be here. It is in the
// chain of every route with `auth_required: true`, first in its phase; with a config it also says which callers. It
// never establishes anybody: the auth filters do that. Exchange's thread.
#include <algorithm>

#include "filters/config/config.h"
#include "filters/routing/specs.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Identity;
using pipeline::Verdict;
using schema::field;

Schema names(Literal noun) { return schema::array(schema::string().named(noun).min_length(1)).unique().min_items(1); }

bool is_scope(std::string_view text, std::string& why) {
  why = "a scope has no spaces, quotes or backslashes (RFC 6749)";
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

Schema scopes() { return schema::array(schema::string().named("scope").format(is_scope)).unique().min_items(1); }

Schema access_list(Literal noun) {
  return schema::object({
      field("allow", names(noun)).doc("Only these may come in."),
      field("deny", names(noun)).doc("These may not, also if `allow` has them."),
  });
}

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      field("scopes", schema::object({
                          field("all", scopes()).doc("Every one of these is needed."),
                          field("any", scopes()).doc("One of these is needed."),
                      }))
          .doc("What the credential must reach."),
      field("groups", access_list("group name")).doc("By the groups of the caller."),
      field("consumers", access_list("consumer name")).doc("By who calls."),
      field("kinds", schema::array(schema::string().words(
                                       {"api_key", "jwt", "oauth2", "mtls", "basic", "hmac", "forward_auth"}))
                         .unique()
                         .min_items(1))
          .doc("By which kinds of credential they may have said who they are; without it, any."),
  });
  return kSchema;
}

bool has(std::span<const std::string_view> list, std::string_view word) noexcept {
  return std::ranges::find(list, word) != list.end();
}

struct AccessList {
  std::vector<std::string> allow, deny;
  bool admits(std::span<const std::string_view> words) const noexcept {
    const auto named = [&](const std::string& one) { return has(words, one); };
    return std::ranges::none_of(deny, named) && (allow.empty() || std::ranges::any_of(allow, named));
  }
};

struct Settings {
  std::vector<std::string> all_scopes, any_scope, kinds;
  AccessList groups, consumers;
  std::string scope_challenge;
};

class RequireIdentity final : public pipeline::Filter {
 public:
  explicit RequireIdentity(Settings settings) : settings_(std::move(settings)) {}

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    const Identity& caller = exchange.auth.identity;
    if (!caller.known()) return unknown(exchange);
    if (!settings_.kinds.empty() && std::ranges::find(settings_.kinds, text(caller.kind)) == settings_.kinds.end())
      return Verdict::refuse(Reason::forbidden, "this kind of credential is not accepted here");
    const std::string_view consumer[] = {caller.consumer};
    if (!settings_.consumers.admits(consumer)) return Verdict::refuse(Reason::forbidden);
    if (!settings_.groups.admits(caller.groups)) return Verdict::refuse(Reason::forbidden);
    if (!reaches(caller.scopes)) {
      exchange.response.fields.append("WWW-Authenticate", settings_.scope_challenge);
      return Verdict::refuse(Reason::insufficient_scope);
    }
    return Verdict::next();
  }

 private:
  static Verdict unknown(Exchange& exchange) {
    const pipeline::Authentication& auth = exchange.auth;
    const Reason reason = auth.failure.reason == Reason::ok ? Reason::unauthenticated : auth.failure.reason;
    // RFC 9110 §11.6.1: a 401 names the ways to do better; RFC 6750 §3.1: so does a token that does not reach.
    if (info(reason).status == 401 || reason == Reason::insufficient_scope) {
      for (const std::string_view challenge : auth.challenges())
        exchange.response.fields.append("WWW-Authenticate", challenge);
    }
    return Verdict::refuse(reason, auth.failure.detail);
  }

  bool reaches(std::span<const std::string_view> scopes) const noexcept {
    const auto held = [&](const std::string& one) { return has(scopes, one); };
    return std::ranges::all_of(settings_.all_scopes, held) &&
           (settings_.any_scope.empty() || std::ranges::any_of(settings_.any_scope, held));
  }

  Settings settings_;
};

// RFC 6750 §3.1: the scopes that would do. Of "any", naming all of them asks for more than is needed, but the syntax
// has no "or".
std::string scope_challenge(const Settings& settings) {
  std::string wanted;
  for (const auto* list : {&settings.all_scopes, &settings.any_scope})
    for (const std::string& one : *list) wanted.append(wanted.empty() ? "" : " ").append(one);
  return R"(Bearer error="insufficient_scope", scope=")" + wanted + "\"";
}

AccessList read(const Fields& fields) { return {fields.strings("allow"), fields.strings("deny")}; }

// A name in both lists is a slip: nobody of that name could ever pass.
void check_lists(const AccessList& list, std::string_view name, Problems& problems) {
  for (const std::string& one : list.allow)
    if (std::ranges::find(list.deny, one) != list.deny.end())
      problems.push_back({{}, std::string(name), "\"" + one + "\" is both allowed and denied", "remove it from one"});
}

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext&) {
  const Fields fields(config, schema_of());
  Settings settings;
  settings.all_scopes = fields.object("scopes").strings("all");
  settings.any_scope = fields.object("scopes").strings("any");
  settings.kinds = fields.strings("kinds");
  settings.groups = read(fields.object("groups"));
  settings.consumers = read(fields.object("consumers"));
  settings.scope_challenge = scope_challenge(settings);
  Problems problems;
  check_lists(settings.groups, "groups", problems);
  check_lists(settings.consumers, "consumers", problems);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return std::make_unique<RequireIdentity>(std::move(settings));
}

}  // namespace

pipeline::FilterSpec require_identity_spec() {
  return {"require_identity",
          pipeline::Phase::routing,
          "Refuses callers whom no auth filter could establish, and those who may not be here.",
          schema_of,
          make,
          -1};
}

}  // namespace weir::filters
