// The limits of this process: buckets, quotas and requests in flight in tables that all workers share. One per
// process, made by app/; the answer when Redis is away, too. Exact among the workers: one compare-and-swap decides.
// Any thread, never waits. Restarts are quota_file.h's matter: buckets and seats begin anew.
//
// Bounds: 2^18 buckets, 2^17 quotas, 2^15 keys with requests in flight (7 MiB, as they are used). Beyond that a new
// key takes the place of the one that has used up least; a set of keys all of which have requests in flight counts a
// new one together with another.
#pragma once

#include <span>
#include <utility>

#include "base/siphash.h"
#include "limits/cell_table.h"
#include "ports/rate_store.h"

namespace weir::limits {

// µs of the monotonic clock.
std::uint64_t now_us() noexcept;

class LocalStore final : public ports::RateStore {
 public:
  using Clock = std::uint64_t (*)() noexcept;
  explicit LocalStore(Clock clock = now_us);

  bool take(std::span<ports::RateAsk> asks) noexcept override;
  io::Task<void> take_waiting(std::span<ports::RateAsk> asks) override;
  Seat enter(ports::RateAsk& ask) noexcept override;
  void leave(Seat seat) noexcept override;

  // One of them, with nobody else to ask. All of these count in this process only.
  void decide(ports::RateAsk& ask) noexcept;
  void give_back(const ports::RateAsk& ask) noexcept;
  // In the place of a shared store that is away: half of the limit, divided by `live` instances, in buckets apart
  // from those of decide().
  void decide_degraded(ports::RateAsk& ask, std::uint32_t live) noexcept;
  void give_back_degraded(const ports::RateAsk& ask) noexcept;

  // Forgets what is full or over. Every minute or so, so that no stamp is ever compared across its wrap.
  void sweep(std::int64_t wall) noexcept;

  // ---- for quota_file.h: what must survive a restart
  const HashSeed& quota_seed() const noexcept { return quota_seed_; }
  // Before the first question.
  void restore(const HashSeed& seed, std::span<const std::pair<std::uint64_t, std::uint64_t>> words) noexcept;
  template <class Each>
  void for_each_quota(Each each) const {
    quotas_.for_each(each);
  }
  // Grows whenever a quota is used.
  std::uint64_t quota_changes() const noexcept { return quota_changes_.load(std::memory_order_relaxed); }

  std::uint64_t evicted() const noexcept { return buckets_.evicted() + quotas_.evicted(); }

 private:
  static std::uint64_t key_of(const HashSeed& seed, const ports::RateAsk& ask, std::uint64_t salt) noexcept;
  void take_bucket(ports::RateAsk& ask, const Gcra& bucket, std::uint64_t salt) noexcept;
  void give_bucket_back(const ports::RateAsk& ask, const Gcra& bucket, std::uint64_t salt) noexcept;
  void take_quota(ports::RateAsk& ask, std::uint64_t most, std::uint64_t salt) noexcept;
  void give_quota_back(const ports::RateAsk& ask, std::uint64_t salt) noexcept;

  Clock clock_;
  HashSeed seed_;
  HashSeed quota_seed_;
  CellTable buckets_;
  CellTable quotas_;
  CellTable seats_;
  std::atomic<std::uint64_t> quota_changes_{0};
};

}  // namespace weir::limits
