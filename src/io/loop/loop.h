// The event loop of one worker thread: io_uring or epoll, timers, what is to be resumed, and messages from other
// threads. Nothing in it is shared but post() and stop(). Never blocks but to wait for events.
#pragma once

#include <atomic>
#include <coroutine>
#include <functional>
#include <mutex>
#include <vector>

#include "io/loop/buffer.h"
#include "io/loop/operation.h"
#include "io/loop/ring.h"
#include "io/loop/timer_wheel.h"

namespace weir::io {

class Loop;

// Something to be done once at the end of the turn in which it was asked for, however often it was asked: what many
// callers have put together leaves in one write. Intrusive: lives inside what it is for, and forgets when destroyed.
class Deferred {
 public:
  using Callback = void (*)(Deferred&);
  Deferred(Loop& loop, Callback callback) noexcept : loop_(loop), callback_(callback) {}
  Deferred(const Deferred&) = delete;
  Deferred& operator=(const Deferred&) = delete;
  ~Deferred() { forget(); }

  void ask();
  void forget() noexcept;

 private:
  friend class Loop;
  Loop& loop_;
  Callback callback_;
  bool asked_ = false;
};

class Loop {
 public:
  // io_uring is set up by the first turn, on the thread that makes it; if the kernel refuses, epoll serves.
  enum class Backend : std::uint8_t { epoll, io_uring };
  explicit Loop(Backend wanted = Backend::epoll);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // Serves events until stop(). Destroys nothing: what still waits is its owner's to end first.
  void run();
  // One turn: waits at most `limit` for events and handles them. For tests and for run().
  void turn(Duration limit);
  // Any thread; also ends a run() that has not begun.
  void stop() noexcept;

  // The time at the beginning of this turn: exact enough for every timeout, and free.
  TimePoint now() const noexcept { return now_; }
  // Reads the clock; for latencies that are measured.
  TimePoint refresh() noexcept { return now_ = Clock::now(); }

  // What the wall clock said at `at`, of this turn or shortly before: µs since the epoch. Reads the clock once a
  // turn.
  std::int64_t wall_us(TimePoint at) noexcept;

  TimerWheel& timers() noexcept { return timers_; }
  BufferPool& buffers() noexcept { return buffers_; }
  // Whether operations go through io_uring; known after the first turn.
  bool by_ring() const noexcept { return ring_ != nullptr; }
  Ring* ring() noexcept { return ring_.get(); }

  // Any thread: runs `message` on the loop's thread, in the order posted.
  void post(std::move_only_function<void()> message);

 private:
  friend class Handle;
  friend class Operation;
  friend class Deferred;

  void add(Handle& handle, std::uint32_t events) noexcept;
  void remove(Handle& handle) noexcept;
  Handle* find(std::uint64_t key) noexcept;  // nullptr: it is gone
  void enqueue(Operation& operation) noexcept;
  void dequeue(Operation& operation) noexcept;
  void start();
  void wait_epoll(Duration limit);
  void wait_ring(Duration limit);
  void resume_completed();
  void end_turn();
  void take_posted();

  struct Slot {
    Handle* handle = nullptr;
    std::uint32_t generation = 0;
  };

  Backend wanted_;
  bool started_ = false;
  BufferPool buffers_;
  std::unique_ptr<Ring> ring_;
  int epoll_ = -1;
  int wake_ = -1;
  TimePoint now_;
  TimePoint wall_read_{};  // the turn (its now_) that wall_offset_ is of
  Duration wall_offset_{};
  TimerWheel timers_;
  std::vector<Slot>
      slots_;  // by file descriptor; the generation tells a reused descriptor from the one an event was for
  bool woken_ = false;
  Operation* completed_first_ = nullptr;
  Operation* completed_last_ = nullptr;
  std::vector<Deferred*> deferred_;  // nullptr: forgotten since
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::vector<std::move_only_function<void()>> posted_;  // guarded by mutex_
};

// co_await sleep(loop, d): resumes after d. Cancel by destroying the awaiting coroutine.
class Sleep {
 public:
  Sleep(Loop& loop, Duration duration) noexcept : loop_(loop), duration_(duration), wait_(this) {}
  bool await_ready() const noexcept { return duration_ <= Duration::zero(); }
  void await_suspend(std::coroutine_handle<> awaiter) noexcept {
    wait_.awaiter = awaiter;
    loop_.timers().start(wait_, loop_.now() + duration_);
  }
  void await_resume() const noexcept {}

 private:
  struct Wait : Timer {
    explicit Wait(Sleep*) noexcept : Timer([](Timer& timer) { static_cast<Wait&>(timer).awaiter.resume(); }) {}
    std::coroutine_handle<> awaiter;
  };
  Loop& loop_;
  Duration duration_;
  Wait wait_;
};

inline Sleep sleep(Loop& loop, Duration duration) noexcept { return {loop, duration}; }

}  // namespace weir::io
