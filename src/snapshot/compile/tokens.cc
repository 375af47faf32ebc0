// compile's part for `tokens`, what all filters jwt have in common, and its schema.
#include "snapshot/compile/context.h"
#include "snapshot/schema/document_schema.h"

namespace weir::snapshot {
namespace {

using schema::field;

// As long as the digest it is used with: a shorter secret would be what is guessed (RFC 2104 §3).
constexpr std::size_t kShortestSecret = 32;

}  // namespace

const Schema& tokens_schema() {
  static const Schema kShared = schema::object({
      field("secret_env", schema::string().min_length(1))
          .doc("The environment variable that holds the secret which entries are authenticated by; the same on every "
               "instance, 32 characters at least."),
      field("secret_file", schema::string().min_length(1)).doc("Or the file that holds it."),
      field("secret_name", schema::string().min_length(1)).doc("Or the name of one of the config's `secrets`."),
  });
  static const Schema kRevoked = schema::object({
      field("file", schema::string().min_length(1))
          .doc(
              "A file of lines: `jti ISSUER ID`, `sub ISSUER SUBJECT` or `sub@SECONDS ISSUER SUBJECT`; ISSUER may be "
              "*. A change of it is in force within a second."),
      field("redis", schema::boolean())
          .fallback(false)
          .doc("Read such lines from the sorted set weir:revoked too, whose scores say when each may be forgotten."),
  });
  static const Schema kTokens = schema::object({
      field("shared_cache", kShared)
          .doc("Share verified tokens through Redis, so that each is verified by one instance only."),
      field("revoked", kRevoked).doc("Tokens that count no more although they have not expired."),
  });
  return kTokens;
}

void compile_tokens(CompileContext& context) {
  if (!context.document.has("tokens")) return;
  const Fields tokens = context.document.object("tokens");
  TokenSettings& out = context.out.tokens;
  if (tokens.has("shared_cache")) {
    const Fields shared = tokens.object("shared_cache");
    auto secret = context.read_secret(shared, "secret");
    if (!secret) {
      context.report(std::move(secret.error()));
    } else if (secret->size() < kShortestSecret) {
      context.report(tokens.problem("shared_cache", "its secret has less than 32 characters"));
    } else {
      out.cache_secret = std::move(*secret);
    }
    if (!context.document.has("redis")) context.report(tokens.problem("shared_cache", "needs `redis`"));
  }
  if (!tokens.has("revoked")) return;
  const Fields revoked = tokens.object("revoked");
  out.revoked_in_redis = revoked.boolean("redis");
  if (out.revoked_in_redis && !context.document.has("redis"))
    context.report(revoked.problem("redis", "needs `redis` of the file", "say there where it is"));
  if (!revoked.has("file")) return;
  auto text = context.read_file(revoked.string("file"));
  if (!text) return context.report(revoked.problem("file", text.error()));
  out.revoked = std::move(*text);
}

}  // namespace weir::snapshot
