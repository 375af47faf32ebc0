#include "io/offload.h"

#include <gtest/gtest.h>

#include <semaphore>

#include "io/task.h"

namespace weir::io {
namespace {

Task<void> square(Offload& offload, Loop& loop, int value, std::vector<std::optional<int>>& out) {
  const std::thread::id here = std::this_thread::get_id();
  const auto made = co_await offload.run(loop, [value, here] {
    EXPECT_NE(std::this_thread::get_id(), here);
    return value * value;
  });
  EXPECT_EQ(std::this_thread::get_id(), here) << "goes on where it waited";
  out.push_back(made);
}

TEST(Offload, WorkIsDoneElsewhereAndItsResultComesBack) {
  Loop loop;
  Offload offload(2, 100);
  std::vector<std::optional<int>> out;
  TaskGroup group;
  for (int i = 0; i < 50; ++i) group.spawn(square(offload, loop, i, out));
  while (group.running() != 0) loop.turn(std::chrono::seconds(5));
  int sum = 0;
  for (const auto& one : out) sum += *one;
  EXPECT_EQ(sum, 49 * 50 * 99 / 6);
}

Task<void> hold(Offload& offload, Loop& loop, std::binary_semaphore& begun, std::binary_semaphore& go, bool& done) {
  done = (co_await offload.run(loop, [&] {
           begun.release();
           go.acquire();
           return 1;
         })).has_value();
}

TEST(Offload, BeyondTheBoundNothingWaits) {
  Loop loop;
  std::binary_semaphore begun{0}, go{0};
  Offload offload(1, 1);
  bool held = false;
  std::vector<std::optional<int>> out;
  TaskGroup group;
  group.spawn(hold(offload, loop, begun, go, held));
  begun.acquire();
  group.spawn(square(offload, loop, 3, out));  // waits
  group.spawn(square(offload, loop, 4, out));  // one too many
  ASSERT_EQ(out.size(), 1u);
  EXPECT_FALSE(out[0].has_value());
  go.release();
  while (group.running() != 0) loop.turn(std::chrono::seconds(5));
  EXPECT_TRUE(held);
  EXPECT_EQ(out[1], 9);
}

TEST(Offload, GivenUpWhatHasBegunEndsAndTheRestGoesOnWithNothing) {
  Loop loop;
  std::binary_semaphore begun{0}, go{0};
  Offload offload(1, 100);
  bool held = false;
  std::vector<std::optional<int>> out;
  TaskGroup group;
  group.spawn(hold(offload, loop, begun, go, held));
  begun.acquire();
  for (int i = 0; i < 10; ++i) group.spawn(square(offload, loop, i, out));
  offload.give_up();
  while (group.running() != 1) loop.turn(std::chrono::seconds(5));
  EXPECT_EQ(out, std::vector<std::optional<int>>(10));
  go.release();
  while (group.running() != 0) loop.turn(std::chrono::seconds(5));
  EXPECT_TRUE(held);
  group.spawn(square(offload, loop, 3, out));
  EXPECT_EQ(group.running(), 0u);
  EXPECT_FALSE(out.back().has_value());
}

}  // namespace
}  // namespace weir::io
