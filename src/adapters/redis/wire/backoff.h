// How long to wait before the next attempt to connect: a ceiling that doubles, and a time drawn evenly from below it
// ("full jitter", M. Brooker, Exponential Backoff And Jitter, 2015), so that many workers do not come at once.
#pragma once

#include <algorithm>

#include "base/random.h"
#include "io/loop/clock.h"

namespace weir::adapters::redis {

class Backoff {
 public:
  // The first retry comes within 20 ms, a restart's least; the last ceiling leaves the 2 s in which a return must be
  // noticed (issue 3) room for a connect timeout.
  static constexpr io::Duration kFirst = std::chrono::milliseconds(20);
  static constexpr io::Duration kCeiling = std::chrono::milliseconds(1000);

  // `random`: 64 even bits.
  io::Duration next(std::uint64_t random = fast_random()) noexcept {
    const io::Duration wait = io::Duration(random % static_cast<std::uint64_t>(ceiling_.count() + 1));
    ceiling_ = std::min(2 * ceiling_, kCeiling);
    return wait;
  }

  void reset() noexcept { ceiling_ = kFirst; }

 private:
  io::Duration ceiling_ = kFirst;
};

}  // namespace weir::adapters::redis
