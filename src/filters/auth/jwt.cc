// Filter jwt: a JSON Web Token, verified here, says who calls. Its issuer is one of those in the config, its key is
// one of that issuer's, the algorithm is the key's; nothing in the token chooses any of it. What was verified before
// is found by the token's hash (filters/tokens/verified_tokens.h) without a wait; only keys that are not there yet
// and the cache shared with other instances are waited for. Never decides by route: require_identity does. Exchange's
// thread.
#include "crypto/digest.h"
#include "filters/auth/jwt_settings.h"
#include "filters/auth/specs.h"
#include "filters/tokens/bearer.h"
#include "filters/tokens/verified_tokens.h"
#include "identity/consumer_book.h"
#include "jose/token.h"
#include "ports/key_sets.h"
#include "ports/revocations.h"
#include "ports/token_cache.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;

// A verified token is looked at again after that long, whatever its exp (a bound on what a cache may get wrong).
constexpr auto kKept = std::chrono::minutes(5);
// A fetch of keys ends after 3 s (gateway/keys/key_keeper.h); a little more for the messages there and back.
constexpr auto kKeysWait = std::chrono::milliseconds(3500);

// A token taken apart, with its issuer; nothing of it is verified.
struct Read {
  jose::Token token;
  Json claims;
  std::uint32_t issuer = 0;
};

std::int64_t now_seconds(const Exchange& exchange) noexcept { return exchange.wall_started_us / 1'000'000; }

std::uint64_t mark_of(const jose::KeySet& keys) noexcept {
  std::uint64_t out;
  std::memcpy(&out, keys.digest().data(), sizeof out);
  return out;
}

