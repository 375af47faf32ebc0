#include "io/loop/bell.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "io/task.h"

namespace weir::io {
namespace {

using namespace std::chrono_literals;

// Waits `times` times and notes what it was woken by.
Task<void> listen(Bell& bell, TimePoint deadline, int times, std::vector<bool>& heard) {
  for (int i = 0; i < times; ++i) heard.push_back(co_await bell.wait(deadline));
}

void turn_until_done(Loop& loop, TaskGroup& group) {
  for (int i = 0; i < 1000 && group.running() != 0; ++i) loop.turn(10ms);
  ASSERT_EQ(group.running(), 0u);
}

TEST(Bell, ARingWakesTheSleeperAtOnce) {
  Loop loop;
  Bell bell(loop);
  TaskGroup group;
  std::vector<bool> heard;
  group.spawn(listen(bell, kNever, 2, heard));
  EXPECT_TRUE(heard.empty());
  bell.ring();
  EXPECT_EQ(heard, (std::vector<bool>{true}));
  bell.ring();
  EXPECT_EQ(heard, (std::vector<bool>{true, true}));
  EXPECT_EQ(group.running(), 0u);
}

TEST(Bell, RingsThatNobodyHearsAreKeptAsOne) {
  Loop loop;
  Bell bell(loop);
  TaskGroup group;
  std::vector<bool> heard;
  bell.ring();
  bell.ring();
  group.spawn(listen(bell, kNever, 2, heard));
  EXPECT_EQ(heard, (std::vector<bool>{true}));
  bell.ring();
  EXPECT_EQ(group.running(), 0u);
}

TEST(Bell, TheDeadlineWakesWithoutARing) {
  Loop loop;
  Bell bell(loop);
  TaskGroup group;
  std::vector<bool> heard;
  group.spawn(listen(bell, loop.refresh() + 5ms, 1, heard));
  turn_until_done(loop, group);
  EXPECT_EQ(heard, (std::vector<bool>{false}));
}

TEST(Bell, AfterARingTheOldDeadlineIsForgotten) {
  Loop loop;
  Bell bell(loop);
  TaskGroup group;
  std::vector<bool> heard;
  group.spawn(listen(bell, loop.refresh() + 1h, 1, heard));
  bell.ring();
  EXPECT_EQ(group.running(), 0u);
  EXPECT_EQ(loop.timers().until_next(loop.now()), Duration::max()) << "the alarm is still set";
}

TEST(Bell, AnotherThreadRingsByAMessage) {
  Loop loop;
  Bell bell(loop);
  TaskGroup group;
  std::vector<bool> heard;
  group.spawn(listen(bell, kNever, 1, heard));
  std::thread other([&] { loop.post([&] { bell.ring(); }); });
  turn_until_done(loop, group);
  other.join();
  EXPECT_EQ(heard, (std::vector<bool>{true}));
}

}  // namespace
}  // namespace weir::io
