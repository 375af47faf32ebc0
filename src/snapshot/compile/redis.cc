// compile's part for `redis`: where it is, and the secrets it is entered with.
#include "ports/redis_settings.h"
#include "snapshot/compile/context.h"
#include "snapshot/compile/tls.h"
#include "snapshot/schema/document_schema.h"
#include "snapshot/schema/redis_url.h"

namespace weir::snapshot {
namespace {

using ports::RedisSettings;

// No password is fine; two, or one that cannot be read, are not.
std::string password(CompileContext& context, const Fields& fields) {
  if (!fields.has("password_env") && !fields.has("password_file")) return {};
  auto secret = context.read_secret(fields, "password");
  if (secret) return *std::move(secret);
  context.report(std::move(secret.error()));
  return {};
}

void add_places(const Fields& fields, RedisSettings& out) {
  for (const std::string& address : fields.strings("addresses")) out.places.push_back(redis_place(address));
}

// Which of the three forms it is; the TLS that a URL asks for by its scheme.
bool set_places(CompileContext& context, const Fields& redis, RedisSettings& out) {
  if (redis.has("url") + redis.has("sentinel") + redis.has("cluster") != 1) {
    context.report(
        {redis.json().position, redis.path(), "needs one of url, sentinel and cluster", "url for a single server"});
    return false;
  }
  if (redis.has("sentinel")) {
    const Fields sentinel = redis.object("sentinel");
    out.kind = RedisSettings::Kind::sentinel;
    out.master_name = sentinel.string("master");
    out.sentinel_username = sentinel.string("username");
    out.sentinel_password = password(context, sentinel);
    add_places(sentinel, out);
    return redis.has("tls");
  }
  if (redis.has("cluster")) {
    out.kind = RedisSettings::Kind::cluster;
    add_places(redis.object("cluster"), out);
    if (out.database != 0) context.report(redis.problem("database", "a cluster has only database 0"));
    return redis.has("tls");
  }
  std::string why;
  const auto url = parse_redis_url(redis.string("url"), why);
  out.places.push_back(url->place);
  if (url->database) {
    if (redis.has("database"))
      context.report(redis.problem("database", "stands in the url too", "remove one of them"));
    out.database = *url->database;
  }
  if (redis.has("tls") && !url->tls)
    context.report(redis.problem("tls", "but the url says no TLS", "write rediss://host:port"));
  return url->tls;
}

}  // namespace

void compile_redis(CompileContext& context) {
  if (!context.document.has("redis")) return;
  const Fields redis = context.document.object("redis");
  auto out = std::make_shared<RedisSettings>();
  out->database = static_cast<int>(redis.integer("database"));
  out->username = redis.string("username");
  out->password = password(context, redis);
  if (!out->username.empty() && !redis.has("password_env") && !redis.has("password_file"))
    context.report(redis.problem("username", "needs a password", "password_env or password_file"));
  out->command_timeout = redis.duration("command_timeout");
  out->connect_timeout = redis.duration("connect_timeout");
  if (set_places(context, redis, *out)) {
    const Fields tls = redis.object("tls");
    if (const auto settings = client_tls(context, tls)) {
      out->tls_key = settings->key;
      out->tls = make_client_tls(context, tls, *settings);
    }
  }
  context.out.redis = std::move(out);
}

}  // namespace weir::snapshot
