// The schema of `consumers`, `groups` and `credentials` (document_schema.h). Which names may be used twice and what a
// hash looks like is compile/consumers.cc's.
#include "snapshot/schema/document_schema.h"
#include "snapshot/schema/formats.h"

namespace weir::snapshot {
namespace {

using schema::field;

// What stands in a header field sent upstream: visible US-ASCII and single bytes that no parser stumbles over.
bool is_header_text(std::string_view text, std::string& why) {
  why = "expected visible ASCII characters and spaces between them, 256 at most: it is sent in a header";
  if (text.empty() || text.size() > 256 || text.front() == ' ' || text.back() == ' ') return false;
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

bool is_username(std::string_view text, std::string& why) {
  // RFC 7617 §2: the first colon ends it.
  why = "expected no colon and no control characters";
  return !text.empty() && text.size() <= 256 && std::ranges::none_of(text, [](char c) {
    return c == ':' || static_cast<unsigned char>(c) < ' ' || c == '\x7f';
  });
}

bool is_fingerprint(std::string_view text, std::string& why) {
  why = "expected 64 hex digits, with or without colons, as `openssl x509 -noout -fingerprint -sha256` prints them";
  std::size_t digits = 0;
  for (const char c : text) {
    if (c == ':') continue;
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) return false;
    ++digits;
  }
  return digits == 64;
}

bool is_san(std::string_view text, std::string& why) {
  why = "expected dns:NAME, uri:URI, email:ADDRESS or ip:ADDRESS";
  for (const std::string_view kind : {"dns:", "uri:", "email:", "ip:"})
    if (text.starts_with(kind) && text.size() > kind.size()) return true;
  return false;
}

bool is_variable(std::string_view text, std::string& why) {
  why = "expected the name of an environment variable";
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
  });
}

Schema variable() { return schema::string().named("environment variable").format(is_variable); }
Schema file() { return schema::string().named("file name").min_length(1); }
Schema id(Literal noun) { return schema::string().named(noun).max_length(128).format(is_id); }

Schema consumer_credentials() {
  const Schema basic = schema::object({
      field("username", schema::string().named("user name").format(is_username))
          .required()
          .doc("What the client sends as its user name."),
      field("password_hash", schema::string().min_length(1))
          .required()
          .doc("What `weir hash-password` prints; scrypt and PBKDF2 hashes of other tools will do ($scrypt$, "
               "$pbkdf2-sha256$). Never the password."),
  });
  const Schema hmac = schema::object({
      field("key_id", id("key id")).required().doc("What the client sends as `keyid` of its signature."),
      field("secret_env", variable()).doc("The environment variable that holds the secret both sides sign with."),
      field("secret_file", file())
          .doc("Or the file that holds it; a newline at its end does not count. 32 bytes at least, because a secret "
               "shorter than the hash is what is guessed."),
      field("secret_name", id("secret name")).doc("Or the name of one of the config's `secrets`."),
  });
  const Schema mtls = schema::object({
      field("fingerprint", schema::string().named("fingerprint").format(is_fingerprint))
          .doc("SHA-256 of the certificate: this one and no other."),
      field("san", schema::string().named("subject alternative name").format(is_san))
          .doc("One of the names in the certificate: dns:shop.example.com, uri:spiffe://prod/shop, email:…, ip:…"),
      field("subject", schema::string().min_length(1))
          .doc("The whole subject as RFC 2253 writes it, the most particular part first: CN=shop,O=Example"),
  });
  const Schema jwt = schema::object({
      field("issuer", schema::string().min_length(1)).required().doc("`iss` of the token."),
      field("subject", schema::string().min_length(1))
          .doc("`sub` of the token. Without it, every token of this issuer that no other mapping names."),
  });
  return schema::object({
      field("basic", schema::array(basic)).doc("User names and hashed passwords, for the filter basic."),
      field("hmac", schema::array(hmac)).doc("Signing keys, for the filter hmac."),
      field("mtls", schema::array(mtls)).doc("Client certificates, for the filter mtls; one of the three in each."),
      field("jwt", schema::array(jwt)).doc("Tokens, for the filter jwt."),
  });
}

}  // namespace

Schema consumer_schema(const Schema& plugin_chain) {
  return schema::object({
      field("name", id("consumer name"))
          .required()
          .doc("Who calls: in logs, limits, ACLs, and sent upstream as X-Consumer-Name."),
      field("custom_id", schema::string().format(is_header_text))
          .doc("Your own name for the consumer, sent upstream as X-Consumer-Custom-Id."),
      field("groups", schema::array(id("group name")).unique().max_items(64))
          .doc("Groups it belongs to, for ACLs and limits; sent upstream as X-Consumer-Groups."),
      field("credentials", consumer_credentials())
          .doc("How it may say who it is. API keys are not here: `weir key create --consumer NAME` makes them."),
      field("plugin_chain", plugin_chain)
          .doc("Filters of every request it makes, in place of the route's of the same name; none that runs before "
               "it is known who calls: docs/filter-scopes.md."),
      tags_field(),
  });
}

Schema groups_schema(const Schema& plugin_chain) {
  const Schema object = schema::object({
      field("name", id("group name")).required().doc("The group's name."),
      field("plugin_chain", plugin_chain).doc("Filters of every request of those in it, as a consumer's own."),
      tags_field(),
  });
  return schema::array(schema::one_of({id("group name"), object}).named("group")).unique();
}

const Schema& credentials_schema() {
  static const Schema kStore = schema::object({
      field("file", file())
          .doc("An SQLite file, for one machine. `weir key` writes it, the gateway sees a change within a second."),
      field("redis", schema::boolean())
          .fallback(false)
          .doc("true: in the Redis of `redis`, for many gateways. A change is told to all of them at once."),
  });
  static const Schema kCredentials = schema::object({
      field("store", kStore).required().doc("Where API keys are kept: one of the two."),
      field("pepper_env", variable())
          .doc("The environment variable that holds the pepper: the secret that keys are hashed with, so that who "
               "steals the store cannot even try keys. 32 characters at least."),
      field("pepper_file", file())
          .doc("Or the file that holds it. With a store file and neither of the two, `weir key` makes a random one "
               "beside it: FILE.pepper."),
      field("local_copy", file())
          .doc("With Redis: where the last table is kept, hashes only, so that a gateway that starts while Redis is "
               "away still knows the keys. Without it weir-keys.copy in state_dir, or else beside the config."),
  });
  return kCredentials;
}

}  // namespace weir::snapshot
