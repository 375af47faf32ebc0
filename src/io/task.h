// Task<T>: a coroutine that starts when awaited and hands its result to the one awaiter. Hand-offs are symmetric
// transfers, so that a long loop of ready awaits does not grow the stack. TaskGroup: the only way to run several at
// once; its owner awaits their end, nothing is detached. One thread. No exceptions: one that escapes ends the
// process.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "base/frame_pool.h"

namespace weir::io {

template <class T = void>
class Task;

namespace detail {

struct PromiseCommon {
  std::coroutine_handle<> continuation = std::noop_coroutine();

  static void* operator new(std::size_t bytes) { return FramePool::allocate(bytes); }
  static void operator delete(void* memory, std::size_t bytes) noexcept { FramePool::release(memory, bytes); }

  std::suspend_always initial_suspend() noexcept { return {}; }
  struct Final {
    bool await_ready() noexcept { return false; }
    template <class P>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<P> self) noexcept {
      return self.promise().continuation;
    }
    void await_resume() noexcept {}
  };
  Final final_suspend() noexcept { return {}; }
  [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
};

template <class T>
struct Promise : PromiseCommon {
  std::optional<T> value;
  Task<T> get_return_object() noexcept;
  template <class U>
  void return_value(U&& result) {
    value.emplace(std::forward<U>(result));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseCommon {
  Task<void> get_return_object() noexcept;
  void return_void() noexcept {}
  void take() noexcept {}
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::Promise<T>;

  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  std::coroutine_handle<> await_suspend(std::coroutine_handle<> awaiter) noexcept {
    handle_.promise().continuation = awaiter;
    return handle_;
  }
  T await_resume() { return handle_.promise().take(); }

 private:
  friend promise_type;
  explicit Task(std::coroutine_handle<promise_type> handle) noexcept : handle_(handle) {}
  std::coroutine_handle<promise_type> handle_;
};

namespace detail {
template <class T>
Task<T> Promise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}
}  // namespace detail

// Runs tasks side by side on this thread. What is spawned starts at once and runs to its first wait before spawn()
// returns. Destroying a group whose tasks have not ended is a bug and ends the process: join first.
class TaskGroup {
 public:
  TaskGroup() = default;
  TaskGroup(const TaskGroup&) = delete;
  TaskGroup& operator=(const TaskGroup&) = delete;
  ~TaskGroup() {
    if (running_ != 0) std::terminate();
  }

  void spawn(Task<void> task) {
    ++running_;
    run(this, std::move(task));
  }

  std::size_t running() const noexcept { return running_; }

  // Resumes the awaiter when nothing runs any more. One awaiter at a time.
  auto join() noexcept {
    struct Awaiter {
      TaskGroup& group;
      bool await_ready() const noexcept { return group.running_ == 0; }
      void await_suspend(std::coroutine_handle<> awaiter) noexcept { group.joiner_ = awaiter; }
      void await_resume() const noexcept {}
    };
    return Awaiter{*this};
  }

 private:
  // A frame that frees itself at its end; the group counts it until then.
  struct Runner {
    struct promise_type {
      TaskGroup* group;
      promise_type(TaskGroup* owner, Task<void>&) noexcept : group(owner) {}
      static void* operator new(std::size_t bytes) { return FramePool::allocate(bytes); }
      static void operator delete(void* memory, std::size_t bytes) noexcept { FramePool::release(memory, bytes); }
      Runner get_return_object() noexcept { return {}; }
      std::suspend_never initial_suspend() noexcept { return {}; }
      struct Final {
        bool await_ready() noexcept { return false; }
        std::coroutine_handle<> await_suspend(std::coroutine_handle<promise_type> self) noexcept {
          TaskGroup& owner = *self.promise().group;
          self.destroy();
          if (--owner.running_ == 0 && owner.joiner_) return std::exchange(owner.joiner_, {});
          return std::noop_coroutine();
        }
        void await_resume() noexcept {}
      };
      Final final_suspend() noexcept { return {}; }
      void return_void() noexcept {}
      [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
    };
  };
  static Runner run(TaskGroup*, Task<void> task) { co_await task; }

  std::size_t running_ = 0;
  std::coroutine_handle<> joiner_;
};

}  // namespace weir::io
