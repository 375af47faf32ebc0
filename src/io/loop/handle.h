// One file descriptor on one loop: what is known of its readiness, at most one reader and one writer that wait, and
// the timer for their deadlines. Registered with epoll (edge-triggered) only once something has to wait, so that a
// connection answered at once costs no epoll_ctl. Owned by io/stream.h and io/listener.h. The loop's thread only.
#pragma once

#include <cstdint>

#include "io/loop/buffer.h"
#include "io/loop/loop.h"
#include "io/loop/operation.h"
#include "io/loop/timer_wheel.h"

namespace weir::io {

class Handle {
 public:
  // Takes the descriptor. It must be non-blocking.
  Handle(Loop& loop, int fd) noexcept : loop_(loop), fd_(fd), timer_(*this) {}
  Handle(const Handle&) = delete;
  Handle& operator=(const Handle&) = delete;
  ~Handle();

  Loop& loop() const noexcept { return loop_; }
  int fd() const noexcept { return fd_; }

  // False only when nothing can have arrived since the last read came up short: then a read would fail, so none is
  // made.
  bool maybe_readable() const noexcept { return readable_; }
  bool maybe_writable() const noexcept { return writable_; }
  // After a read that came up short: no more until the next event. A seen FIN stays readable.
  void drained() noexcept { readable_ = peer_closed_; }
  void blocked_reading() noexcept { readable_ = false; }
  void blocked_writing() noexcept { writable_ = false; }
  bool peer_closed() const noexcept { return peer_closed_; }
  bool hung_up() const noexcept { return hung_up_; }

  // Makes events arrive although nothing waits; needed for on_hangup and to notice a pooled connection's end.
  void watch() noexcept;
  // For listening sockets: an event again and again while something is to be accepted; only one of several processes
  // or workers that share the socket is woken. unwatch() before closing a socket that another process holds too.
  void watch_accepts() noexcept;
  void unwatch() noexcept;

  // ---- with io_uring, for plain streams: bytes come in the kernel's buffers (ring.h)

  // Set before first use. Operations then find what has come in received(), instead of reading the descriptor.
  void receive_by_ring(bool yes) noexcept { by_ring_ = yes; }
  bool receives_by_ring() const noexcept { return by_ring_; }
  struct Received {
    bool here = false;  // something has come: bytes, the end or an error
    IoStatus status = IoStatus::ok;
    int error = 0;
    Buffer buffer;
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
  };
  Received& received() noexcept { return received_; }
  // Asks the kernel for the next bytes, if it has not been asked and nothing waits here.
  void ask() noexcept;

  // Nothing has come that nobody has read, as far as is known; for a pooled connection.
  bool quiet() const noexcept { return !peer_closed_ && (by_ring_ ? !received_.here : !readable_); }

  // Called when the peer resets or closes both directions (`reset` true) or half-closes (false); at most once per
  // kind. Must not destroy the handle. nullptr: nobody cares.
  using Hangup = void (*)(void* context, bool reset);
  void on_hangup(Hangup hangup, void* context) noexcept {
    hangup_ = hangup;
    hangup_context_ = context;
  }

  // Ends what waits, with `cancelled`, and every later operation too. The descriptor stays open.
  void abort() noexcept;
  bool aborted() const noexcept { return aborted_; }

  // Ends the read that waits, if one does, with `cancelled`; later ones are as usual.
  void cancel_reader() noexcept {
    if (reader_) give_up(reader_, IoStatus::cancelled);
  }

  // Gives the descriptor away; the handle must have nothing waiting.
  int release() noexcept;

 private:
  friend class Loop;
  friend class Operation;
  friend class Stream;

  void on_events(std::uint32_t events) noexcept;
  void on_received(int result, Buffer buffer) noexcept;
  void on_completed(Operation& operation, int result) noexcept;
  void give_up(Operation*& slot, IoStatus status) noexcept;
  std::uint64_t key() const noexcept {
    return (static_cast<std::uint64_t>(generation_) << 32) | static_cast<std::uint32_t>(fd_);
  }
  void poll_by_ring(bool for_write) noexcept;
  void retry(Operation*& slot) noexcept;
  void retry(Operation& writer) noexcept {
    if (writer_ == &writer) retry(writer_);  // else it was given up meanwhile
  }
  // Parks a write that is not to be attempted yet; retry() it.
  void postpone(Operation& writer, std::coroutine_handle<> awaiter) noexcept;
  void park(Operation& operation) noexcept;
  void forget(Operation& operation) noexcept;
  void complete(Operation*& slot, IoStatus status) noexcept;
  void arm_timer() noexcept;
  void on_timer() noexcept;

  struct DeadlineTimer : Timer {
    explicit DeadlineTimer(Handle& owner) noexcept
        : Timer([](Timer& timer) { static_cast<DeadlineTimer&>(timer).owner.on_timer(); }), owner(owner) {}
    Handle& owner;
  };

  Loop& loop_;
  int fd_;
  std::uint32_t generation_ = 0;
  bool registered_ = false;
  bool readable_ = true;  // not known: the first attempt tells
  bool writable_ = true;
  bool peer_closed_ = false;
  bool hung_up_ = false;
  bool aborted_ = false;
  bool by_ring_ = false;
  bool asked_ = false;  // a receive is in the kernel
  bool polling_read_ = false;
  bool polling_write_ = false;
  Received received_;
  Operation* reader_ = nullptr;
  Operation* writer_ = nullptr;
  Hangup hangup_ = nullptr;
  void* hangup_context_ = nullptr;
  DeadlineTimer timer_;
};

}  // namespace weir::io
