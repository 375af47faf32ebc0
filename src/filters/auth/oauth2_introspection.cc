// Filter oauth2_introspection: establishes who calls by asking an authorisation server about an opaque Bearer token
// (RFC 7662). Answers are kept on each worker, also over a reload (filters/tokens/introspector.h); only a request
// whose token is not known waits. Whatever is wrong with the server, nobody is let in for it. Exchange's thread.
#include "crypto/base64.h"
#include "crypto/digest.h"
#include "filters/auth/specs.h"
#include "filters/config/config.h"
#include "filters/config/secret.h"
#include "filters/tokens/bearer.h"
#include "filters/tokens/form.h"
#include "filters/tokens/introspector.h"
#include "identity/consumer_book.h"
#include "pipeline/exchange.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;
using std::chrono::milliseconds;

// What stands inside a quoted string of WWW-Authenticate, and scopes (RFC 6749 §3.3) too.
bool is_quotable(std::string_view text, std::string& why) {
  why = "printable ASCII without quotes and backslashes";
  return std::ranges::all_of(text, [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; });
}
bool is_scope(std::string_view text, std::string& why) {
  if (!is_quotable(text, why)) return false;
  why = "one scope per item, without spaces";
  return !text.empty() && !text.contains(' ');
}

bool holds(const std::vector<std::string>& list, const std::string& one) {
  return std::ranges::find(list, one) != list.end();
}

