#include "snapshot/schema/redis_url.h"

#include <charconv>

#include "snapshot/schema/formats.h"

namespace weir::snapshot {
namespace {

bool has_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  return colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
}

}  // namespace

ports::RedisSettings::Place redis_place(std::string_view address) {
  const auto target = parse_target(address);
  if (!target) return {};
  if (target->socket.is_unix()) return {"", 0, target->socket.path()};
  return {target->host.empty() ? target->socket.ip().to_string() : target->host, target->socket.port()};
}

std::optional<RedisUrl> parse_redis_url(std::string_view text, std::string& why) {
  RedisUrl out;
  if (text.starts_with("unix:")) {
    if (!parse_target(text, &why)) return std::nullopt;
    out.place = redis_place(text);
    return out;
  }
  out.tls = text.starts_with("rediss://");
  if (!out.tls && !text.starts_with("redis://")) {
    why = "expected redis://host:port, rediss://host:port or unix:/path";
    return std::nullopt;
  }
  text.remove_prefix(out.tls ? 9 : 8);
  const std::size_t slash = text.find('/');
  std::string authority(text.substr(0, slash));
  if (authority.contains('@')) {
    why = "user and password do not belong here: write username, and password_env or password_file";
    return std::nullopt;
  }
  if (!has_port(authority)) authority += ":6379";
  if (!parse_target(authority, &why)) return std::nullopt;
  out.place = redis_place(authority);
  const std::string_view database = slash == std::string_view::npos ? "" : text.substr(slash + 1);
  if (!database.empty()) {
    int number = 0;
    const auto [end, error] = std::from_chars(database.data(), database.data() + database.size(), number);
    if (error != std::errc() || end != database.data() + database.size() || number < 0 || number > 16'383) {
      why = "what follows the host must be the number of a database";
      return std::nullopt;
    }
    out.database = number;
  }
  return out;
}

bool is_redis_url(std::string_view text, std::string& why) { return parse_redis_url(text, why).has_value(); }

}  // namespace weir::snapshot
