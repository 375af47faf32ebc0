// Limits shared by all instances, kept in Redis: ports::RateStore for one worker. Exact limits ask for each decision,
// in one round trip; leased ones ask in blocks (limits/lease_book.h); local ones, and requests in flight, go to the
// LocalStore, which also decides when Redis cannot be asked in time: with half of the limit divided by the instances.
// The worker's thread only.
//
// Keys: weir:r:NAME:HASH (buckets), weir:q:NAME:PERIOD:HASH (quotas), each a single key, so that a Cluster spreads
// them. HASH is 128 bits of SHA-256 over scope and key: nothing a client says gets into a key, and no client finds
// another's.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "adapters/redis/client.h"
#include "adapters/redis/limits/rate_scripts.h"
#include "io/loop/bell.h"
#include "limits/instances.h"
#include "limits/lease_book.h"
#include "limits/local_store.h"
#include "ports/rate_store.h"

namespace weir::adapters::redis {

class RateStore final : public ports::RateStore {
 public:
  // All outlive the store. `workers`: how many this process has, among which leases are divided.
  RateStore(Client& client, const RateScripts& scripts, limits::LocalStore& local, const limits::Instances& instances,
            std::uint32_t workers);
  RateStore(const RateStore&) = delete;
  RateStore& operator=(const RateStore&) = delete;
  ~RateStore() override;  // after ended()

  bool take(std::span<ports::RateAsk> asks) noexcept override;
  io::Task<void> take_waiting(std::span<ports::RateAsk> asks) override;
  Seat enter(ports::RateAsk& ask) noexcept override { return local_.enter(ask); }
  void leave(Seat seat) noexcept override { local_.leave(seat); }
  ports::RateCounters counters() const noexcept override;

  // Gives unused leases back, once; ended() when that and what else is under way is done.
  void end();
  bool ended() const noexcept { return tasks_.running() == 0; }

 private:
  enum By : std::uint8_t { nobody, here, degraded, exact, leased, counted };

  bool settle_here(ports::RateAsk& ask) noexcept;
  bool from_lease(ports::RateAsk& ask) noexcept;
  void degrade(ports::RateAsk& ask) noexcept;
  void take_back(std::span<ports::RateAsk> asks) noexcept;
  void take_back(const ports::RateAsk& ask) noexcept;

  io::Task<void> ask_redis(ports::RateAsk& ask);
  io::Task<void> ask_exact(ports::RateAsk& ask);
  io::Task<void> ask_lease(ports::RateAsk& ask);
  io::Task<void> ask_quota(ports::RateAsk& ask);
  // Fetches a block, charging what is owed. False: Redis did not answer in time.
  io::Task<bool> fetch(limits::LeaseBook::Lease& lease);
  io::Task<void> refill(limits::LeaseBook::Lease& lease);
  io::Task<void> return_tokens(std::string key, Gcra bucket, std::uint64_t count);
  io::Task<void> return_quota(std::string key, std::uint64_t count);
  io::Task<void> remove(std::string key);
  io::Task<void> sweep_leases();
  // A reply that is none of ours: a key that holds something else is deleted. Never true for a good one.
  bool is_bad(const Answer& answer, std::string_view key);

  std::uint64_t lease_id(const ports::RateAsk& ask) const noexcept;

  Client& client_;
  const RateScripts& scripts_;
  limits::LocalStore& local_;
  const limits::Instances& instances_;
  std::uint32_t workers_;
  HashSeed seed_;
  limits::LeaseBook leases_;
  // Quotas used while Redis was away, by key: charged with the next question.
  std::unordered_map<std::string, std::uint64_t> owed_;
  ports::RateCounters counters_;
  bool ending_ = false;
  io::Bell sweeps_;
  io::TaskGroup tasks_;
};

}  // namespace weir::adapters::redis
