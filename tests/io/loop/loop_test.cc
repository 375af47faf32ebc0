// The loop, timers, tasks and streams against real sockets, by epoll and by io_uring.
#include "io/loop/loop.h"

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
  explicit Pair(Loop::Backend backend) : loop(backend) {
    loop.turn(Duration::zero());  // sets the ring up
    int fds[2];
    const int flags = SOCK_STREAM | SOCK_CLOEXEC | (loop.by_ring() ? 0 : SOCK_NONBLOCK);
    EXPECT_EQ(::socketpair(AF_UNIX, flags, 0, fds), 0);
    a = std::make_unique<Stream>(loop, fds[0]);
    b = std::make_unique<Stream>(loop, fds[1]);
  }
  void run(TaskGroup& group) {
    for (int i = 0; i < 10000 && group.running(); ++i) loop.turn(milliseconds(100));
    ASSERT_EQ(group.running(), 0u);
  }
};

class LoopTest : public testing::TestWithParam<Loop::Backend> {
 protected:
  void SetUp() override {
    if (GetParam() == Loop::Backend::io_uring && !pair.loop.by_ring())
      GTEST_SKIP() << "this kernel, or this container, does not allow io_uring";
  }
  Pair pair{GetParam()};
};

Task<void> send_text(Stream& stream, std::string text, IoStatus& status) {
  iovec part{text.data(), text.size()};
  status = (co_await stream.write({&part, 1}, std::chrono::seconds(5))).status;
}

