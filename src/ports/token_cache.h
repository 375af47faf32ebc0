// What other instances have verified already, as a second level behind each worker's own cache. An implementation
// returns only what was put by somebody who has the same secret: an entry that anybody else wrote (he may have the
// whole of Redis) is the same as none. Degraded: not reachable or too slow is the same as none; nothing is refused.
// One per worker, its thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "io/task.h"

namespace weir::ports {

class TokenCache {
 public:
  virtual ~TokenCache() = default;

  // Whether asking makes sense now: false while the store is known to be away, so that nobody waits for it.
  virtual bool available() const noexcept = 0;

  // `key` is 32 bytes and says all that the value depends on. Bounds its waiting itself, by some milliseconds.
  virtual io::Task<std::optional<std::string>> get(std::string_view key) = 0;

  // Keeps it for `ttl`; may be lost. Does not wait.
  virtual void put(std::string_view key, std::string_view value, std::chrono::seconds ttl) = 0;

  // Entries that somebody without the secret wrote, so far.
  virtual std::uint64_t forged() const noexcept { return 0; }
};

}  // namespace weir::ports