const Schema& schema_of() {
  using namespace schema;
  static const Schema kSchema = object({
      field("endpoint", string().min_length(1))
          .required()
          .doc("Where tokens are asked about: https://host/path, or http://NAME/path of a named upstream."),
      field("client_id", string().min_length(1)).doc("Who Weir is at the endpoint."),
      field("client_secret_file", string().min_length(1)).doc("A file with Weir's secret there."),
      field("client_secret_env", string().min_length(1)).doc("Or the environment variable that holds it."),
      field("client_secret_name", string().min_length(1)).doc("Or the name of one of the config's `secrets`."),
      field("client_auth", string().words({"basic", "post"}))
          .fallback("basic")
          .doc("How client_id and secret are sent: in Authorization, or in the form (RFC 6749 §2.3.1)."),
      field("issuer", string().min_length(1)).doc("The token must be of this issuer (`iss`)."),
      field("audience", array(string().min_length(1)).min_items(1))
          .doc("The token must be for one of these (`aud`). Without it a token for any other service is good here."),
      field("required_scopes", array(string().format(is_scope)).min_items(1))
          .doc("The token must have all of these; one that lacks any is refused with 403."),
      field("consumer_claim", string().words({"client_id", "sub", "username"}))
          .fallback("client_id")
          .doc("Which member of the answer names the consumer."),
      field("realm", string().format(is_quotable)).fallback("weir").doc("What WWW-Authenticate says."),
      field("forward", boolean())
          .fallback(false)
          .doc("Send the token on to the upstream. Otherwise a good one is taken out: who has it can use it "
               "elsewhere too."),
      field("timeout", duration(milliseconds(10), milliseconds(10'000)))
          .fallback("1s")
          .doc("For the whole of one question, connecting included."),
      field("cache_ttl", duration(milliseconds(0), milliseconds(3'600'000)))
          .fallback("60s")
          .doc(
              "How long a good answer is believed at most; never beyond the token's `exp`. A token revoked meanwhile "
              "stays good for as long."),
      field("negative_ttl", duration(milliseconds(0), milliseconds(60'000)))
          .fallback("5s")
          .doc("How long it is believed that a token is not good."),
      field("cache_entries", integer(1, 1'000'000)).fallback(10'000).doc("Answers kept, per worker."),
      field("breaker_failures", integer(1, 1000))
          .fallback(5)
          .doc("After so many failures in a row the endpoint is left alone: callers are refused at once."),
      field("breaker_open", duration(milliseconds(10), milliseconds(60'000)))
          .fallback("5s")
          .doc("For so long, until one question tries it again."),
  });
  return kSchema;
}

struct Policy {
  std::string issuer;
  std::vector<std::string> audience;
  std::vector<std::string> required_scopes;
  std::string consumer_claim;
  bool forward = false;
};

class Oauth2Introspection final : public pipeline::Filter {
 public:
  Oauth2Introspection(IntrospectionSettings settings, Policy policy, std::string_view realm,
                      const identity::ConsumerBook* consumers)
      : settings_(std::move(settings)), policy_(std::move(policy)), consumers_(consumers) {
    std::string scopes;
    for (const std::string& scope : policy_.required_scopes) scopes += (scopes.empty() ? "" : " ") + scope;
    challenge_ = bearer_challenge(realm, {}, {}, scopes);
    invalid_ = bearer_challenge(realm, "invalid_token", "the token is not active");
    insufficient_ = bearer_challenge(realm, "insufficient_scope", {}, scopes);
    // Everything an answer depends on: with other credentials the endpoint may say something else. And how long it is
    // believed: who wants to know it fresh is not given what another route has kept.
    const std::string all = settings_.endpoint.authority + '\n' + settings_.endpoint.target + '\n' +
                            settings_.authorization + '\n' + settings_.form + '\n' +
                            std::to_string(settings_.positive_ttl.count()) + '\n' +
                            std::to_string(settings_.negative_ttl.count());
    key_ = "oauth2_introspection " + crypto::sha256_hex(all);
  }

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    // Nobody is to find out about tokens on paths that lead nowhere.
    if (exchange.auth.identity.known() || exchange.route == nullptr) return Verdict::next();
    const Bearer shown = bearer(exchange.request.fields);
    if (shown.kind == Bearer::Kind::none) {
      exchange.auth.challenge(challenge_);
      return Verdict::next();
    }
    if (shown.kind == Bearer::Kind::malformed) {
      refuse(exchange, Reason::invalid_credential, "the Bearer token is malformed", invalid_);
      return Verdict::next();
    }
    Introspector& introspector = of(exchange);
    if (const Introspection* known = introspector.find(crypto::sha256(shown.token), exchange.loop.now())) {
      judge(exchange, *known);
      return Verdict::next();
    }
    return Verdict::wait();
  }

  io::Task<Verdict> wait(Exchange& exchange) const override {
    const Bearer shown = bearer(exchange.request.fields);
    upstream::Upstream& upstream = *exchange.lease.upstreams[settings_.endpoint.upstream];
    const Result<Introspection> answer =
        co_await of(exchange).ask(settings_, upstream, *exchange.lease.buffers, shown.token,
                                  crypto::sha256(shown.token), exchange.wall_started_us / 1'000'000);
    if (answer) {
      judge(exchange, *answer);
    } else {
      exchange.auth.fail(answer.error().reason, answer.error().detail);
    }
    co_return Verdict::next();
  }

 private:
  Introspector& of(Exchange& exchange) const {
    return exchange.lease.services.kept->of<Introspector>(key_, exchange.loop.now());
  }

  static void refuse(Exchange& exchange, Reason reason, std::string_view detail, std::string_view challenge) {
    exchange.auth.fail(reason, detail);
    exchange.auth.challenge(challenge);
  }

  void judge(Exchange& exchange, const Introspection& token) const {
    const auto bad = [&](std::string_view why) { refuse(exchange, Reason::invalid_credential, why, invalid_); };
    const std::int64_t now = exchange.wall_started_us / 1'000'000;
    if (!token.active) return bad("the token is not active");
    // DPoP (RFC 9449 §7.2) and mutual TLS (RFC 8705 §3): as a Bearer token it may be stolen.
    if (token.bound) return bad("the token is bound to a key, which was not shown");
    if (token.expires != 0 && token.expires <= now) return bad("the token has expired");
    if (token.not_before > now) return bad("the token is not valid yet");
    if (!policy_.issuer.empty() && token.issuer != policy_.issuer) return bad("the token is of another issuer");
    const auto meant = [&](const std::string& one) { return holds(token.audiences, one); };
    if (!policy_.audience.empty() && std::ranges::none_of(policy_.audience, meant))
      return bad("the token is for another audience");
    const std::string& consumer = policy_.consumer_claim == "sub"        ? token.subject
                                  : policy_.consumer_claim == "username" ? token.username
                                                                         : token.client_id;
    if (consumer.empty()) return bad("the introspection endpoint does not say whose token it is");
    const auto has = [&](const std::string& one) { return holds(token.scopes, one); };
    if (!std::ranges::all_of(policy_.required_scopes, has))
      return refuse(exchange, Reason::insufficient_scope, "the token lacks a scope", insufficient_);
    establish(exchange, token, consumer);
  }

  // Copies: the answer may be dropped while the exchange goes on.
  void establish(Exchange& exchange, const Introspection& token, const std::string& consumer) const {
    Arena& arena = exchange.arena;
    pipeline::Identity out;
    out.kind = pipeline::CredentialKind::oauth2;
    out.user = arena.copy(token.subject.empty() ? token.username : token.subject);
    out.credential = arena.copy(token.token_id);
    auto* scopes = arena.array<std::string_view>(token.scopes.size());
    for (std::size_t i = 0; i < token.scopes.size(); ++i) scopes[i] = arena.copy(token.scopes[i]);
    out.scopes = {scopes, token.scopes.size()};
    const std::string& issuer = token.issuer.empty() ? policy_.issuer : token.issuer;
    const identity::Consumer* mapped = consumers_ == nullptr ? nullptr : consumers_->by_token(issuer, consumer);
    if (mapped != nullptr) {
      out.consumer = mapped->name;
      out.custom_id = mapped->custom_id;
      out.groups = mapped->groups;
    } else {
      out.consumer = arena.copy(consumer);
    }
    exchange.auth.establish(out);
    if (!policy_.forward) exchange.request.fields.remove(http::FieldName::authorization);
  }

  IntrospectionSettings settings_;
  Policy policy_;
  const identity::ConsumerBook* consumers_;
  std::string challenge_;
  std::string invalid_;
  std::string insufficient_;
  std::string key_;
};

// Who Weir is at the endpoint.
void set_client(const Fields& fields, const std::optional<std::string>& secret, IntrospectionSettings& out) {
  const std::string id = form_encoded(fields.string("client_id"));
  const std::string password = secret ? form_encoded(*secret) : std::string();
  if (fields.string("client_auth") == "post" || !secret) {
    if (!id.empty()) out.form = "&client_id=" + id;
    if (secret) out.form += "&client_secret=" + password;
    return;
  }
  const std::string both = id + ":" + password;
  out.authorization =
      "Basic " + crypto::to_base64({reinterpret_cast<const unsigned char*>(both.data()), both.size()});
}

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext& context) {
  const Fields fields(config, schema_of());
  Problems problems;
  IntrospectionSettings settings;
  auto endpoint = context.endpoint(fields.string("endpoint"));
  if (!endpoint) problems.push_back(fields.problem("endpoint", std::move(endpoint.error())));
  auto secret = read_secret(fields, "client_secret", context);
  if (!secret) problems.push_back(std::move(secret.error()));
  if (secret && *secret && !fields.has("client_id"))
    problems.push_back(
        {fields.json().position, fields.path("client_id"), "is missing", "the secret is of some client"});
  if (!problems.empty()) return std::unexpected(std::move(problems));
  settings.endpoint = std::move(*endpoint);
  set_client(fields, *secret, settings);
  settings.timeout = fields.duration("timeout");
  settings.positive_ttl = fields.duration("cache_ttl");
  settings.negative_ttl = fields.duration("negative_ttl");
  settings.entries = static_cast<std::size_t>(fields.integer("cache_entries"));
  settings.breaker.failures = static_cast<int>(fields.integer("breaker_failures"));
  settings.breaker.open_for = fields.duration("breaker_open");
  Policy policy;
  policy.issuer = fields.string("issuer");
  policy.audience = fields.strings("audience");
  policy.required_scopes = fields.strings("required_scopes");
  policy.consumer_claim = fields.string("consumer_claim");
  policy.forward = fields.boolean("forward");
  if (policy.audience.empty())
    context.warn("oauth2_introspection without \"audience\": a token made for any other service is good here too");
  return std::make_unique<Oauth2Introspection>(std::move(settings), std::move(policy), fields.string("realm"),
                                               context.consumers());
}

}  // namespace

pipeline::FilterSpec oauth2_introspection_spec() {
  return {"oauth2_introspection",
          pipeline::Phase::auth,
          "Establishes who calls by asking an authorisation server about the Bearer token (RFC 7662).",
          schema_of,
          make,
          0};
}

}  // namespace weir::filters
