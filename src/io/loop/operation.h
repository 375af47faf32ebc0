// One thing a coroutine waits for on a file descriptor: read, write, connect, handshake. It lives in the awaiting
// coroutine's frame; the handle it is parked on and the loop only point to it. This is the seam for another kernel
// interface: whoever completes operations (epoll today) is not seen by those who await them. One thread.
#pragma once

#include <cerrno>
#include <coroutine>
#include <cstdint>

#include "io/loop/clock.h"

namespace weir::io {

enum class IoStatus : std::uint8_t {
  ok,
  eof,  // the peer closed its direction in good order
  timed_out,
  reset,      // by the peer: ECONNRESET, EPIPE
  cancelled,  // by abort() on our side
  failed,     // anything else; `error` has the errno
};

constexpr IoStatus status_for(int error) noexcept {
  return error == ECONNRESET || error == EPIPE ? IoStatus::reset : IoStatus::failed;
}

class Handle;

class Operation {
 public:
  // `kernel`: handed to io_uring as it is; on_completion() will be called.
  enum class Wants : std::uint8_t { nothing, read, write, kernel };
  // Tries once without blocking. `nothing`: finished, with status set.
  using Attempt = Wants (*)(Operation&);

  explicit Operation(Handle& handle, Attempt attempt, TimePoint deadline) noexcept
      : handle_(handle), attempt_(attempt), deadline_(deadline) {}
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;
  ~Operation();

  // The awaiter protocol; derived types add await_resume().
  bool await_ready() noexcept;
  void await_suspend(std::coroutine_handle<> awaiter) noexcept;
  // One attempt, as part of another operation's.
  Wants attempt_now() noexcept { return attempt_(*this); }

 protected:
  friend class Handle;
  friend class Loop;
  // An operation that is in the kernel must not be destroyed: its bytes are being read. abort() and wait for it.
  Handle& handle_;
  Attempt attempt_;
  TimePoint deadline_;
  std::coroutine_handle<> awaiter_;
  Operation* next_completed_ = nullptr;  // the loop's list of what is to be resumed
  Operation* prev_completed_ = nullptr;
  // With io_uring, for operations that were handed over: what came of it, bytes or -errno. `kernel` again: not done
  // yet.
  using Completed = Wants (*)(Operation&, int result);
  Completed completed_ = nullptr;
  bool in_kernel_ = false;
  bool given_up_ = false;  // cancelled, status_ says why; the kernel still has its bytes
  Wants wants_ = Wants::nothing;
  IoStatus status_ = IoStatus::ok;
  int error_ = 0;
};

}  // namespace weir::io
