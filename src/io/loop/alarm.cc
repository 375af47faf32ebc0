#include "io/loop/alarm.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace weir::io {
namespace {

int make_timer() {
  const int fd = ::timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
  if (fd < 0) {
    std::perror("timerfd_create");
    std::abort();
  }
  return fd;
}

}  // namespace

Alarm::Alarm(Loop& loop) : handle_(loop, make_timer()) { handle_.blocked_reading(); }

void Alarm::set(TimePoint at) noexcept {
  itimerspec spec{};
  if (at != kNever) {
    // 0 would disarm it.
    const auto ns = std::max<std::int64_t>(1, std::chrono::nanoseconds(at.time_since_epoch()).count());
    spec.it_value.tv_sec = ns / 1'000'000'000;
    spec.it_value.tv_nsec = ns % 1'000'000'000;
  }
  ::timerfd_settime(handle_.fd(), TFD_TIMER_ABSTIME, &spec, nullptr);
}

Operation::Wants Alarm::Wait::attempt(Operation& operation) {
  auto& self = static_cast<Wait&>(operation);
  if (!self.handle_.maybe_readable()) return Wants::read;
  std::uint64_t times = 0;
  if (::read(self.handle_.fd(), &times, sizeof times) < 0) {
    self.handle_.blocked_reading();
    return Wants::read;
  }
  self.handle_.blocked_reading();
  self.status_ = IoStatus::ok;
  return Wants::nothing;
}

}  // namespace weir::io
