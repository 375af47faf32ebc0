// Which instances have given a sign of life, and when: what tells a new receipt from one that only Redis still holds.
// Used by publisher.cc. Names come from whoever reaches Redis, so there is an end to how many are known. Pure;
// one thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "adapters/redis/config/receipt.h"
#include "io/loop/clock.h"

namespace weir::adapters::redis {

class ConfigInstances {
 public:
  // The same as of whoever shows them (control/api/state/instance_board.h): more are somebody's mistake, or malice.
  static constexpr std::size_t kMost = 10'000;
  // One that has been silent for so long was taken away.
  static constexpr io::Duration kForgotten = std::chrono::hours(1);
  // Where there is no room: an instance tells every two seconds, five of them missed are no accident.
  static constexpr io::Duration kSilent = std::chrono::seconds(10);

  // `told`: it has just been published. Else it was read, and may be old. Returns how long ago the sign was given;
  // nullopt: it is none, or there is no room for another instance. `now_ms`: Unix time.
  std::optional<io::Duration> hear(const Beat& beat, bool told, io::TimePoint now, std::int64_t now_ms);
  bool has_room_for(const std::string& instance) const { return heard_.size() < kMost || heard_.contains(instance); }
  // Those that have been silent for longer; they are not known any more.
  std::vector<std::string> forget(io::TimePoint now, io::Duration silent);

 private:
  struct Heard {
    std::int64_t sent_ms = 0;
    io::TimePoint seen;
  };
  std::map<std::string, Heard> heard_;
};

}  // namespace weir::adapters::redis
