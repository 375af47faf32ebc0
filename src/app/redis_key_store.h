// The store of `weir key` when keys are in Redis: a loop of its own that turns until each answer is there.
#pragma once

#include <memory>

#include "adapters/cares/resolver.h"
#include "adapters/redis/stored_keys.h"
#include "identity/key_store.h"
#include "ports/redis_settings.h"

namespace weir::app {

class RedisKeyStore final : public identity::KeyStore {
 public:
  // The error is a sentence: Redis does not answer.
  static std::expected<std::unique_ptr<RedisKeyStore>, std::string> open(
      std::shared_ptr<const ports::RedisSettings> settings);
  ~RedisKeyStore() override;

  std::expected<std::vector<identity::KeyRecord>, std::string> all() override;
  std::expected<void, std::string> add(const identity::KeyRecord& record) override;
  std::expected<identity::KeyRecord, std::string> change(const std::string& id, const Change& change) override;

 private:
  RedisKeyStore(std::shared_ptr<const ports::RedisSettings> settings,
                std::unique_ptr<adapters::cares::Resolver> resolver);
  template <class T>
  T wait(io::Task<T> task);

  io::Loop loop_;
  std::unique_ptr<adapters::cares::Resolver> resolver_;
  adapters::redis::Client client_;
  adapters::redis::StoredKeys store_;
};

}  // namespace weir::app
