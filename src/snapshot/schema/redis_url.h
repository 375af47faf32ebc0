// Where one Redis server is, as a config file writes it. Used by redis_schema.cc and compile/redis.cc. Pure, any
// thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ports/redis_settings.h"

namespace weir::snapshot {

struct RedisUrl {
  bool tls = false;
  ports::RedisSettings::Place place;
  std::optional<int> database;  // "redis://host:6379/2"
};

// "redis://host[:port][/database]", "rediss://..." or "unix:/path". User and password are refused: a config is shown
// and stored. On failure `why` says what is wrong, in words fit for a Problem.
std::optional<RedisUrl> parse_redis_url(std::string_view text, std::string& why);

// "host:port", "ip:port" or "unix:/path", which is_target_address() let through.
ports::RedisSettings::Place redis_place(std::string_view address);

bool is_redis_url(std::string_view text, std::string& why);  // FormatCheck

}  // namespace weir::snapshot
