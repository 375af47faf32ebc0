// What the gateway knows of API keys: all of them, in memory, kept fresh by a feed in the background. Asking never
// waits. Degraded: before the first load, or without the pepper, every answer is `unavailable` (refused, 503); when
// the source is lost later, the last table serves on. One per worker, its thread only.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace weir::ports {

class CredentialStore {
 public:
  enum class Outcome : std::uint8_t { good, unknown, wrong, expired, disabled, revoked, unavailable };

  // All views live until the caller next suspends.
  struct Answer {
    Outcome outcome = Outcome::unavailable;
    std::string_view id;
    std::string_view consumer;
    std::string_view custom_id;
    std::span<const std::string_view> groups;
    std::span<const std::string_view> scopes;
  };

  virtual ~CredentialStore() = default;
  // Whether `secret` is one of the live secrets of the key `id` at `now` (seconds since the epoch). Only a good
  // answer says whose it is.
  virtual Answer api_key(std::string_view id, std::string_view secret, std::int64_t now) = 0;
  // Something was presented that is no key: a slip, or made up (its checksum does not hold). For the counters.
  virtual void note_malformed() noexcept {}

  static constexpr std::size_t kOutcomes = 7;
  struct Counters {
    std::array<std::uint64_t, kOutcomes> outcomes{};  // by Outcome
    std::uint64_t malformed = 0;
  };
  virtual Counters counters() const noexcept { return {}; }
};

}  // namespace weir::ports
