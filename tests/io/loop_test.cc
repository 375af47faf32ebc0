// The loop, timers, tasks and streams against real sockets.
#include "io/loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "io/stream.h"
#include "io/task.h"

namespace weir::io {
namespace {

using std::chrono::milliseconds;

struct Pair {
  Loop loop;
  std::unique_ptr<Stream> a, b;
  Pair() {
    int fds[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds), 0);
    a = std::make_unique<Stream>(loop, fds[0]);
    b = std::make_unique<Stream>(loop, fds[1]);
  }
  void run(TaskGroup& group) {
    for (int i = 0; i < 10000 && group.running(); ++i) loop.turn(milliseconds(100));
    ASSERT_EQ(group.running(), 0u);
  }
};

Task<void> send_text(Stream& stream, std::string text, IoStatus& status) {
  iovec part{text.data(), text.size()};
  status = (co_await stream.write({&part, 1}, std::chrono::seconds(5))).status;
}

Task<void> read_until_eof(Stream& stream, std::string& out, IoStatus& status) {
  char buffer[1000];
  for (;;) {
    IoResult got = co_await stream.read(buffer, kNever);
    status = got.status;
    if (got.status != IoStatus::ok) co_return;
    out.append(buffer, got.bytes);
  }
}

TEST(Loop, MovesMoreBytesThanTheKernelHoldsAndSeesTheEnd) {
  Pair pair;
  TaskGroup group;
  std::string text(3'000'000, 'x'), got;
  IoStatus sent = IoStatus::failed, received = IoStatus::failed;
  group.spawn(read_until_eof(*pair.b, got, received));
  group.spawn([](Pair& p, std::string t, IoStatus& s) -> Task<void> {
    co_await send_text(*p.a, std::move(t), s);
    p.a->end_writing();
  }(pair, text, sent));
  pair.run(group);
  EXPECT_EQ(sent, IoStatus::ok);
  EXPECT_EQ(received, IoStatus::eof);
  EXPECT_EQ(got.size(), text.size());
}

TEST(Loop, AReadThatNobodyAnswersTimesOut) {
  Pair pair;
  TaskGroup group;
  char buffer[10];
  IoResult result;
  TimePoint begun = Clock::now();
  group.spawn([](Pair& p, std::span<char> into, IoResult& out) -> Task<void> {
    out = co_await p.a->read(into, p.loop.refresh() + milliseconds(30));
  }(pair, buffer, result));
  pair.run(group);
  EXPECT_EQ(result.status, IoStatus::timed_out);
  EXPECT_GE(Clock::now() - begun, milliseconds(30));
}

TEST(Loop, AWriteThatDoesNotMoveTimesOutAndSaysHowMuchWent) {
  Pair pair;
  TaskGroup group;
  IoResult result;
  group.spawn([](Pair& p, IoResult& out) -> Task<void> {
    std::string much(8'000'000, 'y');
    iovec part{much.data(), much.size()};
    out = co_await p.a->write({&part, 1}, milliseconds(30));
  }(pair, result));
  pair.run(group);
  EXPECT_EQ(result.status, IoStatus::timed_out);
  EXPECT_GT(result.bytes, 0u);
  EXPECT_LT(result.bytes, 8'000'000u);
}

TEST(Loop, AbortEndsWhatWaitsAndWhatComesLater) {
  Pair pair;
  TaskGroup group;
  IoStatus first = IoStatus::ok, second = IoStatus::ok;
  group.spawn([](Pair& p, IoStatus& one, IoStatus& two) -> Task<void> {
    char buffer[10];
    one = (co_await p.a->read(buffer, kNever)).status;
    two = co_await p.a->readable(kNever);
  }(pair, first, second));
  pair.a->abort();
  pair.run(group);
  EXPECT_EQ(first, IoStatus::cancelled);
  EXPECT_EQ(second, IoStatus::cancelled);
}

TEST(Loop, DestroyingAWaitingCoroutineLeavesNothingBehind) {
  Pair pair;
  {
    char buffer[10];
    auto waiting = [](Pair& p, std::span<char> into) -> Task<void> {
      auto got = co_await p.a->read(into, p.loop.now() + milliseconds(10));
      (void)got;
      ADD_FAILURE() << "resumed after its end";
    }(pair, buffer);
    // Starts the task by hand, as an awaiter would, then lets it go out of scope while it waits.
    waiting.await_suspend(std::noop_coroutine()).resume();
  }
  IoStatus status;
  TaskGroup group;
  group.spawn(send_text(*pair.b, "late", status));
  for (int i = 0; i < 10; ++i) pair.loop.turn(milliseconds(5));
  EXPECT_EQ(group.running(), 0u);
}

TEST(Loop, AFinThatComesWithTheLastBytesIsNotLost) {
  Pair pair;
  TaskGroup group;
  std::string got;
  IoStatus sent, received = IoStatus::ok;
  group.spawn(read_until_eof(*pair.b, got, received));  // parks: registered
  group.spawn(send_text(*pair.a, "tail", sent));
  pair.a->end_writing();
  pair.run(group);
  EXPECT_EQ(got, "tail");
  EXPECT_EQ(received, IoStatus::eof);
}

TEST(Loop, PostRunsOnTheLoopInOrder) {
  Loop loop;
  std::string order;
  loop.post([&] { order += "a"; });
  loop.post([&] {
    order += "b";
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(order, "ab");
}

TEST(Task, AMillionReadyAwaitsDoNotGrowTheStack) {
  auto one = []() -> Task<int> { co_return 1; };
  long sum = 0;
  TaskGroup group;
  group.spawn([](auto& make, long& out) -> Task<void> {
    for (int i = 0; i < 1'000'000; ++i) out += co_await make();
  }(one, sum));
  EXPECT_EQ(sum, 1'000'000);
}

TEST(TaskGroup, JoinWaitsForAll) {
  Loop loop;
  int done = 0;
  TaskGroup outer;
  outer.spawn([](Loop& l, int& d) -> Task<void> {
    TaskGroup inner;
    for (int i = 1; i <= 3; ++i)
      inner.spawn([](Loop& ll, int n, int& dd) -> Task<void> {
        co_await sleep(ll, milliseconds(5 * n));
        ++dd;
      }(l, i, d));
    co_await inner.join();
    EXPECT_EQ(d, 3);
  }(loop, done));
  for (int i = 0; i < 1000 && outer.running(); ++i) loop.turn(milliseconds(50));
  EXPECT_EQ(done, 3);
}

}  // namespace
}  // namespace weir::io
