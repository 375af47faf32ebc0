// The ring by itself: what is queued reaches the kernel, and what comes back is named by what it was queued with.
// Skipped where the kernel bars io_uring.
#include "io/loop/ring.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <map>
#include <vector>

#include "io/stream.h"
#include "io/task.h"

namespace weir::io {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t key(std::uint64_t generation, int fd) {
  return (generation << 32) | static_cast<std::uint32_t>(fd);
}

struct SocketPair {
  int ours = -1, theirs = -1;
  SocketPair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) return;
    ours = fds[0];
    theirs = fds[1];
  }
  SocketPair(const SocketPair&) = delete;
  SocketPair& operator=(const SocketPair&) = delete;
  ~SocketPair() {
    ::close(ours);
    ::close(theirs);
  }
};

class RingTest : public testing::Test {
 protected:
  void SetUp() override {
    ring = Ring::make(buffers);
    if (!ring) GTEST_SKIP() << "this kernel, or this container, does not allow io_uring";
  }
  // The next completion that is not the answer to a cancel().
  Ring::Completion next() {
    Ring::Completion out{Ring::Kind::ignored, nullptr, 0, 0, {}};
    for (int i = 0; i < 100; ++i) {
      while (ring->next(out))
        if (out.kind != Ring::Kind::ignored) return out;
      ring->wait(milliseconds(50));
    }
    ADD_FAILURE() << "nothing completes";
    return out;
  }
  std::string heard(int fd) {
    char text[100];
    const ssize_t got = ::recv(fd, text, sizeof text, MSG_DONTWAIT);
    return {text, got > 0 ? static_cast<std::size_t>(got) : 0};
  }

  BufferPool buffers;
  std::unique_ptr<Ring> ring;
  SocketPair sockets;
  alignas(8) std::uint64_t operation = 0;  // only its address counts
};

TEST_F(RingTest, NothingLeavesBeforeItIsSubmitted) {
  ring->send(sockets.ours, "hello", 5, &operation);
  EXPECT_EQ(heard(sockets.theirs), "");
  const Ring::Completion done = next();
  EXPECT_EQ(done.kind, Ring::Kind::operation);
  EXPECT_EQ(done.operation, &operation);
  EXPECT_EQ(done.result, 5);
  EXPECT_EQ(heard(sockets.theirs), "hello");
}

TEST_F(RingTest, SendsListsOfParts) {
  char one[] = "one ", two[] = "two";
  iovec parts[] = {{one, 4}, {two, 3}};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  ring->send(sockets.ours, message, &operation);
  EXPECT_EQ(next().result, 7);
  EXPECT_EQ(heard(sockets.theirs), "one two");
}

TEST_F(RingTest, BytesComeInABufferOfTheStock) {
  const std::uint64_t name = key(7, sockets.ours);
  ring->receive(sockets.ours, name);
  Ring::Completion none;
  ring->wait(Duration::zero());
  EXPECT_FALSE(ring->next(none)) << "nothing has come";
  ASSERT_EQ(::send(sockets.theirs, "bytes", 5, 0), 5);
  const Ring::Completion got = next();
  EXPECT_EQ(got.kind, Ring::Kind::received);
  EXPECT_EQ(got.key, name);
  ASSERT_EQ(got.result, 5);
  ASSERT_TRUE(got.buffer);
  EXPECT_EQ((std::string_view{got.buffer.data(), 5}), "bytes");
}

TEST_F(RingTest, TheEndIsNothingWithoutABuffer) {
  ring->receive(sockets.ours, key(1, sockets.ours));
  ::shutdown(sockets.theirs, SHUT_WR);
  const Ring::Completion got = next();
  EXPECT_EQ(got.kind, Ring::Kind::received);
  EXPECT_EQ(got.result, 0);
}

TEST_F(RingTest, PollsForBothDirectionsAreToldApart) {
  ring->poll(sockets.ours, POLLIN, key(3, sockets.ours), false);
  ring->poll(sockets.ours, POLLOUT, key(3, sockets.ours), true);
  const Ring::Completion first = next();
  EXPECT_EQ(first.kind, Ring::Kind::poll_write);
  EXPECT_EQ(first.key, key(3, sockets.ours));
  ASSERT_EQ(::send(sockets.theirs, "x", 1, 0), 1);
  const Ring::Completion second = next();
  EXPECT_EQ(second.kind, Ring::Kind::poll_read);
  EXPECT_EQ(second.key, key(3, sockets.ours));
  EXPECT_TRUE(second.result & POLLIN);
}