// The end of writing waits for the write: with a ring the bytes may not have left before it.
Task<void> send_and_end(Stream& stream, std::string text, IoStatus& status) {
  co_await send_text(stream, std::move(text), status);
  stream.end_writing();
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

TEST_P(LoopTest, MovesMoreBytesThanTheKernelHoldsAndSeesTheEnd) {
  TaskGroup group;
  std::string text(3'000'000, 'x'), got;
  IoStatus sent = IoStatus::failed, received = IoStatus::failed;
  group.spawn(read_until_eof(*pair.b, got, received));
  group.spawn(send_and_end(*pair.a, text, sent));
  pair.run(group);
  EXPECT_EQ(sent, IoStatus::ok);
  EXPECT_EQ(received, IoStatus::eof);
  EXPECT_EQ(got.size(), text.size());
}

TEST_P(LoopTest, AReadThatNobodyAnswersTimesOut) {
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

TEST_P(LoopTest, AWriteThatDoesNotMoveTimesOutAndSaysHowMuchWent) {
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

TEST_P(LoopTest, AbortEndsWhatWaitsAndWhatComesLater) {
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

TEST_P(LoopTest, DestroyingAWaitingCoroutineLeavesNothingBehind) {
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

TEST_P(LoopTest, AFinThatComesWithTheLastBytesIsNotLost) {
  TaskGroup group;
  std::string got;
  IoStatus sent, received = IoStatus::ok;
  group.spawn(read_until_eof(*pair.b, got, received));  // parks: registered
  group.spawn(send_and_end(*pair.a, "tail", sent));
  pair.run(group);
  EXPECT_EQ(got, "tail");
  EXPECT_EQ(received, IoStatus::eof);
}

TEST_P(LoopTest, PostRunsOnTheLoopInOrder) {
  Loop& loop = pair.loop;
  std::string order;
  loop.post([&] { order += "a"; });
  loop.post([&] {
    order += "b";
    loop.stop();
  });
  loop.run();
  EXPECT_EQ(order, "ab");
}

TEST_P(LoopTest, BothWaysAtOnceInPiecesOfEverySize) {
  auto echo = [](Stream& stream) -> Task<void> {
    char buffer[777];
    for (;;) {
      const IoResult got = co_await stream.read(buffer, kNever);
      if (got.status != IoStatus::ok) break;
      iovec part{buffer, got.bytes};
      if ((co_await stream.write({&part, 1}, std::chrono::seconds(5))).status != IoStatus::ok) break;
    }
    stream.end_writing();
  };
  auto say = [](Stream& stream, const std::string& text) -> Task<void> {
    for (std::size_t at = 0, size = 1; at < text.size(); at += size, size = size % 1'000 + 7) {
      size = std::min(size, text.size() - at);
      iovec parts[] = {{const_cast<char*>(text.data()) + at, size / 2},
                       {const_cast<char*>(text.data()) + at + size / 2, size - size / 2}};
      const IoResult sent = co_await stream.write(parts, std::chrono::seconds(5));
      EXPECT_EQ(sent.status, IoStatus::ok);
      EXPECT_EQ(sent.bytes, size);
    }
    stream.end_writing();
  };
  std::string text, got;
  for (int i = 0; text.size() < 200'000; ++i) text += std::to_string(i);
  IoStatus received = IoStatus::failed;
  TaskGroup group;
  group.spawn(echo(*pair.b));
  group.spawn(read_until_eof(*pair.a, got, received));
  group.spawn(say(*pair.a, text));
  pair.run(group);
  EXPECT_EQ(received, IoStatus::eof);
  EXPECT_EQ(got, text);
}

TEST_P(LoopTest, ReadableTakesNothingAndReceiveBringsItsOwnBuffer) {
  std::string read, received;
  TaskGroup group;
  group.spawn([](Stream& stream, std::string& first, std::string& second) -> Task<void> {
    EXPECT_EQ(co_await stream.readable(kNever), IoStatus::ok);
    char three[3];
    for (;;) {  // readable() is optimistic: with epoll nothing may be there yet
      const auto got = stream.try_read(three);
      if (got) {
        EXPECT_EQ(got->bytes, 3u);
        first.assign(three, got->bytes);
        break;
      }
      EXPECT_EQ(co_await stream.readable(kNever), IoStatus::ok);
    }
    Stream::Received rest = co_await stream.receive(kNever);
    EXPECT_EQ(rest.status, IoStatus::ok);
    second.assign(rest.buffer.data(), rest.bytes);
    const Stream::Received over = co_await stream.receive(kNever);
    EXPECT_EQ(over.status, IoStatus::eof);
  }(*pair.a, read, received));
  EXPECT_EQ(group.running(), 1u);
  IoStatus sent = IoStatus::failed;
  group.spawn(send_text(*pair.b, "abcdefgh", sent));
  for (int i = 0; i < 100 && read.empty(); ++i) pair.loop.turn(milliseconds(10));
  pair.b->end_writing();
  pair.run(group);
  EXPECT_EQ(read, "abc");
  EXPECT_EQ(received, "defgh");
}

TEST_P(LoopTest, AnythingUnreadLooksWithoutTaking) {
  EXPECT_FALSE(pair.a->anything_unread());
  IoStatus sent = IoStatus::failed;
  TaskGroup group;
  group.spawn(send_text(*pair.b, "x", sent));
  pair.run(group);
  EXPECT_TRUE(pair.a->anything_unread());
  EXPECT_TRUE(pair.a->anything_unread());
  std::string got;
  IoStatus status = IoStatus::failed;
  group.spawn(read_until_eof(*pair.a, got, status));
  pair.b->end_writing();
  pair.run(group);
  EXPECT_EQ(got, "x");
  EXPECT_TRUE(pair.a->anything_unread()) << "the end is something too";
}

TEST_P(LoopTest, WritingToOneThatHasGoneIsAReset) {
  pair.b.reset();
  pair.loop.turn(Duration::zero());
  IoStatus status = IoStatus::ok;
  TaskGroup group;
  group.spawn(send_text(*pair.a, "too late", status));
  pair.run(group);
  EXPECT_EQ(status, IoStatus::reset);
}

TEST_P(LoopTest, AWatchedStreamTellsOfItsPeersEnd) {
  int told = 0;
  pair.a->handle().on_hangup([](void* context, bool) { ++*static_cast<int*>(context); }, &told);
  pair.a->handle().watch();
  pair.loop.turn(Duration::zero());
  EXPECT_EQ(told, 0);
  EXPECT_FALSE(pair.a->handle().peer_closed());
  pair.b->end_writing();
  for (int i = 0; i < 100 && told == 0; ++i) pair.loop.turn(milliseconds(10));
  EXPECT_EQ(told, 1);
  EXPECT_TRUE(pair.a->handle().peer_closed());
}

TEST_P(LoopTest, AbortEndsAWriteThatTheKernelHas) {
  IoResult result;
  TaskGroup group;
  group.spawn([](Stream& stream, IoResult& out) -> Task<void> {
    std::string much(8'000'000, 'y');
    iovec part{much.data(), much.size()};
    out = co_await stream.write({&part, 1}, std::chrono::minutes(1));
  }(*pair.a, result));
  for (int i = 0; i < 5; ++i) pair.loop.turn(Duration::zero());
  EXPECT_EQ(group.running(), 1u);
  pair.a->abort();
  pair.run(group);
  EXPECT_EQ(result.status, IoStatus::cancelled);
  EXPECT_LT(result.bytes, 8'000'000u);
}

TEST_P(LoopTest, CancellingTheReaderLeavesTheNextReadAsUsual) {
  IoStatus first = IoStatus::ok;
  std::string got;
  TaskGroup group;
  group.spawn([](Stream& stream, IoStatus& cancelled, std::string& out) -> Task<void> {
    char buffer[10];
    cancelled = (co_await stream.read(buffer, kNever)).status;
    const IoResult next = co_await stream.read(buffer, kNever);
    out.assign(buffer, next.bytes);
  }(*pair.a, first, got));
  pair.a->handle().cancel_reader();
  IoStatus sent = IoStatus::failed;
  group.spawn(send_text(*pair.b, "next", sent));
  pair.run(group);
  EXPECT_EQ(first, IoStatus::cancelled);
  EXPECT_EQ(got, "next");
}

TEST_P(LoopTest, ADescriptorThatIsUsedAgainGetsNothingOfItsForerunners) {
  for (int round = 0; round < 50; ++round) {
    TaskGroup group;
    std::string got;
    IoStatus sent = IoStatus::failed, received = IoStatus::failed;
    const std::string text = "round " + std::to_string(round);
    group.spawn(read_until_eof(*pair.b, got, received));
    group.spawn(send_and_end(*pair.a, text, sent));
    pair.run(group);
    EXPECT_EQ(got, text);
    const int before = pair.a->handle().fd();
    pair.a.reset();  // the lowest descriptors are given out again
    pair.b.reset();
    int fds[2];
    const int flags = SOCK_STREAM | SOCK_CLOEXEC | (pair.loop.by_ring() ? 0 : SOCK_NONBLOCK);
    ASSERT_EQ(::socketpair(AF_UNIX, flags, 0, fds), 0);
    if (round == 0) {
      EXPECT_TRUE(fds[0] == before || fds[1] == before);
    }
    pair.a = std::make_unique<Stream>(pair.loop, fds[0]);
    pair.b = std::make_unique<Stream>(pair.loop, fds[1]);
  }
}

INSTANTIATE_TEST_SUITE_P(Both, LoopTest, testing::Values(Loop::Backend::epoll, Loop::Backend::io_uring),
                         [](const auto& each) {
                           return std::string(each.param == Loop::Backend::epoll ? "epoll" : "io_uring");
                         });

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
