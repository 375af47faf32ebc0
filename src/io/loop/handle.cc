#include "io/loop/handle.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <utility>

namespace weir::io {

Operation::~Operation() {
  if (in_kernel_) std::abort();
  handle_.forget(*this);
}

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
  in_kernel_ = wants_ == Wants::kernel;
  handle_.park(*this);
}

Handle::~Handle() {
  if (fd_ < 0) return;
  if (loop_.ring_)
    unwatch();
  else
    loop_.remove(*this);  // closing takes it out of epoll
  ::close(fd_);
}

int Handle::release() noexcept {
  unwatch();
  return std::exchange(fd_, -1);
}

void Handle::watch() noexcept {
  if (!registered_) loop_.add(*this, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
  if (!loop_.ring_) return;
  if (by_ring_)
    ask();
  else
    poll_by_ring(false);
}

void Handle::watch_accepts() noexcept {
  if (!registered_) loop_.add(*this, EPOLLIN | EPOLLEXCLUSIVE);
}

void Handle::unwatch() noexcept {
  if (!registered_) return;
  if (Ring* ring = loop_.ring_.get()) {
    // What the kernel still has for this descriptor holds the socket open; close() alone would not end the
    // connection.
    if (asked_) ring->cancel(key(), Ring::Kind::received);
    if (polling_read_) ring->cancel(key(), Ring::Kind::poll_read);
    if (polling_write_) ring->cancel(key(), Ring::Kind::poll_write);
    asked_ = polling_read_ = polling_write_ = false;
  } else {
    ::epoll_ctl(loop_.epoll_, EPOLL_CTL_DEL, fd_, nullptr);
  }
  loop_.remove(*this);
}

void Handle::ask() noexcept {
  if (asked_ || received_.here || aborted_) return;
  if (!registered_) loop_.add(*this, 0);
  asked_ = true;
  loop_.ring_->receive(fd_, key());
}

void Handle::poll_by_ring(bool for_write) noexcept {
  bool& polling = for_write ? polling_write_ : polling_read_;
  if (std::exchange(polling, true)) return;
  loop_.ring_->poll(fd_, for_write ? POLLOUT : POLLIN | POLLRDHUP, key(), for_write);
}

void Handle::park(Operation& operation) noexcept {
  bool writes = operation.wants_ == Operation::Wants::write || operation.wants_ == Operation::Wants::kernel;
  (writes ? writer_ : reader_) = &operation;
  if (!loop_.ring_) {
    watch();
  } else if (!operation.in_kernel_) {
    if (!registered_) loop_.add(*this, 0);
    if (by_ring_ && !writes)
      ask();
    else
      poll_by_ring(writes);
  }
  if (operation.deadline_ != kNever) arm_timer();
}

void Handle::postpone(Operation& writer, std::coroutine_handle<> awaiter) noexcept {
  writer.awaiter_ = awaiter;
  writer.wants_ = Operation::Wants::write;
  writer_ = &writer;
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
  park(*operation);
}

void Handle::give_up(Operation*& slot, IoStatus status) noexcept {
  if (!slot->in_kernel_) return complete(slot, status);
  if (std::exchange(slot->given_up_, true)) return;
  slot->status_ = status;
  loop_.ring_->cancel(slot);
}

void Handle::on_completed(Operation& operation, int result) noexcept {
  if (result < 0 && operation.given_up_) {
    operation.in_kernel_ = false;
  } else {
    operation.in_kernel_ = operation.completed_(operation, result) == Operation::Wants::kernel;
  }
  if (operation.in_kernel_) {
    if (operation.deadline_ != kNever) arm_timer();
    return;
  }
  writer_ = nullptr;
  loop_.enqueue(operation);
}

void Handle::on_received(int result, Buffer buffer) noexcept {
  asked_ = false;
  if (result == -ENOBUFS) return ask();
  if (result == -ECANCELED || result == -EINTR) {
    if (reader_) ask();
    return;
  }
  received_.here = true;
  received_.buffer = std::move(buffer);
  received_.begin = 0;
  received_.end = result > 0 ? static_cast<std::uint32_t>(result) : 0;
  received_.error = result < 0 ? -result : 0;
  received_.status = result > 0 ? IoStatus::ok : result == 0 ? IoStatus::eof : status_for(-result);
  bool over = result <= 0;
  bool news = over && !peer_closed_;
  if (over) peer_closed_ = true;
  if (result < 0) hung_up_ = true;
  if (reader_) retry(reader_);
  if (news && hangup_) hangup_(hangup_context_, result < 0);
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
  if (reader_) give_up(reader_, IoStatus::cancelled);
  if (writer_) give_up(writer_, IoStatus::cancelled);
  if (hangup_) hangup_(hangup_context_, true);  // who waits elsewhere for this peer's sake is to know
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
  if (reader_ && reader_->deadline_ <= now) give_up(reader_, IoStatus::timed_out);
  if (writer_ && writer_->deadline_ <= now) give_up(writer_, IoStatus::timed_out);
  arm_timer();
}

}  // namespace weir::io
