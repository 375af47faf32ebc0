// A hierarchical timing wheel (Varghese & Lauck 1987, scheme 6): starting, moving and stopping a timer is a list
// operation, whatever their number. One per loop, its thread only. Timers fire at most one tick late and never early.
#pragma once

#include <array>
#include <cstdint>

#include "io/loop/clock.h"

namespace weir::io {

// Intrusive: lives inside what it times. Stops itself when destroyed. Not movable.
class Timer {
 public:
  using Callback = void (*)(Timer&);
  explicit Timer(Callback callback) noexcept : callback_(callback) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { stop(); }

  bool armed() const noexcept { return next_ != nullptr; }
  TimePoint deadline() const noexcept { return deadline_; }
  void stop() noexcept;

 private:
  friend class TimerWheel;
  Timer* next_ = nullptr;
  Timer* prev_ = nullptr;
  TimePoint deadline_{};
  Callback callback_;
};

class TimerWheel {
 public:
  // 4 ms: the finest timeout of a gateway is tens of milliseconds, and a coarser tick means fewer wake-ups.
  static constexpr Duration kTick = std::chrono::milliseconds(4);

  explicit TimerWheel(TimePoint now) noexcept;
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();

  // Starts or moves. A deadline in the past fires at the next advance().
  void start(Timer& timer, TimePoint deadline) noexcept;

  // Fires all that is due at `now`. Callbacks may start and stop any timer.
  void advance(TimePoint now);

  // How long the loop may sleep; kNever - epoch when no timer is armed. May be too short (a timer comes down a level:
  // at most four times), never too long.
  Duration until_next(TimePoint now) noexcept;

 private:
  struct Slot : Timer {
    Slot() noexcept : Timer(nullptr) { next_ = prev_ = this; }
    bool empty() const noexcept { return next_ == this; }
  };
  static constexpr int kBits = 6;
  static constexpr int kSlots = 1 << kBits;
  static constexpr int kLevels = 5;  // 64^5 ticks of 4 ms: 49 days

  std::uint64_t tick_of(TimePoint time) const noexcept;
  void place(Timer& timer, std::uint64_t earliest) noexcept;
  void cascade(int level) noexcept;
  void fire(Slot& slot);
  bool occupied(int level, int index) noexcept;
  bool any_above_first() noexcept;

  TimePoint origin_;
  std::uint64_t current_ = 0;  // the tick that advance() has reached
  std::array<std::array<Slot, kSlots>, kLevels> levels_;
  // A set bit means "perhaps not empty": a timer that stops does not know its wheel, so bits are cleared on sight.
  std::array<std::uint64_t, kLevels> maybe_{};
};

}  // namespace weir::io
