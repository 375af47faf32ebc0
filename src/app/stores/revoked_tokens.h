// Where `weir token` writes revoked tokens: the file of `tokens.revoked`, or the sorted set "weir:revoked" in Redis
// (app/feeds/revocation_feed.h reads both). app/commands/token.cc asks. Blocking; errors are sentences for a person.
#pragma once

#include <memory>

#include "app/stores/redis_session.h"
#include "gateway/keys/revocation_copy.h"

namespace weir::app {

using gateway::Revoked;

class RevokedTokens {
 public:
  virtual ~RevokedTokens() = default;
  virtual std::expected<std::vector<Revoked>, std::string> all() = 0;
  // An entry that is there already is kept until the later of the two times. Those that may be forgotten at `now`
  // (seconds since the epoch) are.
  virtual std::expected<void, std::string> add(const Revoked& one, double now) = 0;
};

// Lines as operators write them stay as they are; one that `weir token` wrote has a line "# until SECONDS" above it.
// Written beside, synced and renamed, with the mode it had. A file that is not there is made.
std::unique_ptr<RevokedTokens> revoked_in_file(std::string file);

std::expected<std::unique_ptr<RevokedTokens>, std::string> revoked_in_redis(
    std::shared_ptr<const ports::RedisSettings> settings);

}  // namespace weir::app
