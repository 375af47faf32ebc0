// A few threads for what blocks or computes long (password hashing, SQLite), so that no loop ever does. A coroutine
// hands a piece of work over and goes on, on its own loop, with what came out. Threads begin with the first piece of
// work and end with the object. Shared by all loops of a process; any thread may ask.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

#include "io/loop/loop.h"

namespace weir::io {

class Offload {
 public:
  // No more than `most_waiting` pieces wait at a time: beyond it there is only an answer that comes too late.
  Offload(int threads, std::size_t most_waiting) noexcept : threads_(threads), most_waiting_(most_waiting) {}
  Offload(const Offload&) = delete;
  Offload& operator=(const Offload&) = delete;
  // What has begun ends first; what still waits is never done, and its coroutine never resumed.
  ~Offload();

  // co_await: what `work` returned, or nothing if too much waits already or give_up() has come before it. `work` runs
  // on another thread: what it refers to must outlive the wait, and the waiting coroutine must not be destroyed.
  template <class F>
  auto run(Loop& loop, F work) {
    using Value = std::invoke_result_t<F>;
    struct Awaiter {
      Offload& offload;
      Loop& loop;
      F work;
      std::optional<Value> value;
      bool await_ready() const noexcept { return false; }
      bool await_suspend(std::coroutine_handle<> awaiter) {
        return offload.submit([this, awaiter](bool wanted) {
          if (wanted) value.emplace(work());
          loop.post([awaiter] { awaiter.resume(); });
        });
      }
      std::optional<Value> await_resume() { return std::move(value); }
    };
    return Awaiter{*this, loop, std::move(work), std::nullopt};
  }

  // For a process that ends: what has not begun is not done any more, and its coroutines go on with nothing; so does
  // whoever asks from now on. Their loops must still run.
  void give_up();

 private:
  // Told whether it is still wanted; whoever waits for it is resumed either way.
  using Piece = std::function<void(bool wanted)>;

  bool submit(Piece work);
  void serve();

  const int threads_;
  const std::size_t most_waiting_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable more_;
  std::deque<Piece> waiting_;
  std::vector<std::thread> running_;
  int idle_ = 0;
  bool given_up_ = false;
  bool ending_ = false;
};

}  // namespace weir::io
