// compile's part for `groups`, `consumers` and `credentials`: who may call and how they say who they are.
#include <fmt/format.h>

#include <cstdlib>
#include <set>

#include "base/json/nearest.h"
#include "snapshot/compile/context.h"
#include "snapshot/compile/credential_settings.h"
#include "snapshot/document.h"
#include "snapshot/schema/document_schema.h"

namespace weir::snapshot {
namespace {

// As long as the hash they are used with: RFC 2104 §3 advises no less.
constexpr std::size_t kShortestSecret = 32;

class ConsumerCompile {
 public:
  ConsumerCompile(CompileContext& context, identity::ConsumerBook& book) : context_(context), maker_(book) {}

  void run() {
    add_known_groups();
    for (const Fields& fields : context_.document.objects("consumers")) add(fields);
  }

 private:
  void add_known_groups() {
    const Json::Array& items = context_.document.items("groups");
    for (std::size_t i = 0; i < items.size(); ++i) {
      const Json& name = items[i].is_string() ? items[i] : *items[i].find("name");
      if (groups_.emplace(name.as_string()).second) continue;
      context_.report({name.position, item_path("groups", i),
                       fmt::format("the group \"{}\" is already there", name.as_string()), "keep one of the two"});
    }
  }

  void add(const Fields& fields) {
    identity::Consumer* consumer = maker_.consumer(fields.string("name"), fields.string("custom_id"));
    if (consumer == nullptr) {
      context_.report(fields.problem("name",
                                     fmt::format("the consumer \"{}\" is already there", fields.string("name")),
                                     "give all its credentials in one place"));
      return;
    }
    add_groups(fields, *consumer);
    const Fields credentials = fields.object("credentials");
    for (const Fields& one : credentials.objects("basic")) add_basic(one, *consumer);
    for (const Fields& one : credentials.objects("hmac")) add_hmac(one, *consumer);
    for (const Fields& one : credentials.objects("mtls")) add_mtls(one, *consumer);
    for (const Fields& one : credentials.objects("jwt")) {
      if (!maker_.token(*consumer, one.string("issuer"), one.string("subject"))) taken(one, "issuer", "this token");
    }
  }

  void add_groups(const Fields& fields, identity::Consumer& consumer) {
    const std::vector<std::string> names = fields.strings("groups");
    for (std::size_t i = 0; i < names.size(); ++i) {
      maker_.group(consumer, names[i]);
      if (!context_.document.has("groups") || groups_.contains(names[i])) continue;
      const std::vector<std::string_view> known(groups_.begin(), groups_.end());
      context_.report(fields.problem("groups", i, fmt::format("no group is named \"{}\"", names[i]),
                                     did_you_mean(names[i], known, "known groups")));
    }
  }

  void add_basic(const Fields& fields, const identity::Consumer& consumer) {
    auto hash = identity::parse_password_hash(fields.string("password_hash"));
    if (!hash) {
      context_.report(fields.problem("password_hash", hash.error(), "`weir hash-password` makes one"));
    } else if (!maker_.basic(consumer, fields.string("username"), std::move(*hash))) {
      taken(fields, "username", fmt::format("the user name \"{}\"", fields.string("username")));
    }
  }

  void add_hmac(const Fields& fields, const identity::Consumer& consumer) {
    auto secret = context_.read_secret(fields, "secret");
    if (!secret) {
      context_.report(std::move(secret.error()));
    } else if (secret->size() < kShortestSecret) {
      context_.report(fields.problem(fields.has("secret_env")    ? "secret_env"
                                     : fields.has("secret_file") ? "secret_file"
                                                                 : "secret_name",
                                     "holds fewer than 32 bytes", "`openssl rand -hex 32` makes a secret"));
    } else if (!maker_.signing(consumer, fields.string("key_id"), std::move(*secret))) {
      taken(fields, "key_id", fmt::format("the key id \"{}\"", fields.string("key_id")));
    }
  }

