// The wheel against a sorted list, over random starts, moves and stops.
#include "io/loop/timer_wheel.h"

#include <gtest/gtest.h>

#include <random>

namespace weir::io {
namespace {

using std::chrono::milliseconds;

struct Probe : Timer {
  Probe() : Timer([](Timer& timer) { ++static_cast<Probe&>(timer).fired; }) {}
  int fired = 0;
};

TEST(TimerWheel, FiresNeverEarlyAndAtMostOneTickLate) {
  std::mt19937_64 random(20261124);
  TimePoint now{std::chrono::hours(5)};
  TimerWheel wheel(now);
  struct Entry {
    Probe timer;
    TimePoint due = kNever;
  };
  std::vector<std::unique_ptr<Entry>> entries;
  for (int i = 0; i < 300; ++i) entries.push_back(std::make_unique<Entry>());
  constexpr std::int64_t spans[] = {10, 300, 20'000, 2'000'000, 400'000'000};
  for (int step = 0; step < 20'000; ++step) {
    Entry& entry = *entries[random() % entries.size()];
    switch (random() % 4) {
      case 0:
      case 1:
        entry.due = now + milliseconds(static_cast<std::int64_t>(random() % spans[random() % 5]));
        entry.timer.fired = 0;
        wheel.start(entry.timer, entry.due);
        break;
      case 2:
        entry.timer.stop();
        entry.due = kNever;
        break;
      default:
        Duration sleep = wheel.until_next(now);
        TimePoint earliest = kNever;
        for (auto& each : entries) earliest = std::min(earliest, each->due);
        if (earliest != kNever) {
          ASSERT_LE(now + sleep, std::max(earliest, now) + 2 * TimerWheel::kTick);
        } else {
          ASSERT_EQ(sleep, Duration::max());
        }
        now += milliseconds(static_cast<std::int64_t>(random() % (random() % 50 == 0 ? 3'000'000 : 100)));
        wheel.advance(now);
        for (auto& each : entries) {
          if (each->due == kNever) continue;
          if (each->timer.fired) {
            ASSERT_EQ(each->timer.fired, 1);
            ASSERT_LE(each->due, now);
            each->due = kNever;
          } else {
            ASSERT_GT(each->due + 2 * TimerWheel::kTick, now);
          }
        }
    }
  }
}

// A timer an hour away must not wake an idle loop every revolution: only when it comes down a level.
TEST(TimerWheel, SleepsThroughUntilAFarTimerComesNear) {
  TimePoint now{std::chrono::hours(5)};
  TimerWheel wheel(now);
  Probe timer;
  wheel.start(timer, now + std::chrono::hours(1));
  int wakes = 0;
  for (; timer.fired == 0 && wakes < 100; ++wakes) {
    now += wheel.until_next(now);
    wheel.advance(now);
  }
  EXPECT_EQ(timer.fired, 1);
  EXPECT_LE(wakes, 5) << "one for each level";
}

TEST(TimerWheel, ACallbackMayRestartItsTimerWithoutFiringTwiceInOneRound) {
  TimePoint now{};
  TimerWheel wheel(now);
  struct Again : Timer {
    explicit Again(TimerWheel& w) : Timer([](Timer& timer) { static_cast<Again&>(timer).fire(); }), wheel(w) {}
    void fire() {
      ++fired;
      wheel.start(*this, at);
    }
    TimerWheel& wheel;
    TimePoint at{};
    int fired = 0;
  } timer(wheel);
  wheel.start(timer, now);
  wheel.advance(now + TimerWheel::kTick);
  EXPECT_EQ(timer.fired, 1);
  wheel.advance(now + 2 * TimerWheel::kTick);
  EXPECT_EQ(timer.fired, 2);
}

}  // namespace
}  // namespace weir::io
