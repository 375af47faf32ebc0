#include "app/stores/redis_session.h"

namespace weir::app {

RedisSession::RedisSession(std::shared_ptr<const ports::RedisSettings> settings,
                           std::unique_ptr<adapters::cares::Resolver> resolver)
    : resolver_(std::move(resolver)), client_(loop_, std::move(settings), resolver_.get()) {}

RedisSession::~RedisSession() {
  client_.end();
  for (int turn = 0; turn < 1000 && !client_.ended(); ++turn) loop_.turn(std::chrono::milliseconds(10));
}

std::expected<std::unique_ptr<RedisSession>, std::string> RedisSession::open(
    std::shared_ptr<const ports::RedisSettings> settings) {
  auto resolver = adapters::cares::Resolver::make({});
  if (!resolver) return std::unexpected(resolver.error().message);
  std::unique_ptr<RedisSession> out(new RedisSession(std::move(settings), std::move(*resolver)));
  const io::TimePoint until = out->loop_.refresh() + kConnect;
  while (!out->client_.available() && out->loop_.refresh() < until) out->loop_.turn(std::chrono::milliseconds(10));
  if (!out->client_.available()) return std::unexpected("Redis does not answer: " + out->client_.last_error());
  return out;
}

}  // namespace weir::app