  void add_mtls(const Fields& fields, const identity::Consumer& consumer) {
    const int given =
        (fields.has("fingerprint") ? 1 : 0) + (fields.has("san") ? 1 : 0) + (fields.has("subject") ? 1 : 0);
    if (given != 1) {
      context_.report({fields.json().position, fields.path(), "needs one of fingerprint, san and subject",
                       given == 0 ? "" : "make it two entries"});
      return;
    }
    if (fields.has("fingerprint")) {
      std::string hex;
      for (char c : fields.string("fingerprint"))
        if (c != ':') hex += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
      if (!maker_.fingerprint(consumer, hex)) taken(fields, "fingerprint", "this certificate");
    } else if (fields.has("san")) {
      if (!maker_.san(consumer, fields.string("san"))) taken(fields, "san", "this name");
    } else if (!maker_.subject(consumer, fields.string("subject"))) {
      taken(fields, "subject", "this subject");
    }
  }

  void taken(const Fields& fields, std::string_view field, const std::string& what) {
    context_.report(fields.problem(field, fmt::format("{} is already the consumer \"{}\"'s", what, maker_.taken_by()),
                                   "one credential is one consumer's"));
  }

  CompileContext& context_;
  identity::ConsumerBookMaker maker_;
  std::set<std::string, std::less<>> groups_;
};

void compile_credentials(CompileContext& context) {
  const Fields fields = context.document.object("credentials");
  const Fields store = fields.object("store");
  CredentialSettings& out = context.out.credentials;
  if (store.has("file") == store.boolean("redis")) {
    context.report(fields.problem("store", "needs one of the two: file or redis: true"));
    return;
  }
  if (store.has("file")) {
    out.store = CredentialSettings::Store::file;
    out.file = resolve_file(context.options.base_dir, store.string("file"));
    out.pepper_file = out.file + ".pepper";
  } else {
    out.store = CredentialSettings::Store::redis;
    out.local_copy = fields.has("local_copy") ? resolve_file(context.options.base_dir, fields.string("local_copy"))
                                              : resolve_file(context.out.state_dir.empty() ? context.options.base_dir
                                                                                           : context.out.state_dir,
                                                             "weir-keys.copy");
    if (context.document.json().find("redis") == nullptr)
      context.report(store.problem("redis", "but there is no `redis` in the file", "say there where Redis is"));
  }
  if (!fields.has("pepper_env") && !fields.has("pepper_file")) {
    if (out.store == CredentialSettings::Store::redis)
      context.report(fields.problem("store", "keys in Redis need a pepper that all gateways have",
                                    "add pepper_env or pepper_file; `openssl rand -hex 32` makes a pepper"));
    return;
  }
  out.pepper_file.clear();
  auto pepper = context.read_secret(fields, "pepper");
  if (!pepper) {
    context.report(std::move(pepper.error()));
  } else if (pepper->size() < kShortestSecret) {
    context.report(fields.problem(fields.has("pepper_env") ? "pepper_env" : "pepper_file",
                                  "holds fewer than 32 characters", "`openssl rand -hex 32` makes a pepper"));
  } else {
    out.pepper = std::move(*pepper);
  }
}

}  // namespace

std::expected<StoreSettings, Problems> credential_settings(const Json& document, const CompileOptions& options) {
  const Schema schema = file_schema(options.filters, document);
  if (Problems problems = check(document, schema); !problems.empty()) return std::unexpected(std::move(problems));
  Snapshot out;
  const Fields fields(document, schema);
  Problems problems;
  CompileContext context{options, fields, out, problems};
  if (fields.has("credentials")) compile_credentials(context);
  const Fields revoked = fields.object("tokens").object("revoked");
  const bool revoked_in_redis = revoked.boolean("redis");
  if (out.credentials.store == CredentialSettings::Store::redis || revoked_in_redis) compile_redis(context);
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return StoreSettings{
      .credentials = std::move(out.credentials),
      .revoked_file = revoked.has("file") ? resolve_file(options.base_dir, revoked.string("file")) : std::string(),
      .revoked_in_redis = revoked_in_redis,
      .redis = std::move(out.redis)};
}

void compile_consumers(CompileContext& context) {
  auto book = std::make_unique<identity::ConsumerBook>();
  ConsumerCompile(context, *book).run();
  context.out.consumers = std::move(book);
  if (context.document.has("credentials")) compile_credentials(context);
}

}  // namespace weir::snapshot
