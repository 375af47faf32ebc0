// What every gateway last said of itself, and what that means for a revision: who runs it, who refused it, who has
// not said yet. Fed by the control loop (from Redis, or by the gateway of the same process), read by the admin API's
// threads: any thread. It keeps nothing over a restart: instances repeat themselves.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/json.h"
#include "control/api/message/message.h"
#include "ports/config_channel.h"

namespace weir::control::api {

// An instance tells every 2 s; five of them missed are no accident.
inline constexpr std::int64_t kAwayAfterMs = 10'000;
// One that was taken down, not restarted: nobody waits for it any more.
inline constexpr std::int64_t kForgottenAfterMs = 3'600'000;
// Ids come from the network: more than this many are somebody's mistake, and further ones are not taken in.
inline constexpr std::size_t kMostInstances = 10'000;

class InstanceBoard {
 public:
  // `receipt` came at `now_ms` (this process's wall clock), fresh: whoever feeds this leaves out repeats that only
  // Redis still holds.
  void heard(const ports::Receipt& receipt, std::int64_t now_ms);
  // It said that it ends, or its entry was removed.
  void gone(std::string_view instance);

  struct Instance {
    ports::Receipt receipt;
    std::int64_t seen_ms = 0;
    bool away = false;
  };
  // By id, without the forgotten ones.
  std::vector<Instance> all(std::int64_t now_ms) const;

  enum class Word : std::uint8_t { applied, refused, waiting, away };
  // What `instance` makes of `revision`. One that runs a later revision has applied it.
  static Word of(const Instance& instance, std::uint64_t revision) noexcept;

  struct Status {
    std::uint64_t revision = 0;
    std::vector<Instance> instances;
    std::vector<Word> words;  // of instances, in their order
    std::size_t applied = 0, refused = 0, waiting = 0, away = 0;

    // `all`: every instance that is not away has applied it. `quorum`: more than half of all, the away ones too.
    bool reached(StatusWait::For what) const noexcept;
    // Nothing is left to wait for: it is reached, or somebody refused it.
    bool decided(StatusWait::For what) const noexcept { return refused != 0 || reached(what); }
  };
  Status status(std::uint64_t revision, std::int64_t now_ms) const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, Instance, std::less<>> instances_;
};

std::string_view text(InstanceBoard::Word word) noexcept;

// GET /v1/revisions/{n}/status: {number, state, complete, counts, instances}.
Json to_json(const InstanceBoard::Status& status);
// GET /v1/instances.
Json to_json(const std::vector<InstanceBoard::Instance>& instances);

}  // namespace weir::control::api
