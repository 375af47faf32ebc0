// What a coroutine sleeps by that has nothing to do until it is called: it wakes when another on its loop rings, or
// at the time it named. A ring that comes while nobody listens is kept. Other threads ring by Loop::post(). One
// sleeper.
#pragma once

#include <coroutine>
#include <utility>

#include "io/loop/loop.h"

namespace weir::io {

class Bell {
 public:
  explicit Bell(Loop& loop) noexcept : loop_(loop), alarm_(*this) {}
  Bell(const Bell&) = delete;
  Bell& operator=(const Bell&) = delete;

  // Runs the sleeper, if there is one, until it next waits.
  void ring() {
    rung_ = true;
    wake();
  }

  // Resumes when rung, at once if that has happened since the last time, or at `deadline` (kNever: only when rung).
  // True: it was rung. The bell must outlive the wait.
  auto wait(TimePoint deadline) noexcept {
    struct Awaiter {
      Bell& bell;
      TimePoint deadline;
      bool await_ready() const noexcept { return bell.rung_; }
      void await_suspend(std::coroutine_handle<> sleeper) noexcept {
        bell.sleeper_ = sleeper;
        if (deadline != kNever) bell.loop_.timers().start(bell.alarm_, deadline);
      }
      bool await_resume() const noexcept { return std::exchange(bell.rung_, false); }
    };
    return Awaiter{*this, deadline};
  }

 private:
  struct Alarm : Timer {
    explicit Alarm(Bell& owner) noexcept
        : Timer([](Timer& timer) { static_cast<Alarm&>(timer).bell.wake(); }), bell(owner) {}
    Bell& bell;
  };
  void wake() {
    alarm_.stop();
    if (sleeper_) std::exchange(sleeper_, {}).resume();
  }

  Loop& loop_;
  Alarm alarm_;
  std::coroutine_handle<> sleeper_;
  bool rung_ = false;
};

}  // namespace weir::io
