// A breaker before a service that may be down: after so many failures in a row nobody is made to wait for it any
// more; after a while one call goes through to see, and what becomes of it decides for all. Whoever was permitted
// says how it went, once. No thread, no clock of its own.
#pragma once

#include "io/loop/clock.h"

namespace weir::upstream {

class Breaker {
 public:
  struct Settings {
    int failures = 5;  // in a row, to open it
    io::Duration open_for{std::chrono::seconds(5)};
  };

  // Whether to call. True: succeeded() or failed() must follow.
  bool permit(const Settings& settings, io::TimePoint now) noexcept {
    if (failures_ < settings.failures) return true;
    if (now < until_ || probing_) return false;
    return probing_ = true;
  }
  // Whether permit() would say no, without taking the probe's place.
  bool open(const Settings& settings, io::TimePoint now) const noexcept {
    return failures_ >= settings.failures && (now < until_ || probing_);
  }
  void succeeded() noexcept {
    failures_ = 0;
    probing_ = false;
  }
  void failed(const Settings& settings, io::TimePoint now) noexcept {
    if (failures_ < settings.failures) ++failures_;
    probing_ = false;
    if (failures_ >= settings.failures) until_ = now + settings.open_for;
  }

 private:
  int failures_ = 0;
  bool probing_ = false;
  io::TimePoint until_{};
};

}  // namespace weir::upstream
