// The store of API keys as the admin API works on it: the one the config's `credentials` names. Opened for each call,
// so that a Redis that was away is there again without anybody's doing, and no thread owns it. Blocking; one caller
// at a time.
#pragma once

#include <memory>
#include <string>

#include "crypto/digest.h"
#include "identity/key_store.h"
#include "ports/redis_settings.h"
#include "snapshot/snapshot.h"

namespace weir::app {

class ControlKeyStore final : public identity::KeyStore {
 public:
  // The error is a sentence: the pepper cannot be read or made. nullptr: the config has no `credentials`.
  static std::expected<std::unique_ptr<ControlKeyStore>, std::string> open(const snapshot::Snapshot& config);

  std::expected<std::vector<identity::KeyRecord>, std::string> all() override;
  std::expected<void, std::string> add(const identity::KeyRecord& record) override;
  std::expected<identity::KeyRecord, std::string> change(const std::string& id, const Change& change) override;

  // As gateways hash it. Any thread.
  crypto::Digest hash(std::string_view secret) const { return pepper_(secret); }

 private:
  ControlKeyStore(snapshot::CredentialSettings settings, std::shared_ptr<const ports::RedisSettings> redis,
                  std::string_view pepper)
      : settings_(std::move(settings)), redis_(std::move(redis)), pepper_(pepper) {}
  std::expected<std::unique_ptr<identity::KeyStore>, std::string> connect() const;

  snapshot::CredentialSettings settings_;
  std::shared_ptr<const ports::RedisSettings> redis_;
  crypto::Mac pepper_;
};

}  // namespace weir::app
