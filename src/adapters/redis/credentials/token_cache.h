// Verified tokens shared by instances (ports/token_cache.h), in Redis under "weir:token:HEX" with a TTL. What is
// stored carries HMAC-SHA-256 of key and value by a secret that only instances have: an entry that anybody else
// wrote, or moved to another key, is not believed. The worker's thread.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "adapters/redis/client.h"
#include "crypto/digest.h"
#include "ports/token_cache.h"

namespace weir::adapters::redis {

class TokenCache final : public ports::TokenCache {
 public:
  // `client` gives the worker's client; nullptr: there is none just now.
  explicit TokenCache(std::function<Client*()> client) : client_(std::move(client)) {}
  TokenCache(const TokenCache&) = delete;
  TokenCache& operator=(const TokenCache&) = delete;

  // Empty: nothing is shared.
  void follow(std::string_view secret) { secret.empty() ? seal_.reset() : static_cast<void>(seal_.emplace(secret)); }

  bool available() const noexcept override;
  io::Task<std::optional<std::string>> get(std::string_view key) override;
  void put(std::string_view key, std::string_view value, std::chrono::seconds ttl) override;

  std::uint64_t forged() const noexcept override { return forged_; }
  bool ended() const noexcept { return tasks_.running() == 0; }

 private:
  io::Task<void> store(std::string name, std::string value, std::string ttl);
  std::string sealed(std::string_view name, std::string_view value) const;

  std::function<Client*()> client_;
  std::optional<crypto::Mac> seal_;  // nullopt: nothing is shared
  std::uint64_t forged_ = 0;
  io::TaskGroup tasks_;
};

}  // namespace weir::adapters::redis
