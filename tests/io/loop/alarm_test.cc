// Alarms finer than the wheel's tick, and what is deferred to the end of a turn, on both backends.
#include "io/loop/alarm.h"

#include <gtest/gtest.h>

#include <vector>

#include "io/task.h"

namespace weir::io {
namespace {

using std::chrono::milliseconds;

class AlarmTest : public testing::TestWithParam<Loop::Backend> {
 protected:
  void SetUp() override {
    loop.turn(Duration::zero());
    if (GetParam() == Loop::Backend::io_uring && !loop.by_ring())
      GTEST_SKIP() << "this kernel, or this container, does not allow io_uring";
  }
  Loop loop{GetParam()};
  TaskGroup group;
};

Task<void> wait_for(Alarm& alarm, std::vector<IoStatus>& rung) {
  do {
    rung.push_back(co_await alarm.wait());
  } while (rung.back() == IoStatus::ok);
}

TEST_P(AlarmTest, RingsAtItsTimeAndAgainWhenSetAgain) {
  Alarm alarm(loop);
  std::vector<IoStatus> rung;
  group.spawn(wait_for(alarm, rung));
  for (std::size_t times = 1; times <= 3; ++times) {
    const TimePoint at = Clock::now() + milliseconds(2);
    alarm.set(at);
    for (int i = 0; i < 100 && rung.size() < times; ++i) loop.turn(milliseconds(100));
    ASSERT_EQ(rung.size(), times);
    EXPECT_GE(Clock::now(), at) << "never early";
  }
  alarm.abort();
  loop.turn(Duration::zero());
  EXPECT_EQ(rung.back(), IoStatus::cancelled);
  EXPECT_EQ(group.running(), 0u);
}

TEST_P(AlarmTest, APastTimeRingsAtOnceAndNeverDoesNot) {
  Alarm alarm(loop);
  std::vector<IoStatus> rung;
  group.spawn(wait_for(alarm, rung));
  alarm.set(TimePoint{});
  for (int i = 0; i < 100 && rung.empty(); ++i) loop.turn(milliseconds(100));
  ASSERT_EQ(rung.size(), 1u);
  alarm.set(Clock::now() + milliseconds(1));
  alarm.set(kNever);
  const TimePoint end = Clock::now() + milliseconds(10);
  while (Clock::now() < end) loop.turn(milliseconds(10));
  EXPECT_EQ(rung.size(), 1u) << "the time was taken back";
  alarm.abort();
  loop.turn(Duration::zero());
}

INSTANTIATE_TEST_SUITE_P(Backends, AlarmTest, testing::Values(Loop::Backend::epoll, Loop::Backend::io_uring));

struct Counted : Deferred {
  explicit Counted(Loop& loop) noexcept
      : Deferred(loop, [](Deferred& self) {
          auto& counted = static_cast<Counted&>(self);
          ++counted.times;
          if (counted.then) counted.then->ask();
        }) {}
  int times = 0;
  Deferred* then = nullptr;
};

TEST(Deferred, IsDoneOnceHoweverOftenItIsAskedFor) {
  Loop loop;
  Counted one(loop), other(loop);
  one.ask();
  one.ask();
  other.ask();
  other.forget();
  EXPECT_EQ(one.times, 0) << "not before the turn ends";
  loop.turn(Duration::zero());
  EXPECT_EQ(one.times, 1);
  EXPECT_EQ(other.times, 0);
  loop.turn(Duration::zero());
  EXPECT_EQ(one.times, 1);
}

TEST(Deferred, WhatAnotherAsksForIsDoneInTheSameTurn) {
  Loop loop;
  Counted first(loop), second(loop);
  first.then = &second;
  first.ask();
  loop.turn(Duration::zero());
  EXPECT_EQ(second.times, 1);
}

TEST(Deferred, ForgetsWhenDestroyed) {
  Loop loop;
  {
    Counted gone(loop);
    gone.ask();
  }
  Counted stays(loop);
  stays.ask();
  loop.turn(Duration::zero());
  EXPECT_EQ(stays.times, 1);
}

TEST(Deferred, IsDoneAtTheEndOfTheTurnThatAMessageAskedForItIn) {
  Loop loop;
  Counted one(loop);
  loop.post([&] { one.ask(); });
  loop.turn(milliseconds(100));
  EXPECT_EQ(one.times, 1) << "else a loop that has nothing else to do would sleep over it";
}

}  // namespace
}  // namespace weir::io
