#include "io/handle.h"

#include <sys/epoll.h>
#include <unistd.h>

#include <utility>

namespace weir::io {

Operation::~Operation() { handle_.forget(*this); }

bool Operation::await_ready() noexcept {
  if (handle_.aborted_) {
    status_ = IoStatus::cancelled;
    return true;
  }
  wants_ = attempt_(*this);
  return wants_ == Wants::nothing;
}

void Operation::await_suspend(std::coroutine_handle<> awaiter) noexcept {
  awaiter_ = awaiter;
  handle_.park(*this);
}

Handle::~Handle() {
  if (fd_ < 0) return;
  loop_.remove(*this);
  ::close(fd_);
}

int Handle::release() noexcept {
  unwatch();
  return std::exchange(fd_, -1);
}

void Handle::watch() noexcept {
  if (!registered_) loop_.add(*this, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
}

void Handle::watch_accepts() noexcept {
  if (!registered_) loop_.add(*this, EPOLLIN | EPOLLEXCLUSIVE);
}

void Handle::unwatch() noexcept {
  if (!registered_) return;
  ::epoll_ctl(loop_.epoll_, EPOLL_CTL_DEL, fd_, nullptr);
  loop_.remove(*this);
}

void Handle::park(Operation& operation) noexcept {
  (operation.wants_ == Operation::Wants::read ? reader_ : writer_) = &operation;
  watch();
  if (operation.deadline_ != kNever) arm_timer();
}

void Handle::forget(Operation& operation) noexcept {
  // wants_ is reset when the loop resumes; still set means: parked here, or completed and waiting in the loop's list.
  if (operation.wants_ == Operation::Wants::nothing || !operation.awaiter_) return;
  if (reader_ == &operation) {
    reader_ = nullptr;
  } else if (writer_ == &operation) {
    writer_ = nullptr;
  } else {
    loop_.dequeue(operation);
  }
}

void Handle::complete(Operation*& slot, IoStatus status) noexcept {
  Operation* operation = std::exchange(slot, nullptr);
  operation->status_ = status;
  loop_.enqueue(*operation);
}

void Handle::retry(Operation*& slot) noexcept {
  Operation* operation = std::exchange(slot, nullptr);
  auto wants = operation->attempt_(*operation);
  if (wants == Operation::Wants::nothing) {
    loop_.enqueue(*operation);
    return;
  }
  operation->wants_ = wants;
  (wants == Operation::Wants::read ? reader_ : writer_) = operation;
}

void Handle::on_events(std::uint32_t events) noexcept {
  bool gone = (events & (EPOLLERR | EPOLLHUP)) != 0;
  bool half = gone || (events & EPOLLRDHUP) != 0;
  bool newly_gone = gone && !hung_up_;
  bool newly_half = half && !peer_closed_;
  // Before the retries: a read that comes up short has to know that a FIN follows, or its event would be lost.
  hung_up_ |= gone;
  peer_closed_ |= half;
  if (half || (events & EPOLLIN) != 0) readable_ = true;
  if (gone || (events & EPOLLOUT) != 0) writable_ = true;
  if (readable_ && reader_) retry(reader_);
  if (writable_ && writer_) retry(writer_);
  if (hangup_ && (newly_gone || newly_half)) hangup_(hangup_context_, newly_gone);
}

void Handle::abort() noexcept {
  aborted_ = true;
  if (reader_) complete(reader_, IoStatus::cancelled);
  if (writer_) complete(writer_, IoStatus::cancelled);
}

void Handle::arm_timer() noexcept {
  TimePoint earliest = kNever;
  if (reader_) earliest = reader_->deadline_;
  if (writer_ && writer_->deadline_ < earliest) earliest = writer_->deadline_;
  // A timer that is set too early only wakes to look again; moving it for every request would cost more.
  if (earliest == kNever || (timer_.armed() && timer_.deadline() <= earliest)) return;
  loop_.timers().start(timer_, earliest);
}

void Handle::on_timer() noexcept {
  TimePoint now = loop_.now();
  if (reader_ && reader_->deadline_ <= now) complete(reader_, IoStatus::timed_out);
  if (writer_ && writer_->deadline_ <= now) complete(writer_, IoStatus::timed_out);
  arm_timer();
}

}  // namespace weir::io
