#include "io/offload.h"

#include <pthread.h>

namespace weir::io {

Offload::~Offload() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  more_.notify_all();
  for (std::thread& thread : running_) thread.join();
}

void Offload::give_up() {
  std::deque<Piece> unwanted;
  {
    const std::lock_guard lock(mutex_);
    given_up_ = true;
    unwanted.swap(waiting_);
  }
  for (const Piece& piece : unwanted) piece(false);
}

bool Offload::submit(Piece work) {
  const std::lock_guard lock(mutex_);
  if (given_up_ || waiting_.size() >= most_waiting_) return false;
  waiting_.push_back(std::move(work));
  if (static_cast<std::size_t>(idle_) < waiting_.size() && static_cast<int>(running_.size()) < threads_) {
    running_.emplace_back([this] { serve(); });
    pthread_setname_np(running_.back().native_handle(), "weir-offload");
  }
  more_.notify_one();
  return true;
}

void Offload::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    more_.wait(lock, [this] { return ending_ || !waiting_.empty(); });
    --idle_;
    if (ending_) return;
    const Piece work = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    work(true);
    lock.lock();
  }
}

}  // namespace weir::io
