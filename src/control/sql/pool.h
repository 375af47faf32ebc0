// The connections of a store: idle ones are used again, new ones made as needed, never more than `most` at a time.
// Held by store.cc; several threads at once. A connection that its server has closed meanwhile is noticed by begin()
// and replaced, once and before anything of the caller was sent.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>

#include "control/sql/session.h"

namespace weir::control::sql {

class Pool {
 public:
  using Connect = std::move_only_function<StoreResult<std::unique_ptr<Session>>(std::chrono::milliseconds patience)>;
  using Deadline = std::chrono::steady_clock::time_point;

  Pool(Connect connect, std::size_t most) : connect_(std::move(connect)), most_(most) {}

  // A session with a transaction begun. Destroyed with it still open, it is undone.
  class Lease {
   public:
    Lease(Pool& pool, std::unique_ptr<Session> session) noexcept : pool_(&pool), session_(std::move(session)) {}
    Lease(Lease&& other) noexcept = default;
    Lease& operator=(Lease&&) = delete;
    ~Lease();
    Session& operator*() const noexcept { return *session_; }
    StoreResult<void> commit();

   private:
    Pool* pool_;
    std::unique_ptr<Session> session_;
    bool open_ = true;
  };
  StoreResult<Lease> begin(Mode mode, Deadline deadline);

 private:
  StoreResult<std::unique_ptr<Session>> begun(Mode mode, Deadline deadline);
  void give_back(std::unique_ptr<Session> session);
  void forget_idle();

  Connect connect_;
  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable free_;
  std::size_t lent_ = 0;
  std::vector<std::unique_ptr<Session>> idle_;
};

// What is left until `deadline`, at least a millisecond: whoever asks still tries.
std::chrono::milliseconds left_until(Pool::Deadline deadline) noexcept;

}  // namespace weir::control::sql
