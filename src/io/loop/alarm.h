// A deadline finer than the loop's timer wheel, whose tick is too coarse for waits of a few milliseconds: a timerfd.
// Setting it is a system call, so whoever has many deadlines sets one alarm for the earliest. One waiter; the loop's
// thread only.
#pragma once

#include "io/loop/handle.h"
#include "io/loop/loop.h"
#include "io/loop/operation.h"

namespace weir::io {

class Alarm {
 public:
  explicit Alarm(Loop& loop);

  // When to ring next; replaces the time set before, a past one rings at once. kNever: not at all.
  void set(TimePoint at) noexcept;

  // Resumes when it has rung since the last wait: ok; after abort(): cancelled.
  class Wait : public Operation {
   public:
    explicit Wait(Handle& handle) noexcept : Operation(handle, &Wait::attempt, kNever) {}
    IoStatus await_resume() const noexcept { return status_; }

   private:
    static Wants attempt(Operation& operation);
  };
  Wait wait() noexcept { return Wait(handle_); }

  // Ends the wait, and every later one.
  void abort() noexcept { handle_.abort(); }

 private:
  Handle handle_;
};

}  // namespace weir::io
