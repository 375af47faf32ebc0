// When to stop asking a server that does not answer in time, and when to begin again. One per connection; link.cc
// feeds it. Plain arithmetic on times that are given to it: no clock, no timer, no I/O.
#pragma once

#include "io/loop/clock.h"

namespace weir::adapters::redis {

class Breaker {
 public:
  // Five answers missed in a row: one or two may be a hiccup (a fork, a slow script), five are a state, and five
  // times the command timeout (2 ms) is all that an outage costs a worker.
  static constexpr int kMisses = 5;
  // Calls that end together are one miss: a hundred that waited out one hiccup prove no more than one. Less than any
  // command timeout (1 ms at least), so that calls made one after the other all count.
  static constexpr io::Duration kApart = std::chrono::microseconds(500);
  // Return must be noticed within 2 s (issue 3); four tries a second cost nothing.
  static constexpr io::Duration kProbeEach = std::chrono::milliseconds(250);

  // `fast_enough`: what a probe may take to close the breaker: the timeout of the calls, since a server that answers
  // later answers none of them.
  explicit Breaker(io::Duration fast_enough) noexcept : fast_enough_(fast_enough) {}

  bool open() const noexcept { return open_; }

  // A call was answered in time.
  void answered() noexcept {
    if (!open_) misses_ = 0;
  }

  // A call was not. True: that opened it.
  bool missed(io::TimePoint now) noexcept {
    if (open_ || now - last_miss_ < kApart) return false;
    last_miss_ = now;
    if (++misses_ < kMisses) return false;
    open_ = true;
    next_probe_ = now + kProbeEach;
    return true;
  }

  // kNever while closed.
  io::TimePoint next_probe() const noexcept { return open_ ? next_probe_ : io::kNever; }
  // As soon as possible: there is reason to hope, a new connection for one.
  void probe_at(io::TimePoint when) noexcept { next_probe_ = when; }

  // A probe took so long; Duration::max(): it was never answered. True: that closed it.
  bool probed(io::Duration took, io::TimePoint now) noexcept {
    if (!open_) return false;
    if (took > fast_enough_) {
      next_probe_ = now + kProbeEach;
      return false;
    }
    open_ = false;
    misses_ = 0;
    return true;
  }

 private:
  io::Duration fast_enough_;
  int misses_ = 0;
  io::TimePoint last_miss_{};
  bool open_ = false;
  io::TimePoint next_probe_ = io::kNever;
};

}  // namespace weir::adapters::redis