TEST_F(RingTest, KeysOfLargeDescriptorsAndGenerationsComeBackWhole) {
  const int high = ::fcntl(sockets.ours, F_DUPFD_CLOEXEC, 900);
  ASSERT_GE(high, 900);
  const std::uint64_t name = key(0xffff'ffff, high);
  ring->poll(high, POLLOUT, name, true);
  const Ring::Completion done = next();
  EXPECT_EQ(done.key, name);
  EXPECT_EQ(done.kind, Ring::Kind::poll_write);
  ::close(high);
}

TEST_F(RingTest, WhatIsCancelledIsToldSo) {
  const std::uint64_t name = key(2, sockets.ours);
  ring->receive(sockets.ours, name);
  ring->wait(Duration::zero());
  ring->cancel(name, Ring::Kind::received);
  const Ring::Completion got = next();
  EXPECT_EQ(got.kind, Ring::Kind::received);
  EXPECT_EQ(got.key, name);
  EXPECT_EQ(got.result, -ECANCELED);

  ring->poll(sockets.ours, POLLIN, name, false);
  ring->wait(Duration::zero());
  ring->cancel(name, Ring::Kind::poll_read);
  EXPECT_EQ(next().result, -ECANCELED);

  const std::string much(8'000'000, 'm');  // more than the socket holds: the kernel keeps it
  ring->send(sockets.ours, much.data(), much.size(), &operation);
  ring->wait(Duration::zero());
  ring->cancel(&operation);
  const Ring::Completion sent = next();
  EXPECT_EQ(sent.kind, Ring::Kind::operation);
  EXPECT_LT(sent.result, static_cast<int>(much.size()));
}

TEST_F(RingTest, MoreIsQueuedThanTheQueueHolds) {
  std::vector<std::uint64_t> operations(3'000);
  char byte = 'b';
  for (std::uint64_t& each : operations) {
    ring->send(sockets.ours, &byte, 1, &each);
    ++each;
  }
  std::map<void*, int> completed;
  char sink[4'000];
  for (int turn = 0; turn < 1'000 && completed.size() < operations.size(); ++turn) {
    ring->wait(milliseconds(10));
    for (Ring::Completion done; ring->next(done);) {
      ++completed[done.operation];
      EXPECT_EQ(done.result, 1);
    }
    (void)::recv(sockets.theirs, sink, sizeof sink, MSG_DONTWAIT);
  }
  EXPECT_EQ(completed.size(), operations.size());
}

TEST_F(RingTest, WaitEndsAtItsLimit) {
  const TimePoint begun = Clock::now();
  ring->wait(milliseconds(20));
  EXPECT_GE(Clock::now() - begun, milliseconds(20));
  Ring::Completion none;
  EXPECT_FALSE(ring->next(none));
}

// More streams wait than there are buffers in the stock: those that find it empty ask again.
TEST_F(RingTest, AnEmptyStockLosesNothing) {
  Loop loop(Loop::Backend::io_uring);
  loop.turn(Duration::zero());
  ASSERT_TRUE(loop.by_ring());
  constexpr int kStreams = 200;
  std::vector<std::unique_ptr<Stream>> streams;
  std::vector<int> others;
  std::vector<std::string> got(kStreams);
  TaskGroup group;
  for (int i = 0; i < kStreams; ++i) {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    streams.push_back(std::make_unique<Stream>(loop, fds[0]));
    others.push_back(fds[1]);
    group.spawn([](Stream& stream, std::string& out) -> Task<void> {
      for (;;) {
        Stream::Received some = co_await stream.receive(kNever);
        if (some.status != IoStatus::ok) co_return;
        out.append(some.buffer.data(), some.bytes);
      }
    }(*streams.back(), got[static_cast<std::size_t>(i)]));
  }
  loop.turn(Duration::zero());  // all of them are in the kernel now
  for (int i = 0; i < kStreams; ++i) {
    const std::string text = "stream " + std::to_string(i);
    ASSERT_EQ(::send(others[static_cast<std::size_t>(i)], text.data(), text.size(), 0),
              static_cast<ssize_t>(text.size()));
    ::close(others[static_cast<std::size_t>(i)]);
  }
  for (int turn = 0; turn < 1'000 && group.running() != 0; ++turn) loop.turn(milliseconds(10));
  ASSERT_EQ(group.running(), 0u);
  for (int i = 0; i < kStreams; ++i) EXPECT_EQ(got[static_cast<std::size_t>(i)], "stream " + std::to_string(i));
}

}  // namespace
}  // namespace weir::io
