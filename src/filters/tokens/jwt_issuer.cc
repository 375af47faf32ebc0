#include "filters/tokens/jwt_issuer.h"

#include <cstdlib>

#include "pipeline/key_source.h"

namespace weir::filters {
namespace {

using namespace std::chrono_literals;
using schema::field;

constexpr std::array<std::string_view, 9> kSources{"discovery",   "jwks_url",   "jwks_file",
                                                   "jwks",        "public_key", "public_key_file",
                                                   "secret_file", "secret_env", "secret_name"};

bool is_name(std::string_view text, std::string& why) {
  why = "expected a name or URL without spaces";
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~'; });
}

Schema name(Literal noun) { return schema::string().named(noun).max_length(1024).format(is_name); }
Schema names(Literal noun) { return schema::array(name(noun)).max_items(64).unique(); }

std::vector<Field> key_fields() {
  return {
      field("discovery", schema::boolean())
          .doc("Find the keys by the issuer's /.well-known/openid-configuration, which must name exactly this "
               "issuer."),
      field("jwks_url", schema::string().min_length(1))
          .doc("https URL of the issuer's JWK set. It is fetched in the background and kept fresh; redirects are not "
               "followed."),
      field("jwks_file", schema::string().min_length(1)).doc("A file with a JWK set; a change of it is noticed."),
      field("jwks", schema::any()).doc("A JWK set, right here: {keys: [...]}. Public keys only."),
      field("public_key", schema::string().min_length(1)).doc("A public key in PEM (-----BEGIN PUBLIC KEY-----)."),
      field("public_key_file", schema::string().min_length(1)).doc("A file with a public key or certificate in PEM."),
      field("secret_file", schema::string().min_length(1))
          .doc("A file with the secret of HS256, HS384 or HS512; a newline at its end does not count."),
      field("secret_env", schema::string().min_length(1)).doc("Or the environment variable that holds the secret."),
      field("secret_name", schema::string().min_length(1)).doc("Or the name of one of the config's `secrets`."),
      field("algorithms",
            schema::array(schema::string().words({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256",
                                                  "ES384", "ES512", "EdDSA", "HS256", "HS384", "HS512"}))
                .min_items(1)
                .unique())
          .doc("The only algorithms accepted. Without it: what each key says of itself, RS256 for an RSA key that "
               "says "
               "nothing, and HS256 for a secret."),
      field("allow_http", schema::boolean())
          .fallback(false)
          .doc("Fetch keys without TLS too. Whoever is on the way can then put his own keys in: for tests."),
      field("allow_private", schema::boolean())
          .fallback(false)
          .doc("Fetch keys from private, loopback and link-local addresses too: for an issuer inside your network."),
      field("ca_file", schema::string().min_length(1))
          .doc("PEM file of the only authorities trusted when keys are fetched; without it those of the system."),
  };
}

std::vector<Field> claim_fields() {
  const Schema value = schema::one_of({schema::string(), schema::boolean(), schema::integer()});
  return {
      field("issuer", name("issuer")).required().doc("`iss` of the tokens, exactly as they have it."),
      field("audiences", names("audience").min_items(1))
          .required()
          .doc("`aud` must have one of these. \"*\" alone: any audience, also none; only where the issuer makes "
               "tokens "
               "for nobody but you."),
      field("leeway", schema::duration(0ms, 10min)).fallback("60s").doc("How far clocks may differ."),
      field("max_lifetime", schema::duration())
          .fallback("0s")
          .doc("The longest time from `iat` to `exp`; tokens made to live longer are refused. 0s: no limit."),
      field("require_exp", schema::boolean()).fallback(true).doc("Refuse tokens that never expire."),
      field("types", names("type").min_items(1))
          .fallback(Json::array().push("JWT").push("at+jwt"))
          .doc("`typ` of the token's header, without regard to case; a token without one counts as \"JWT\". "
               "[at+jwt] accepts access tokens by RFC 9068 only."),
      field("required_claims", schema::map(schema::array(value)))
          .doc("Claims that must be there, each with one of the values listed, or with any if the list is empty. A "
               "name that begins with \"/\" is a JSON Pointer: /realm_access/roles."),
      field("required_scopes", names("scope")).doc("Scopes that the token must have, all of them; else 403."),
      field("consumer_claim", name("claim"))
          .fallback("sub")
          .doc("The claim that says who calls, unless `consumers` of the file maps the token to a consumer."),
      field("user_claim", name("claim")).fallback("sub").doc("The claim that is sent upstream as X-User-Id."),
      field("groups_claim", name("claim")).fallback("groups").doc("The claim that lists groups."),
      field("scope_claims", names("claim"))
          .fallback(Json::array().push("scope").push("scp"))
          .doc("Claims that may hold the scopes, as a string with spaces or a list; the first that is there counts."),
  };
}

class IssuerReader {
 public:
  IssuerReader(const Fields& fields, pipeline::MakeContext& context, Problems& problems)
      : fields_(fields), context_(context), problems_(problems) {}

  JwtIssuer read() {
    read_claims();
    read_rules();
    read_keys();
    return std::move(out_);
  }

 private:
  void report(std::string_view name, std::string message, std::string hint = {}) {
    problems_.push_back(fields_.problem(name, std::move(message), std::move(hint)));
  }

  static std::int64_t seconds(std::chrono::milliseconds duration) {
    return std::chrono::duration_cast<std::chrono::seconds>(duration).count();
  }

