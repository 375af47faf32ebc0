// A stream on one end of a socket pair and the test on the other: what is said there is read here, and what is
// written here is heard there. Under the tests of everything in http/ that awaits a stream, for both of the loop's
// backends.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "io/stream.h"
#include "io/task.h"

namespace weir::http {

using Backend = io::Loop::Backend;

class Wire {
 public:
  explicit Wire(Backend backend = Backend::epoll) : loop(backend) {
    loop.turn(io::Duration::zero());  // sets the ring up
    int fds[2] = {-1, -1};
    // With a ring the kernel waits for the descriptor, so it must be a blocking one (stream.h).
    const int flags = SOCK_STREAM | SOCK_CLOEXEC | (loop.by_ring() ? 0 : SOCK_NONBLOCK);
    if (::socketpair(AF_UNIX, flags, 0, fds) != 0) ADD_FAILURE() << "socketpair";
    stream = std::make_unique<io::Stream>(loop, fds[0]);
    theirs_ = fds[1];
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() {
    hang_up();
    stream->abort();
    loop.turn(io::Duration::zero());
  }

  // At most what a socket's buffer holds.
  void say(std::string_view text) {
    EXPECT_EQ(::send(theirs_, text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  void end() { ::shutdown(theirs_, SHUT_WR); }
  void hang_up() {
    if (theirs_ >= 0) ::close(std::exchange(theirs_, -1));
  }
  // Everything written so far and not yet heard.
  std::string heard() {
    std::string out;
    char piece[16 * 1024];
    for (ssize_t got; (got = ::recv(theirs_, piece, sizeof piece, MSG_DONTWAIT)) > 0;)
      out.append(piece, static_cast<std::size_t>(got));
    return out;
  }

  // Runs `task` to its end; what it gave. `between` is called between two turns of the loop.
  template <class T>
  T run(io::Task<T> task, const std::function<void()>& between = [] {}) {
    std::optional<T> out;
    io::TaskGroup group;
    group.spawn(keep(std::move(task), out));
    for (int turn = 0; turn < 10'000 && group.running() != 0; ++turn) {
      loop.turn(std::chrono::milliseconds(1));
      between();
    }
    if (group.running() != 0) {  // a wait that never ends: nothing can be saved
      ADD_FAILURE() << "the task does not end";
      stream->abort();
      for (int turn = 0; turn < 10 && group.running() != 0; ++turn) loop.turn(std::chrono::milliseconds(1));
    }
    return std::move(*out);
  }

  // A time that comes at once: what then still waits, waits in vain.
  io::TimePoint soon() { return loop.refresh() + std::chrono::milliseconds(5); }

  io::Loop loop;
  io::BufferPool& buffers = loop.buffers();
  std::unique_ptr<io::Stream> stream;

 private:
  template <class T>
  static io::Task<void> keep(io::Task<T> task, std::optional<T>& out) {
    out.emplace(co_await std::move(task));
  }
  int theirs_ = -1;
};

// For suites that run on both backends: skips where the kernel bars io_uring.
class OnBothBackends : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    if (GetParam() == Backend::io_uring && !wire.loop.by_ring())
      GTEST_SKIP() << "this kernel, or this container, does not allow io_uring";
  }
  Wire wire{GetParam()};
};

inline std::string backend_name(const testing::TestParamInfo<Backend>& info) {
  return info.param == Backend::epoll ? "epoll" : "io_uring";
}

}  // namespace weir::http
