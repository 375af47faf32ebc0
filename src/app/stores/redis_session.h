// Redis as a command of the operator's talks to it: a loop of its own that turns until each answer is there. Used by
// redis_key_store.cc and redis_revoked.cc. One thread, blocking.
#pragma once

#include <memory>
#include <optional>

#include "adapters/cares/resolver.h"
#include "adapters/redis/client.h"
#include "ports/redis_settings.h"

namespace weir::app {

class RedisSession {
 public:
  // A person waits; Sentinel and Cluster take a few connections to find the right node.
  static constexpr auto kConnect = std::chrono::seconds(5);
  static constexpr auto kCommand = std::chrono::seconds(5);

  // The error is a sentence: Redis does not answer.
  static std::expected<std::unique_ptr<RedisSession>, std::string> open(
      std::shared_ptr<const ports::RedisSettings> settings);
  RedisSession(const RedisSession&) = delete;
  RedisSession& operator=(const RedisSession&) = delete;
  ~RedisSession();

  adapters::redis::Client& client() noexcept { return client_; }
  io::TimePoint deadline() noexcept { return loop_.refresh() + kCommand; }

  template <class T>
  T wait(io::Task<T> task) {
    std::optional<T> out;
    io::TaskGroup group;
    group.spawn(keep(std::move(task), out));
    while (group.running() != 0) loop_.turn(std::chrono::milliseconds(100));
    return std::move(*out);
  }

 private:
  RedisSession(std::shared_ptr<const ports::RedisSettings> settings,
               std::unique_ptr<adapters::cares::Resolver> resolver);
  template <class T>
  static io::Task<void> keep(io::Task<T> task, std::optional<T>& out) {
    out.emplace(co_await std::move(task));
  }

  io::Loop loop_;
  std::unique_ptr<adapters::cares::Resolver> resolver_;
  adapters::redis::Client client_;
};

}  // namespace weir::app