  void read_claims() {
    jose::ClaimRules& claims = out_.claims;
    claims.issuer = fields_.string("issuer");
    claims.audiences = fields_.strings("audiences");
    if (std::ranges::find(claims.audiences, "*") != claims.audiences.end()) {
      if (claims.audiences.size() != 1) report("audiences", "\"*\" stands alone or not at all");
      claims.audiences.clear();
    }
    claims.types = fields_.strings("types");
    claims.leeway = seconds(fields_.duration("leeway"));
    claims.max_lifetime = seconds(fields_.duration("max_lifetime"));
    claims.exp_required = fields_.boolean("require_exp");
    for (const Json::Member& member : fields_.members("required_claims")) {
      jose::RequiredClaim& claim = claims.required.emplace_back();
      claim.name = member.name;
      for (const Json& value : member.value.items())
        claim.values.push_back(value.is_string() ? std::string(value.as_string()) : to_canonical(value));
    }
    out_.required_scopes = fields_.strings("required_scopes");
    out_.grant.consumer_claim = fields_.string("consumer_claim");
    out_.grant.user_claim = fields_.string("user_claim");
    out_.grant.groups_claim = fields_.string("groups_claim");
    out_.grant.scope_claims = fields_.strings("scope_claims");
  }

  void read_rules() {
    if (!fields_.has("algorithms")) return;
    rules_.allowed = {};
    for (const Json& item : fields_.items("algorithms")) rules_.allowed.add(*jose::algorithm_of(item.as_string()));
    rules_.rsa = rules_.allowed & jose::kRsaAlgorithms;
  }

  void read_keys() {
    std::string_view source;
    for (const std::string_view one : kSources) {
      if (!fields_.has(one) || (one == "discovery" && !fields_.boolean(one))) continue;
      if (!source.empty())
        return report(one, "keys come from one place, and there is " + std::string(source) + " too");
      source = one;
    }
    if (source.empty())
      return report("issuer", "nothing says where its keys are",
                    "add discovery: true, jwks_url, jwks_file, jwks, public_key, public_key_file, secret_file, "
                    "secret_env or secret_name");
    const bool secret = source.starts_with("secret");
    const bool secrets_named = !(rules_.allowed & jose::kSecretAlgorithms).empty();
    if (secrets_named && !secret && source != "jwks_file")
      return report("algorithms", "HS256, HS384 and HS512 need a secret",
                    "use secret_file, secret_env or secret_name");
    if (secret) return read_secret(source);
    if (source == "discovery" || source == "jwks_url") return fetch(source);
    rules_.secrets = secrets_named;
    if (source == "jwks") return take(source, jose::KeySet::from_json(*fields_.find(source), rules_));
    const auto text = source == "public_key" ? std::expected<std::string, std::string>(fields_.string(source))
                                             : context_.file(fields_.string(source));
    if (!text) return report(source, text.error());
    take(source, source == "jwks_file" ? jose::KeySet::parse(*text, rules_) : jose::KeySet::from_pem(*text, rules_));
  }

  void read_secret(std::string_view source) {
    jose::AlgorithmSet algorithms = rules_.allowed;
    if (!fields_.has("algorithms")) algorithms = {jose::Algorithm::hs256};
    if ((algorithms & jose::kSecretAlgorithms) != algorithms)
      return report("algorithms", "a secret is good for HS256, HS384 and HS512 only");
    std::string secret;
    if (source == "secret_env") {
      const char* value = std::getenv(std::string(fields_.string(source)).c_str());
      if (value == nullptr || *value == '\0')
        return report(source, "the environment variable " + std::string(fields_.string(source)) + " is not set");
      secret = value;
    } else if (source == "secret_name") {
      auto named = context_.secret(fields_.string(source));
      if (!named) return report(source, named.error());
      secret = std::move(*named);
    } else {
      auto text = context_.file(fields_.string(source));
      if (!text) return report(source, text.error());
      secret = std::move(*text);
      while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
    }
    take(source, jose::KeySet::from_secret(std::move(secret), algorithms));
  }

  void take(std::string_view source, std::expected<std::shared_ptr<const jose::KeySet>, std::string> set) {
    if (!set) return report(source, std::move(set.error()));
    for (const jose::Skipped& skipped : (*set)->skipped()) {
      const std::string what = skipped.kid.empty() ? "a key" : "the key \"" + skipped.kid + "\"";
      if ((*set)->size() == 0) {
        report(source, what + " cannot be used: " + skipped.reason);
      } else {
        context_.warn("jwt: issuer " + out_.claims.issuer + ": " + what + " is left out: " + skipped.reason);
      }
    }
    if ((*set)->size() == 0 && (*set)->skipped().empty()) report(source, "has no keys");
    out_.keys = std::move(*set);
  }

  void fetch(std::string_view source) {
    pipeline::KeySourceSpec spec;
    if (source == "jwks_url") {
      spec.url = fields_.string(source);
    } else {
      spec.issuer = out_.claims.issuer;
    }
    spec.rules = rules_;
    spec.allow_http = fields_.boolean("allow_http");
    spec.allow_private = fields_.boolean("allow_private");
    spec.ca_file = fields_.string("ca_file");
    auto id = context_.key_source(std::move(spec));
    if (!id) return report(source == "jwks_url" ? source : "issuer", std::move(id.error()));
    out_.source = *id;
  }

  const Fields& fields_;
  pipeline::MakeContext& context_;
  Problems& problems_;
  jose::KeyRules rules_;
  JwtIssuer out_;
};

}  // namespace

const Schema& jwt_issuer_schema() {
  static const Schema kSchema = [] {
    std::vector<Field> fields = claim_fields();
    std::ranges::move(key_fields(), std::back_inserter(fields));
    return schema::object(std::move(fields));
  }();
  return kSchema;
}

JwtIssuer read_jwt_issuer(const Fields& fields, pipeline::MakeContext& context, Problems& problems) {
  return IssuerReader(fields, context, problems).read();
}

}  // namespace weir::filters
