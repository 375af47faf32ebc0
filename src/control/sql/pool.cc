#include "control/sql/pool.h"

#include <algorithm>

namespace weir::control::sql {

std::chrono::milliseconds left_until(Pool::Deadline deadline) noexcept {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return std::max(left, std::chrono::milliseconds(1));
}

Pool::Lease::~Lease() {
  if (!session_) return;  // moved from
  if (open_) session_->rollback();
  pool_->give_back(std::move(session_));
}

StoreResult<void> Pool::Lease::commit() {
  open_ = false;
  return session_->commit();
}

StoreResult<Pool::Lease> Pool::begin(Mode mode, Deadline deadline) {
  {
    std::unique_lock lock(mutex_);
    if (!free_.wait_until(lock, deadline, [&] { return lent_ < most_; }))
      return std::unexpected(
          StoreError{StoreError::Kind::unavailable, "all connections to the database are in use; try again"});
    ++lent_;
  }
  auto session = begun(mode, deadline);
  if (session) return Lease(*this, std::move(*session));
  give_back(nullptr);
  return std::unexpected(std::move(session.error()));
}

StoreResult<std::unique_ptr<Session>> Pool::begun(Mode mode, Deadline deadline) {
  std::unique_ptr<Session> session;
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      session = std::move(idle_.back());
      idle_.pop_back();
    }
  }
  if (session) {
    auto begun = session->begin(mode, left_until(deadline));
    if (begun) return session;
    if (session->usable()) {  // its server answered: another connection would hear the same
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(session));
      return std::unexpected(std::move(begun.error()));
    }
    // Its server has gone or has become a standby, so the others are of no use either.
    forget_idle();
    if (std::chrono::steady_clock::now() >= deadline) return std::unexpected(std::move(begun.error()));
  }
  auto fresh = connect_(left_until(deadline));
  if (!fresh) return fresh;
  if (auto begun = (*fresh)->begin(mode, left_until(deadline)); !begun)
    return std::unexpected(std::move(begun.error()));
  return fresh;
}

void Pool::give_back(std::unique_ptr<Session> session) {
  {
    const std::lock_guard lock(mutex_);
    --lent_;
    if (session && session->usable()) idle_.push_back(std::move(session));
  }
  free_.notify_one();
}

void Pool::forget_idle() {
  std::vector<std::unique_ptr<Session>> gone;  // before the lock, so destroyed after it is let go: closing may wait
  const std::lock_guard lock(mutex_);
  gone.swap(idle_);
}

}  // namespace weir::control::sql
