// One TCP (or Unix) connection, plain or TLS, for both sides of the gateway. Reads and writes are awaited; what can
// be done at once is done without suspending and without a coroutine frame. One reader and one writer at a time.
// Owned by the connection it carries; the loop's thread only.
#pragma once

#include <sys/socket.h>
#include <sys/uio.h>
#include <memory>
#include <optional>
#include <span>
#include <string_view>

#include "base/error.h"
#include "base/ip.h"
#include "io/loop/buffer.h"
#include "io/loop/handle.h"
#include "io/task.h"

struct ssl_st;

namespace weir::io {

struct IoResult {
  IoStatus status = IoStatus::ok;
  std::size_t bytes = 0;
  int error = 0;  // errno, or 0; for the log
};

class Stream {
 public:
  // Takes the descriptor. For a loop with a ring it must be blocking (the kernel waits for it), else non-blocking.
  Stream(Loop& loop, int fd) noexcept : handle_(loop, fd) { handle_.receive_by_ring(loop.by_ring()); }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  ~Stream();

  Loop& loop() const noexcept { return handle_.loop(); }
  Handle& handle() noexcept { return handle_; }
  const Handle& handle() const noexcept { return handle_; }
  bool secure() const noexcept { return ssl_ != nullptr; }
  ssl_st* ssl() const noexcept { return ssl_; }

  // Waits until a read may give something; takes no buffer, so that an idle connection holds none. Optimistic: a read
  // may still find nothing (a new connection, half a TLS record), so follow it with try_read in a loop.
  class Readable : public Operation {
   public:
    Readable(Stream& stream, TimePoint deadline) noexcept;
    IoStatus await_resume() const noexcept { return status_; }

   private:
    static Wants attempt(Operation& operation);
    Stream& stream_;
  };
  Readable readable(TimePoint deadline) noexcept { return {*this, deadline}; }

  // Reads what there is, at least one byte, into `into` (which must live until resumed). bytes 0 with status eof at
  // the end.
  class Read : public Operation {
   public:
    Read(Stream& stream, std::span<char> into, TimePoint deadline) noexcept;
    IoResult await_resume() const noexcept { return {status_, bytes_, error_}; }

   private:
    static Wants attempt_plain(Operation& operation);
    static Wants attempt_tls(Operation& operation);
    static Wants attempt_ring(Operation& operation);
    Stream& stream_;
    std::span<char> into_;
    std::size_t bytes_ = 0;
  };
  // Waits without a buffer and returns with one that begins with what has come: the cheapest way to read a message's
  // first bytes, and what an idle connection waits in.
  struct Received {
    IoStatus status = IoStatus::ok;
    std::size_t bytes = 0;
    Buffer buffer;
  };
  class Receive : public Operation {
   public:
    Receive(Stream& stream, TimePoint deadline) noexcept;
    Received await_resume() noexcept { return {status_, bytes_, std::move(buffer_)}; }

   private:
    static Wants attempt_read(Operation& operation);
    static Wants attempt_ring(Operation& operation);
    Stream& stream_;
    Buffer buffer_;
    std::size_t bytes_ = 0;
  };
  Receive receive(TimePoint deadline) noexcept { return {*this, deadline}; }

  // What is at hand, or nothing when a read would have to wait.
  std::optional<IoResult> try_read(std::span<char> into) noexcept;
  Read read(std::span<char> into, TimePoint deadline) noexcept { return {*this, into, deadline}; }

  // Writes all of `parts`, whose array and bytes must live until resumed; the array is used up. Gives up (timed_out)
  // when no byte moved for `stall`. `bytes` says how much was taken by the kernel, also on failure.
  class Write : public Operation {
   public:
    Write(Stream& stream, std::span<iovec> parts, Duration stall) noexcept;
    // With epoll, a plain stream's bytes leave at the end of the turn, together with those of all other connections:
    // the processes at their other ends are then woken once for many of them, and not between any two. Measured:
    // large ones gain as small ones do.
    bool await_ready() noexcept;
    void await_suspend(std::coroutine_handle<> awaiter) noexcept;
    IoResult await_resume() const noexcept { return {status_, bytes_, error_}; }

   private:
    static Wants attempt_plain(Operation& operation);
    static Wants attempt_tls(Operation& operation);
    static Wants submit(Operation& operation);
    static Wants completed(Operation& operation, int result);
    void advance(std::size_t count) noexcept;
    struct EndOfTurn : Deferred {
      explicit EndOfTurn(Write& owner) noexcept;
      Write& owner;
    };
    Stream& stream_;
    EndOfTurn end_of_turn_;
    std::span<iovec> parts_;
    Duration stall_;
    std::size_t bytes_ = 0;
    msghdr message_;  // the kernel reads it after submit() has returned
  };
  Write write(std::span<iovec> parts, Duration stall) noexcept { return {*this, parts, stall}; }

  // Takes the session (see io/tls/tls.h) and does its handshake. status failed: tls_error() of io/tls/tls.h says why.
  class Handshake : public Operation {
   public:
    Handshake(Stream& stream, TimePoint deadline) noexcept;
    IoStatus await_resume() const noexcept { return status_; }

   private:
    static Wants attempt(Operation& operation);
    Stream& stream_;
  };
  Handshake handshake(ssl_st* session, TimePoint deadline) noexcept;

  // Whether a read would give something at once, be it bytes, the end or an error; asks the kernel. TLS: session
  // tickets and other records that carry nothing for the reader are taken in and do not count. Reads nothing away.
  bool anything_unread() noexcept;

  // No more will be written: TLS close_notify and FIN. The peer can still be read.
  void end_writing() noexcept;
  // Makes the close a reset, so that the peer cannot mistake what it has for the whole.
  void reset_on_close() noexcept;
  void abort() noexcept { handle_.abort(); }

 private:
  // What a call to OpenSSL that did not succeed means for the operation that made it.
  Operation::Wants after_tls(int result, IoStatus& status, int& error) noexcept;

  Handle handle_;
  ssl_st* ssl_ = nullptr;
};

// The way to let go, from outside, of a connection that is being opened: who opens it then gets an error at once.
// Lives as long as the opening.
class Opening {
 public:
  Opening() = default;
  Opening(const Opening&) = delete;
  Opening& operator=(const Opening&) = delete;
  void cancel() noexcept {
    cancelled_ = true;
    if (stream_) stream_->abort();
  }
  bool cancelled() const noexcept { return cancelled_; }
  // By who opens: what cancel() ends from now on; nullptr when it is open.
  void is(Stream* stream) noexcept { stream_ = stream; }

 private:
  Stream* stream_ = nullptr;
  bool cancelled_ = false;
};

// Opens a connection; errors upstream_refused and upstream_connect_timeout. TCP_NODELAY is set.
Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, const SocketAddress& address, TimePoint deadline,
                                              Opening* opening = nullptr);

}  // namespace weir::io