class Jwt final : public pipeline::Filter {
 public:
  explicit Jwt(JwtSettings settings)
      : settings_(std::move(settings)), challenge_(bearer_challenge(settings_.realm)) {}

  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    strip_claim_headers(exchange);
    // What no route takes ends in 404, whoever asks: no signature is worth checking, no keys are worth waiting for.
    if (exchange.route == nullptr) return Verdict::next();
    const PresentedToken presented = find_token(exchange, settings_.places);
    if (presented.kind == PresentedToken::Kind::none) {
      exchange.auth.challenge(challenge_);
      return Verdict::next();
    }
    if (presented.kind == PresentedToken::Kind::malformed) {
      refuse(exchange, {Reason::invalid_credential, "no token, or more than one"}, "invalid_request");
      return Verdict::next();
    }
    if (exchange.auth.identity.known()) return passed(exchange);
    const crypto::Digest digest = crypto::sha256(presented.token);
    if (use_cached(exchange, digest)) return passed(exchange);
    const Result<Read> read = read_token(presented.token);
    if (!read) {
      // What is no token of ours may be another filter's, or the upstream's: it stays where it is.
      refuse(exchange, read.error());
      return Verdict::next();
    }
    if (may_share(exchange) || !conclude(exchange, digest, *read, Ask::yes)) return Verdict::wait();
    return passed(exchange);
  }

  io::Task<Verdict> wait(Exchange& exchange) const override {
    const PresentedToken presented = find_token(exchange, settings_.places);
    const crypto::Digest digest = crypto::sha256(presented.token);
    const Result<Read> read = read_token(presented.token);
    const JwtIssuer& issuer = settings_.issuers[read->issuer];
    bool done = may_share(exchange) && co_await use_shared(exchange, digest, *read);
    // Asked for keys once: if the fetch does not bring the one that is missing, it is not there.
    if (!done && !conclude(exchange, digest, *read, Ask::yes)) {
      const io::TimePoint until = std::min(exchange.deadline, exchange.loop.now() + kKeysWait);
      co_await exchange.lease.services.key_sets->renewed(issuer.source, until);
      conclude(exchange, digest, *read, Ask::no);
    }
    co_return passed(exchange);
  }

 private:
  enum class Ask : bool { no, yes };

  // Behind here nobody needs the token any more.
  Verdict passed(Exchange& exchange) const {
    if (!settings_.forward) remove_token(exchange, settings_.places);
    return Verdict::next();
  }

  void strip_claim_headers(Exchange& exchange) const {
    for (const FieldRef& ours : settings_.claim_headers) ours.remove(exchange.request.fields);
  }

  void refuse(Exchange& exchange, Error error, std::string_view word = "invalid_token",
              std::string_view scope = {}) const {
    exchange.auth.fail(error.reason, error.detail);
    exchange.auth.challenge(exchange.arena.copy(bearer_challenge(settings_.realm, word, error.detail, scope)));
  }

  Result<Read> read_token(std::string_view text) const {
    Result<jose::Token> token = jose::parse_token(text);
    if (!token) return std::unexpected(token.error());
    Result<Json> claims = jose::read_claims(*token);
    if (!claims) return std::unexpected(claims.error());
    const Json* name = claims->find("iss");
    const auto issuer = std::ranges::find_if(settings_.issuers, [&](const JwtIssuer& one) {
      return name != nullptr && name->is_string() && name->as_string() == one.claims.issuer;
    });
    if (issuer == settings_.issuers.end())
      return fail(Reason::invalid_credential, "the token is from an issuer that is not accepted here");
    return Read{std::move(*token), std::move(*claims),
                static_cast<std::uint32_t>(issuer - settings_.issuers.begin())};
  }

  static const jose::KeySet* keys_of(const Exchange& exchange, const JwtIssuer& issuer) noexcept {
    if (issuer.keys) return issuer.keys.get();
    const ports::KeySets* fetched = exchange.lease.services.key_sets;
    return fetched != nullptr ? fetched->find(issuer.source) : nullptr;
  }

  static bool is_revoked(const Exchange& exchange, const ports::Revocations::Token& token) noexcept {
    const ports::Revocations* revocations = exchange.lease.services.revocations;
    return revocations != nullptr && revocations->revoked(token);
  }

  // Judges the token by keys that are here. False, and nothing is decided: a fetch of keys is worth waiting for.
  bool conclude(Exchange& exchange, const crypto::Digest& digest, const Read& read, Ask ask) const {
    const JwtIssuer& issuer = settings_.issuers[read.issuer];
    ports::KeySets* fetched = issuer.keys ? nullptr : exchange.lease.services.key_sets;
    const auto worth_waiting = [&] { return ask == Ask::yes && fetched != nullptr && fetched->ask(issuer.source); };
    const jose::KeySet* keys = keys_of(exchange, issuer);
    if (keys == nullptr) {
      if (worth_waiting()) return false;
      exchange.auth.fail(Reason::auth_unavailable, "the keys of the token's issuer could not be fetched");
      return true;
    }
    const jose::Verified verified = jose::verify(read.token, *keys);
    if (verified == jose::Verified::unknown_key && worth_waiting()) return false;
    if (verified != jose::Verified::good) {
      refuse(exchange, {Reason::invalid_credential, jose::text(verified)});
      return true;
    }
    const auto lifetime = jose::check_claims(read.claims, read.token.type, issuer.claims, now_seconds(exchange));
    if (!lifetime) {
      refuse(exchange, lifetime.error());
      return true;
    }
    const std::optional<Grant> grant = read_grant(read.claims, *lifetime, issuer.grant);
    if (!grant) {
      refuse(exchange,
             {Reason::invalid_credential, "no claim of the token says who calls, or its groups are too many"});
      return true;
    }
    if (accept(exchange, digest, read.issuer, *grant, *keys)) share(exchange, digest, *grant, *keys);
    return true;
  }

  // The grant is believed; what may still be wrong is what changes after the signature: revocation and scopes.
  bool accept(Exchange& exchange, const crypto::Digest& digest, std::uint32_t issuer, Grant grant,
              const jose::KeySet& keys) const {
    if (is_revoked(exchange, {grant.issuer, grant.token_id, grant.subject, grant.issued_at})) {
      refuse(exchange, {Reason::invalid_credential, "the token is revoked"});
      return false;
    }
    for (const std::string& scope : settings_.issuers[issuer].required_scopes)
      if (std::ranges::find(grant.scopes, scope) == grant.scopes.end()) {
        refuse(exchange, {Reason::insufficient_scope, "the token lacks a scope that is required here"},
               "insufficient_scope", scope);
        return false;
      }
    map_consumer(grant);
    const ports::Revocations* revocations = exchange.lease.services.revocations;
    std::string bytes = grant.encode();
    establish(exchange, bytes);
    if (exchange.lease.services.kept != nullptr)
      exchange.lease.services.kept->of<VerifiedTokens>("jwt", exchange.loop.now())
          .keep({.token = digest,
                 .filter = settings_.mark,
                 .keys = mark_of(keys),
                 .issuer = issuer,
                 .until = exchange.loop.now() + kKept,
                 .revocations = revocations != nullptr ? revocations->version() : 0,
                 .grant = std::move(bytes)});
    return true;
  }

  void map_consumer(Grant& grant) const {
    if (settings_.consumers == nullptr) return;
    const identity::Consumer* consumer = settings_.consumers->by_token(grant.issuer, grant.subject);
    if (consumer == nullptr) return;
    grant.consumer = consumer->name;
    grant.custom_id = consumer->custom_id;
    for (const std::string_view group : consumer->groups)
      if (std::ranges::find(grant.groups, group) == grant.groups.end()) grant.groups.emplace_back(group);
  }

  bool establish(Exchange& exchange, std::string_view bytes) const {
    const auto grant = GrantView::read(exchange.arena.copy(bytes), exchange.arena);
    if (!grant || grant->headers.size() != settings_.claim_headers.size()) return false;
    exchange.auth.establish({.kind = pipeline::CredentialKind::jwt,
                             .consumer = grant->consumer,
                             .custom_id = grant->custom_id,
                             .user = grant->user,
                             .credential = grant->token_id,
                             .groups = grant->groups,
                             .scopes = grant->scopes});
    for (std::size_t i = 0; i < grant->headers.size(); ++i)
      if (grant->headers[i].data() != nullptr)
        settings_.claim_headers[i].append(exchange.request.fields, grant->headers[i]);
    return true;
  }

  // True: the token was verified before and still holds. Anything else is for conclude() to say.
  bool use_cached(Exchange& exchange, const crypto::Digest& digest) const {
    if (exchange.lease.services.kept == nullptr) return false;
    auto& cache = exchange.lease.services.kept->of<VerifiedTokens>("jwt", exchange.loop.now());
    VerifiedTokens::Entry* entry = cache.find(digest, settings_.mark, exchange.loop.now());
    if (entry == nullptr) return false;
    if (still_holds(exchange, *entry) && establish(exchange, entry->grant)) return true;
    cache.forget(*entry);
    return false;
  }

  bool still_holds(Exchange& exchange, VerifiedTokens::Entry& entry) const {
    const JwtIssuer& issuer = settings_.issuers[entry.issuer];
    const jose::KeySet* keys = keys_of(exchange, issuer);
    if (keys == nullptr || mark_of(*keys) != entry.keys) return false;
    const auto lifetime = lifetime_of(entry.grant);
    if (!jose::check_times(lifetime, issuer.claims.leeway, now_seconds(exchange))) return false;
    const ports::Revocations* revocations = exchange.lease.services.revocations;
    if (revocations == nullptr || entry.revocations == revocations->version()) return true;
    const auto grant = GrantView::read(entry.grant, exchange.arena);
    if (!grant || is_revoked(exchange, {grant->issuer, grant->token_id, grant->subject, grant->issued_at}))
      return false;
    entry.revocations = revocations->version();
    return true;
  }

  bool may_share(const Exchange& exchange) const noexcept {
    const ports::TokenCache* shared = exchange.lease.services.tokens;
    return settings_.shared_cache && shared != nullptr && shared->available();
  }

  // All that the grant depends on: the token, what it was judged by, and the keys.
  crypto::Digest shared_key(const crypto::Digest& digest, const jose::KeySet& keys) const {
    std::string all(view(digest));
    all.append(view(settings_.config)).append(view(keys.digest()));
    return crypto::sha256(all);
  }

  io::Task<bool> use_shared(Exchange& exchange, const crypto::Digest& digest, const Read& read) const {
    const JwtIssuer& issuer = settings_.issuers[read.issuer];
    const jose::KeySet* keys = keys_of(exchange, issuer);
    if (keys == nullptr) co_return false;
    const crypto::Digest key = shared_key(digest, *keys);
    const std::optional<std::string> bytes = co_await exchange.lease.services.tokens->get(view(key));
    const std::optional<Grant> grant = bytes ? Grant::decode(*bytes) : std::nullopt;
    keys = keys_of(exchange, issuer);  // another set may have come meanwhile
    if (!grant || keys == nullptr || shared_key(digest, *keys) != key) co_return false;
    if (!jose::check_times(grant->lifetime, issuer.claims.leeway, now_seconds(exchange))) co_return false;
    accept(exchange, digest, read.issuer, *grant, *keys);
    co_return true;
  }

  void share(Exchange& exchange, const crypto::Digest& digest, const Grant& grant, const jose::KeySet& keys) const {
    if (!may_share(exchange)) return;
    const double left = grant.lifetime.expires - static_cast<double>(now_seconds(exchange));
    const auto ttl = left < 300 ? std::chrono::seconds(static_cast<std::int64_t>(left)) : std::chrono::seconds(kKept);
    if (ttl.count() > 0) exchange.lease.services.tokens->put(view(shared_key(digest, keys)), grant.encode(), ttl);
  }

  JwtSettings settings_;
  std::string challenge_;
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json& config, pipeline::MakeContext& context) {
  auto settings = read_jwt_settings(config, context);
  if (!settings) return std::unexpected(std::move(settings.error()));
  return std::make_unique<Jwt>(std::move(*settings));
}

}  // namespace

pipeline::FilterSpec jwt_spec() {
  return {"jwt", pipeline::Phase::auth, "Establishes callers by JSON Web Tokens, which it verifies itself.",
          jwt_schema, make};
}

}  // namespace weir::filters
