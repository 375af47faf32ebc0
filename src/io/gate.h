// A door one coroutine waits at until another opens it or shuts it for good. One waiter; one thread.
#pragma once

#include <coroutine>
#include <utility>

namespace weir::io {

class Gate {
 public:
  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;

  void open() { settle(State::open); }
  void shut() { settle(State::shut); }
  bool settled() const noexcept { return state_ != State::waiting; }

  // Resumes when settled: true if it was opened.
  auto pass() noexcept {
    struct Awaiter {
      Gate& gate;
      bool await_ready() const noexcept { return gate.settled(); }
      void await_suspend(std::coroutine_handle<> awaiter) noexcept { gate.waiter_ = awaiter; }
      bool await_resume() const noexcept { return gate.state_ == State::open; }
    };
    return Awaiter{*this};
  }

 private:
  enum class State : unsigned char { waiting, open, shut };
  void settle(State state) {
    if (settled()) return;
    state_ = state;
    if (waiter_) std::exchange(waiter_, {}).resume();
  }
  State state_ = State::waiting;
  std::coroutine_handle<> waiter_;
};

}  // namespace weir::io
