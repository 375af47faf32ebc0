// Leases of one worker: tokens fetched from a shared bucket in blocks, so that most decisions ask nobody. The shared
// bucket is charged when a block is fetched; so over any time no more is admitted than it lets through and what was
// leased out before. What is leased out at one time is at most two blocks for each worker and key, and a block is at
// most a quarter of the burst divided by instances and workers, but never less than one token:
//
//   overshoot <= sum of outstanding leases <= max(burst / 2, 2 * instances * workers)
//
// Unused tokens go back after kUnused; those of an instance that dies are lost: it errs to less. Sums only, no Redis:
// adapters/redis/limits/rate_store.cc asks. The worker's thread.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <utility>

#include "base/gcra.h"

namespace weir::limits {

class LeaseBook {
 public:
  // A busy key uses up a block in about a tenth of a second: ten questions a second for each worker.
  static constexpr std::uint64_t kFast = 50'000;   // µs: used up sooner, the next block is twice as large
  static constexpr std::uint64_t kSlow = 250'000;  // later: half as large
  static constexpr std::uint64_t kUnused = 1'000'000;
  // Keys beyond it are asked for one by one.
  static constexpr std::size_t kMostLeases = 65'536;

  struct Lease {
    std::string key;  // in Redis
    Gcra bucket;
    std::uint64_t tokens = 0;
    std::uint64_t block = 1;        // how many to ask for next
    std::uint64_t available = 0;    // in the shared bucket when it was last asked
    std::uint64_t empty_until = 0;  // µs: nothing is there before
    std::uint64_t fetched_at = 0;
    std::uint64_t ends = 0;        // unused tokens go back then
    std::uint64_t debt = 0;        // admitted while the shared bucket could not be asked: to be charged
    std::uint64_t owed_until = 0;  // by then the shared bucket would be full again, and the debt is nothing
    bool asking = false;           // must not be forgotten

    // Takes one token; false: none is left.
    bool spend() noexcept {
      if (tokens == 0) return false;
      --tokens;
      return true;
    }
    bool wants_more() const noexcept { return !asking && tokens <= block / 2; }
    void owe(std::uint64_t cost, std::uint64_t now) noexcept {
      debt = debt + cost < bucket.burst() ? debt + cost : bucket.burst();
      owed_until = now + bucket.fill().whole;
    }
  };

  static std::uint64_t most(const Gcra& bucket, std::uint32_t instances, std::uint32_t workers) noexcept {
    const std::uint64_t out = bucket.burst() / (std::uint64_t{4} * instances * workers);
    return out > 0 ? out : 1;
  }

  Lease* find(std::uint64_t id) noexcept {
    const auto at = leases_.find(id);
    return at == leases_.end() ? nullptr : &at->second;
  }
  // nullptr: there are too many.
  Lease* open(std::uint64_t id, std::string key, const Gcra& bucket) {
    if (leases_.size() >= kMostLeases) return nullptr;
    Lease& out = leases_[id];
    out.key = std::move(key);
    out.bucket = bucket;
    return &out;
  }

  // How many to fetch now, given that a block is `most` at most.
  static std::uint64_t wanted(Lease& lease, std::uint64_t most, std::uint64_t now) noexcept {
    if (lease.fetched_at != 0) {
      const std::uint64_t took = now - lease.fetched_at;
      if (took < kFast) lease.block *= 2;
      if (took > kSlow) lease.block /= 2;
    }
    lease.block = lease.block < 1 ? 1 : lease.block > most ? most : lease.block;
    return lease.block;
  }
  static void granted(Lease& lease, std::uint64_t tokens, std::uint64_t available, std::uint64_t retry_after,
                      std::uint64_t now) noexcept {
    lease.tokens += tokens;
    lease.available = available;
    lease.fetched_at = now;
    lease.ends = now + kUnused;
    lease.empty_until = tokens == 0 ? now + retry_after : 0;
  }

  // Every second or so: give_back(lease, tokens) for what is unused too long; forgets leases that hold nothing.
  template <class GiveBack>
  void sweep(std::uint64_t now, GiveBack give_back) {
    for (auto at = leases_.begin(); at != leases_.end();) {
      Lease& lease = at->second;
      const bool over = !lease.asking && now >= lease.ends && now >= lease.empty_until;
      if (over && lease.tokens != 0) {
        give_back(lease, lease.tokens);
        lease.tokens = 0;
      }
      if (over && (lease.debt == 0 || now >= lease.owed_until))
        at = leases_.erase(at);
      else
        ++at;
    }
  }
  template <class GiveBack>
  void give_all_back(GiveBack give_back) {
    for (auto& [id, lease] : leases_)
      if (lease.tokens != 0) give_back(lease, std::exchange(lease.tokens, 0));
  }

  std::uint64_t outstanding() const noexcept {
    std::uint64_t out = 0;
    for (const auto& [id, lease] : leases_) out += lease.tokens;
    return out;
  }
  std::size_t size() const noexcept { return leases_.size(); }

 private:
  std::unordered_map<std::uint64_t, Lease> leases_;
};

}  // namespace weir::limits
