#include "io/loop/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace weir::io {

void Timer::stop() noexcept {
  if (!next_) return;
  next_->prev_ = prev_;
  prev_->next_ = next_;
  next_ = prev_ = nullptr;
}

TimerWheel::TimerWheel(TimePoint now) noexcept : origin_(now) {}

TimerWheel::~TimerWheel() {
  for (auto& level : levels_)
    for (auto& slot : level) {
      while (!slot.empty()) slot.next_->stop();
      slot.next_ = slot.prev_ = nullptr;
    }
}

std::uint64_t TimerWheel::tick_of(TimePoint time) const noexcept {
  if (time <= origin_) return 0;
  // Rounded up: never early.
  return static_cast<std::uint64_t>((time - origin_ + kTick - Duration(1)) / kTick);
}

void TimerWheel::place(Timer& timer, std::uint64_t earliest) noexcept {
  constexpr std::uint64_t kHorizon = (std::uint64_t{1} << (kBits * kLevels)) - 1;
  std::uint64_t tick = std::clamp(tick_of(timer.deadline_), earliest, current_ + kHorizon);
  int level = 0;
  while (level < kLevels - 1 && ((tick - current_) >> (kBits * (level + 1))) != 0) ++level;
  auto index = static_cast<int>((tick >> (kBits * level)) & (kSlots - 1));
  Slot& slot = levels_[level][index];
  timer.next_ = &slot;
  timer.prev_ = slot.prev_;
  slot.prev_->next_ = &timer;
  slot.prev_ = &timer;
  maybe_[level] |= std::uint64_t{1} << index;
}

void TimerWheel::start(Timer& timer, TimePoint deadline) noexcept {
  timer.stop();
  timer.deadline_ = deadline;
  if (deadline != kNever) place(timer, current_ + 1);
}

void TimerWheel::cascade(int level) noexcept {
  Slot& slot = levels_[level][(current_ >> (kBits * level)) & (kSlots - 1)];
  while (!slot.empty()) {
    Timer& timer = *slot.next_;
    timer.stop();
    // A timer due exactly now belongs to the slot about to be fired, not one tick later.
    place(timer, current_);
  }
}

void TimerWheel::fire(Slot& slot) {
  if (slot.empty()) return;
  // The due list is moved aside: a callback that starts a timer must not have it fired in this very round.
  Slot due;
  due.next_ = slot.next_;
  due.prev_ = slot.prev_;
  due.next_->prev_ = due.prev_->next_ = &due;
  slot.next_ = slot.prev_ = &slot;
  while (!due.empty()) {
    Timer& timer = *due.next_;
    timer.stop();
    timer.callback_(timer);
  }
}

void TimerWheel::advance(TimePoint now) {
  // Rounded down: a tick fires once it is wholly past.
  std::uint64_t until = now <= origin_ ? 0 : static_cast<std::uint64_t>((now - origin_) / kTick);
  while (current_ < until) {
    if (maybe_[0] == 0 && !any_above_first()) {  // nothing armed: do not walk through the hours slept
      current_ = until;
      return;
    }
    ++current_;
    for (int level = 1; level < kLevels; ++level) {
      if ((current_ & ((std::uint64_t{1} << (kBits * level)) - 1)) != 0) break;
      cascade(level);
    }
    fire(levels_[0][current_ & (kSlots - 1)]);
  }
}

bool TimerWheel::occupied(int level, int index) noexcept {
  std::uint64_t bit = std::uint64_t{1} << index;
  if (!(maybe_[level] & bit)) return false;
  if (!levels_[level][index].empty()) return true;
  maybe_[level] &= ~bit;
  return false;
}

bool TimerWheel::any_above_first() noexcept {
  for (int level = 1; level < kLevels; ++level)
    while (maybe_[level] != 0)
      if (occupied(level, std::countr_zero(maybe_[level]))) return true;
  return false;
}

Duration TimerWheel::until_next(TimePoint now) noexcept {
  // Level 0 is exact; from a higher level a timer comes down when its slot begins, and until then nothing is due.
  std::uint64_t next = 0;
  for (int level = 0; level < kLevels; ++level) {
    const std::uint64_t here = current_ >> (kBits * level);
    const int shift = static_cast<int>((here + 1) & (kSlots - 1));
    while (maybe_[level] != 0) {
      const int ahead = std::countr_zero(std::rotr(maybe_[level], shift));
      if (!occupied(level, (shift + ahead) & (kSlots - 1))) continue;
      const std::uint64_t at = (here + 1 + static_cast<std::uint64_t>(ahead)) << (kBits * level);
      if (!next || at < next) next = at;
      break;
    }
  }
  if (!next) return Duration::max();
  TimePoint at = origin_ + kTick * static_cast<std::int64_t>(next);
  return at <= now ? Duration::zero() : at - now;
}

}  // namespace weir::io
