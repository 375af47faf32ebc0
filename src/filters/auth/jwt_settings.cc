// jwt_settings.h. Cold.
#include "filters/auth/jwt_settings.h"

#include <algorithm>

#include "base/hash.h"
#include "base/random.h"
#include "crypto/digest.h"

namespace weir::filters {
namespace {

using schema::field;

bool is_quotable(std::string_view text, std::string& why) {
  why = "expected visible characters without quotes and backslashes";
  return !text.empty() &&
         std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
}

}  // namespace

const Schema& jwt_schema() {
  static const Schema kSchema = schema::object({
      field("issuers", schema::array(jwt_issuer_schema()).min_items(1).max_items(32))
          .required()
          .doc("Whose tokens are accepted. `iss` of a token says which one judges it."),
      field("realm", schema::string().named("realm").max_length(128).format(is_quotable))
          .fallback("weir")
          .doc("What WWW-Authenticate tells clients about what is protected."),
      field("bearer", schema::boolean()).fallback(true).doc("Take the token from Authorization: Bearer."),
      field("header", schema::string().named("header name").format(is_field_name))
          .doc("Another header to take the bare token from."),
      field("cookie", schema::string().named("cookie name").format(is_cookie_name)).doc("A cookie to take it from."),
      field("query_parameter",
            schema::string().words({"access_token", "token", "key", "code", "secret", "sig", "signature"}))
          .doc("A query parameter to take it from. Discouraged (RFC 6750 §2.3): URLs end up in histories and logs. "
               "These names are the ones whose values the access log blanks."),
      field("forward", schema::boolean())
          .fallback(false)
          .doc("Send the token on to the upstream. Otherwise it is taken out: who has it can use it elsewhere too."),
      field("claim_headers",
            schema::map(schema::string().named("claim").min_length(1)).names(is_field_name).max_items(32))
          .doc("Headers for the upstream, each with the claim it is set from: {X-Email: email}. Strings of visible "
               "ASCII, numbers and booleans only. What clients send under these names is always removed."),
      field("shared_cache", schema::boolean())
          .fallback(true)
          .doc("Share verified tokens with other instances, if the file has `tokens.shared_cache`."),
  });
  return kSchema;
}

std::expected<JwtSettings, Problems> read_jwt_settings(const Json& config, pipeline::MakeContext& context) {
  const Fields fields(config, jwt_schema());
  Problems problems;
  JwtSettings settings;
  settings.realm = fields.string("realm");
  settings.forward = fields.boolean("forward");
  settings.shared_cache = fields.boolean("shared_cache");
  settings.places.bearer = fields.boolean("bearer");
  settings.places.header = field_ref(fields.string("header"));
  settings.places.cookie = fields.string("cookie");
  settings.places.query_parameter = fields.string("query_parameter");
  if (!settings.places.bearer && settings.places.header.name.empty() && settings.places.cookie.empty() &&
      settings.places.query_parameter.empty())
    problems.push_back(fields.problem("bearer", "false, and there is no other place to take a token from"));
  std::vector<std::string> header_claims;
  for (const Json::Member& member : fields.members("claim_headers")) {
    if (auto mistake = refused_field(member.name, Side::request); !mistake.message.empty())
      problems.push_back(
          {member.name_position, member_path("claim_headers", member.name), mistake.message, mistake.hint});
    settings.claim_headers.push_back(field_ref(member.name));
    header_claims.emplace_back(member.value.as_string());
  }
  for (const Fields& each : fields.objects("issuers")) {
    JwtIssuer issuer = read_jwt_issuer(each, context, problems);
    issuer.grant.header_claims = header_claims;
    const bool twice = std::ranges::any_of(
        settings.issuers, [&](const JwtIssuer& other) { return other.claims.issuer == issuer.claims.issuer; });
    if (twice) problems.push_back(each.problem("issuer", "this issuer stands here twice"));
    settings.issuers.push_back(std::move(issuer));
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  settings.consumers = context.consumers();
  settings.config = crypto::sha256(to_canonical(config));
  settings.mark = stable_hash(view(settings.config));
  // Why random: consumers may be others after a reload that leaves this config as it is; what was mapped by the old
  // ones must not be found.
  if (settings.consumers != nullptr && !settings.consumers->empty()) settings.mark ^= fast_random();
  return settings;
}

}  // namespace weir::filters
