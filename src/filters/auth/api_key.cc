// Filter api_key: who calls, by a key of Weir's own form. All keys are in memory (ports/credential_store.h), so it
// never waits. Makes no keys: `weir key` does. Exchange's thread.
#include "identity/api_key.h"

#include "filters/auth/caller.h"
#include "filters/auth/specs.h"
#include "filters/config/config.h"
#include "filters/tokens/presented_token.h"
#include "ports/credential_store.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;
using Outcome = ports::CredentialStore::Outcome;
using schema::field;

const Schema& schema_of() {
  static const Schema kSchema = schema::object({
      field("header", schema::string().named("header name").format(is_field_name))
          .fallback("X-API-Key")
          .doc("The header that holds the key."),
      field("authorization", schema::boolean())
          .fallback(true)
          .doc("Also take it from Authorization: ApiKey KEY, or Bearer KEY if the key begins with weir_."),
      field("query_parameter", schema::string().words({"api_key", "apikey", "key"}))
          .doc("Also take it from this query parameter. Discouraged: URLs end up in histories and logs. The access "
               "log blanks these names."),
      field("hide_credentials", schema::boolean())
          .fallback(true)
          .doc("Take the key out of what goes upstream: a service has no use for it, and its logs would hold it."),
      realm_field(),
  });
  return kSchema;
}

struct Settings {
  TokenPlaces places;
  bool authorization = true;
  bool hide = true;
  std::string challenge;
  const identity::ConsumerBook* consumers = nullptr;
};

// What a key that does not hold is told: to its holder alone it may say more than "no".
std::string_view detail(Outcome outcome) noexcept {
  switch (outcome) {
    case Outcome::expired:
      return "the API key has expired";
    case Outcome::disabled:
      return "the API key is disabled";
    case Outcome::revoked:
      return "the API key was revoked";
    case Outcome::unavailable:
      return "the API keys are not loaded";
    default:
      return "the API key is not known";
  }
}

class ApiKey final : public pipeline::Filter {
 public:
  explicit ApiKey(Settings settings) : settings_(std::move(settings)) {}

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    exchange.auth.challenge(settings_.challenge);
    const PresentedToken found = find(exchange);
    if (found.kind == PresentedToken::Kind::none) return Verdict::next();
    judge(exchange, found);
    if (settings_.hide) hide(exchange);
    return Verdict::next();
  }

 private:
  static std::string_view bearer_key(const http::Fields& fields) noexcept {
    const std::string_view token = authorization(fields, "Bearer").credentials;
    // Tokens of others are others' to judge.
    return token.starts_with(identity::kApiKeyPrefix) ? token : std::string_view();
  }

  PresentedToken find(const Exchange& exchange) const {
    using Kind = PresentedToken::Kind;
    PresentedToken out = find_token(exchange, settings_.places);
    if (!settings_.authorization) return out;
    const http::Fields& fields = exchange.request.fields;
    const AuthorizationField own = authorization(fields, "ApiKey");
    const std::string_view key = own.credentials.empty() ? bearer_key(fields) : own.credentials;
    if (key.empty()) return out;
    return own.several || out.kind != Kind::none ? PresentedToken{Kind::malformed, {}}
                                                 : PresentedToken{Kind::one, key};
  }

  void judge(Exchange& exchange, const PresentedToken& found) const {
    if (found.kind == PresentedToken::Kind::malformed) {
      // Whoever reads the other one would see another caller (attacks C2).
      return exchange.auth.fail(Reason::invalid_credential, "more than one API key was presented");
    }
    ports::CredentialStore* store = exchange.lease.services.credentials;
    const auto parts = identity::parse_api_key(found.token);
    if (!parts) {
      if (store != nullptr) store->note_malformed();
      return exchange.auth.fail(Reason::invalid_credential, "that is not an API key, or it was copied badly");
    }
    const std::int64_t now = exchange.wall_started_us / 1'000'000;
    const auto answer =
        store == nullptr ? ports::CredentialStore::Answer{} : store->api_key(parts->id, parts->secret, now);
    if (answer.outcome == Outcome::good) return exchange.auth.establish(identity_of(exchange, answer));
    const bool unavailable = answer.outcome == Outcome::unavailable;
    exchange.auth.fail(unavailable ? Reason::auth_unavailable : Reason::invalid_credential, detail(answer.outcome));
  }

  // The table may be replaced while this request waits for its upstream: what is kept of it is copied.
  pipeline::Identity identity_of(Exchange& exchange, const ports::CredentialStore::Answer& answer) const {
    Arena& arena = exchange.arena;
    const identity::Consumer* consumer =
        settings_.consumers == nullptr ? nullptr : settings_.consumers->by_name(answer.consumer);
    pipeline::Identity out;
    out.kind = pipeline::CredentialKind::api_key;
    out.consumer = consumer != nullptr ? std::string_view(consumer->name) : arena.copy(answer.consumer);
    out.custom_id = answer.custom_id.empty() && consumer != nullptr ? std::string_view(consumer->custom_id)
                                                                    : arena.copy(answer.custom_id);
    out.credential = arena.copy(answer.id);
    out.scopes = copy(arena, answer.scopes, {});
    out.groups =
        copy(arena, answer.groups, consumer != nullptr ? consumer->groups : std::span<const std::string_view>());
    return out;
  }

  static std::span<const std::string_view> copy(Arena& arena, std::span<const std::string_view> words,
                                                std::span<const std::string_view> lasting) {
    if (words.empty()) return lasting;
    auto* out = arena.array<std::string_view>(words.size() + lasting.size());
    std::size_t count = 0;
    for (const std::string_view word : lasting) out[count++] = word;
    for (const std::string_view word : words)
      if (std::ranges::find(lasting, word) == lasting.end()) out[count++] = arena.copy(word);
    return {out, count};
  }

  void hide(Exchange& exchange) const {
    remove_token(exchange, settings_.places);
    if (!settings_.authorization) return;
    exchange.request.fields.remove_if([](const http::Field& field) {
      if (field.id != http::FieldName::authorization) return false;
      const std::string_view value = field.value;
      return http::equal_ignoring_case(value.substr(0, 7), "ApiKey ") ||
             (http::equal_ignoring_case(value.substr(0, 7), "Bearer ") &&
              value.substr(std::min(value.find_first_not_of(' ', 7), value.size()))
                  .starts_with(identity::kApiKeyPrefix));
    });
  }

  Settings settings_;
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext& context) {
  const Fields fields(config, schema_of());
  Settings settings;
  settings.places.bearer = false;
  settings.places.header = field_ref(fields.string("header"));
  settings.places.query_parameter = fields.string("query_parameter");
  settings.authorization = fields.boolean("authorization");
  settings.hide = fields.boolean("hide_credentials");
  settings.challenge = challenge_text("ApiKey", fields.string("realm"));
  settings.consumers = context.consumers();
  if (settings.places.header.id == http::FieldName::authorization)
    return std::unexpected(Problems{{{}, "header", "Authorization is the field `authorization`'s", "leave it out"}});
  return std::make_unique<ApiKey>(std::move(settings));
}

}  // namespace

pipeline::FilterSpec api_key_spec() {
  return {"api_key", pipeline::Phase::auth, "Establishes who calls by an API key.", schema_of, make};
}

}  // namespace weir::filters
