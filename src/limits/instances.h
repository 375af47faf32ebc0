// How many instances share the limits, as far as this one knows: what a limit is divided by while the store they
// share is away. Fed by the heartbeat on the control thread, read by every worker.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>

#include "io/loop/clock.h"

namespace weir::limits {

class Instances {
 public:
  // How long an instance that is not heard of counts. The heartbeat is once a second: four may be lost.
  static constexpr auto kGone = std::chrono::seconds(5);

  std::uint32_t live() const noexcept { return live_.load(std::memory_order_relaxed); }

  // What was known when the process last ran; before the first heard().
  void remembered(std::uint32_t count) noexcept { live_.store(std::max(1u, count), std::memory_order_relaxed); }

  // The control thread. More count at once; fewer only after none was heard of for kGone, since a store that has just
  // come back empty knows only those that have found it already, and a limit divided by too few is too large.
  void heard(std::uint32_t count, io::TimePoint now) noexcept {
    count = std::max(1u, count);
    if (count >= live()) {
      fewer_since_ = {};
      most_since_ = 0;
      return live_.store(count, std::memory_order_relaxed);
    }
    most_since_ = std::max(most_since_, count);
    if (fewer_since_ == io::TimePoint{}) fewer_since_ = now;
    if (now - fewer_since_ < kGone) return;
    live_.store(most_since_, std::memory_order_relaxed);
    fewer_since_ = {};
    most_since_ = 0;
  }
  // The store is away: what is known stays.
  void silent() noexcept {
    fewer_since_ = {};
    most_since_ = 0;
  }

 private:
  std::atomic<std::uint32_t> live_{1};
  io::TimePoint fewer_since_{};
  std::uint32_t most_since_ = 0;
};

}  // namespace weir::limits
