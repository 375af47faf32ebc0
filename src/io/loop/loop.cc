#include "io/loop/loop.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "io/loop/handle.h"

namespace weir::io {
namespace {

// 256 events a turn: more only delays the first of them; fewer costs system calls under load.
constexpr int kEventsPerTurn = 256;
// The wake-up descriptor has this key; no handle can, since generations begin at 1.
constexpr std::uint64_t kWakeKey = 0;

[[noreturn]] void die(const char* what) {
  std::perror(what);
  std::abort();
}

}  // namespace

Loop::Loop(Backend wanted) : wanted_(wanted), now_(Clock::now()), timers_(now_) {
  epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) die("epoll_create1");
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) die("eventfd");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = kWakeKey;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) die("epoll_ctl");
}

Loop::~Loop() {
  ::close(wake_);
  ::close(epoll_);
}

void Loop::run() {
  while (!stopped_.load(std::memory_order_acquire)) turn(Duration::max());
}

void Loop::start() {
  started_ = true;
  if (wanted_ != Backend::io_uring) return;
  ring_ = Ring::make(buffers_);
  if (ring_) ring_->poll(wake_, POLLIN, kWakeKey, false);
}

void Loop::turn(Duration limit) {
  if (!started_) start();
  end_turn();  // what was asked for since the last one
  Duration wait = std::min(limit, timers_.until_next(now_));
  if (ring_)
    wait_ring(wait);
  else
    wait_epoll(wait);
  resume_completed();
  timers_.advance(now_);
  resume_completed();
  if (std::exchange(woken_, false)) take_posted();
  end_turn();
}

std::int64_t Loop::wall_us(TimePoint at) noexcept {
  using std::chrono::microseconds;
  if (wall_read_ != now_) {
    wall_read_ = now_;
    auto wall = std::chrono::system_clock::now().time_since_epoch();
    wall_offset_ = std::chrono::duration_cast<Duration>(wall) - Clock::now().time_since_epoch();
  }
  return std::chrono::duration_cast<microseconds>(at.time_since_epoch() + wall_offset_).count();
}

void Loop::end_turn() {
  resume_completed();
  while (!deferred_.empty()) {
    // Asked for while these run: done in this round too.
    for (std::size_t i = 0; i < deferred_.size(); ++i) {
      Deferred* each = deferred_[i];
      if (!each) continue;
      each->asked_ = false;
      deferred_[i] = nullptr;
      each->callback_(*each);
    }
    deferred_.clear();
    resume_completed();
  }
}

void Deferred::ask() {
  if (std::exchange(asked_, true)) return;
  loop_.deferred_.push_back(this);
}

void Deferred::forget() noexcept {
  if (!std::exchange(asked_, false)) return;
  *std::ranges::find(loop_.deferred_, this) = nullptr;
}

void Loop::wait_epoll(Duration limit) {
  int timeout = -1;
  if (limit != Duration::max()) {
    auto rounded = std::chrono::ceil<std::chrono::milliseconds>(limit).count();
    timeout = static_cast<int>(std::min<std::int64_t>(rounded, 3'600'000));
  }
  epoll_event events[kEventsPerTurn];
  int count = ::epoll_wait(epoll_, events, kEventsPerTurn, timeout);
  if (count < 0) {
    if (errno != EINTR) die("epoll_wait");
    count = 0;
  }
  now_ = Clock::now();
  for (int i = 0; i < count; ++i) {
    std::uint64_t key = events[i].data.u64;
    if (key == kWakeKey)
      woken_ = true;
    else if (Handle* handle = find(key))
      handle->on_events(events[i].events);
  }
}

