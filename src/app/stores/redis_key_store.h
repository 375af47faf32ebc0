// The store of `weir key` when keys are in Redis. Blocking, for the command line.
#pragma once

#include <memory>

#include "adapters/redis/credentials/stored_keys.h"
#include "app/stores/redis_session.h"
#include "identity/key_store.h"

namespace weir::app {

class RedisKeyStore final : public identity::KeyStore {
 public:
  // The error is a sentence: Redis does not answer.
  static std::expected<std::unique_ptr<RedisKeyStore>, std::string> open(
      std::shared_ptr<const ports::RedisSettings> settings);

  std::expected<std::vector<identity::KeyRecord>, std::string> all() override;
  std::expected<void, std::string> add(const identity::KeyRecord& record) override;
  std::expected<identity::KeyRecord, std::string> change(const std::string& id, const Change& change) override;

 private:
  explicit RedisKeyStore(std::unique_ptr<RedisSession> session);

  std::unique_ptr<RedisSession> session_;
  adapters::redis::StoredKeys store_;
};

}  // namespace weir::app