void Loop::wait_ring(Duration limit) {
  ring_->wait(limit);
  now_ = Clock::now();
  for (Ring::Completion done; ring_->next(done);) {
    if (done.kind == Ring::Kind::operation) {
      auto& operation = *static_cast<Operation*>(done.operation);
      operation.handle_.on_completed(operation, done.result);
      continue;
    }
    if (done.kind == Ring::Kind::ignored) continue;
    if (done.key == kWakeKey) {
      woken_ = true;
      ring_->poll(wake_, POLLIN, kWakeKey, false);
      continue;
    }
    Handle* handle = find(done.key);
    if (!handle) continue;  // its buffer goes back by itself
    switch (done.kind) {
      case Ring::Kind::received:
        handle->on_received(done.result, std::move(done.buffer));
        break;
      case Ring::Kind::poll_read:
        handle->polling_read_ = false;
        break;
      case Ring::Kind::poll_write:
        handle->polling_write_ = false;
        break;
      default:
        break;
    }
    if (done.kind != Ring::Kind::received && done.result > 0)
      handle->on_events(static_cast<std::uint32_t>(done.result));
  }
}

Handle* Loop::find(std::uint64_t key) noexcept {
  Slot& slot = slots_[static_cast<std::uint32_t>(key)];
  return slot.generation == static_cast<std::uint32_t>(key >> 32) ? slot.handle : nullptr;
}

void Loop::stop() noexcept {
  stopped_.store(true, std::memory_order_release);
  std::uint64_t one = 1;
  [[maybe_unused]] auto written = ::write(wake_, &one, sizeof one);
}

void Loop::post(std::move_only_function<void()> message) {
  bool first;
  {
    std::lock_guard lock(mutex_);
    first = posted_.empty();
    posted_.push_back(std::move(message));
  }
  if (first) {
    std::uint64_t one = 1;
    [[maybe_unused]] auto written = ::write(wake_, &one, sizeof one);
  }
}

void Loop::take_posted() {
  std::uint64_t count;
  [[maybe_unused]] auto got = ::read(wake_, &count, sizeof count);
  std::vector<std::move_only_function<void()>> messages;
  {
    std::lock_guard lock(mutex_);
    messages.swap(posted_);
  }
  for (auto& message : messages) message();
}

void Loop::add(Handle& handle, std::uint32_t events) noexcept {
  auto fd = static_cast<std::size_t>(handle.fd_);
  if (slots_.size() <= fd) slots_.resize(std::max(fd + 1, slots_.size() * 2));
  Slot& slot = slots_[fd];
  slot.handle = &handle;
  if (++slot.generation == 0) slot.generation = 1;  // 0 is the wake-up's
  handle.generation_ = slot.generation;
  handle.registered_ = true;
  if (ring_) return;
  epoll_event event{};
  event.events = events;
  event.data.u64 = (static_cast<std::uint64_t>(slot.generation) << 32) | static_cast<std::uint32_t>(fd);
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, handle.fd_, &event) != 0) die("epoll_ctl");
}

void Loop::remove(Handle& handle) noexcept {
  if (!handle.registered_) return;
  slots_[static_cast<std::size_t>(handle.fd_)].handle = nullptr;
  handle.registered_ = false;
}

void Loop::enqueue(Operation& operation) noexcept {
  operation.prev_completed_ = completed_last_;
  operation.next_completed_ = nullptr;
  (completed_last_ ? completed_last_->next_completed_ : completed_first_) = &operation;
  completed_last_ = &operation;
}

void Loop::dequeue(Operation& operation) noexcept {
  (operation.prev_completed_ ? operation.prev_completed_->next_completed_ : completed_first_) =
      operation.next_completed_;
  (operation.next_completed_ ? operation.next_completed_->prev_completed_ : completed_last_) =
      operation.prev_completed_;
  operation.next_completed_ = operation.prev_completed_ = nullptr;
}

void Loop::resume_completed() {
  while (completed_first_) {
    Operation& operation = *completed_first_;
    dequeue(operation);
    operation.wants_ = Operation::Wants::nothing;
    operation.awaiter_.resume();
  }
}

}  // namespace weir::io
