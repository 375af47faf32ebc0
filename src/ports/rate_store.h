// Where limits are kept: token buckets, calendar quotas and requests in flight, by name, scope and key. Asked by the
// filters rate_limit, quota, concurrency_limit and flood_guard. Implemented by limits/local_store.h (in this
// process) and adapters/redis/limits/rate_store.h (shared by all instances, which decides locally what it cannot
// ask). One per worker, its thread only.
//
// Degraded answer: a store that cannot reach what it shares decides locally, with half of the limit divided by the
// live instances, at least one request per period; the decision says `degraded`. It never says yes to all nor no to
// all, and never takes longer than its budget (2 ms, a little more under load).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/gcra.h"
#include "base/rate.h"
#include "io/task.h"

namespace weir::ports {

enum class RateMode : std::uint8_t {
  local,  // in this process: exact among its workers, other instances count for themselves
  redis,  // exact among all instances: one round trip for each decision
  lease,  // tokens fetched from Redis in blocks: no round trip for most; overshoot at most what is leased out
};

// A limit as the config has it; a filter's, so it outlives every question. State hangs on `name`.
struct RateLimit {
  enum class Kind : std::uint8_t { bucket, quota, concurrency };
  std::string name;  // letters, digits and . _ - : /
  Kind kind = Kind::bucket;
  RateMode mode = RateMode::local;
  std::uint32_t index = 0;  // its number in the snapshot, for counters
  bool quiet = false;       // clients that pass are not told of it (the flood guard)
  // quota and concurrency: how many.
  std::uint64_t most = 0;
  CalendarPeriod period = CalendarPeriod::day;
  std::int32_t utc_offset = 0;  // seconds
};

struct RateDecision {
  bool made = false;  // the store has decided; false: not asked, because a stricter limit had refused
  bool allowed = false;
  bool degraded = false;
  std::uint64_t remaining = 0;
  std::uint64_t retry_after = 0;  // µs until it can be allowed; 0 if it was, and for concurrency
  std::uint64_t reset_after = 0;  // µs until everything is there again
};

// One question and its answer. Views live until the answer is there.
struct RateAsk {
  const RateLimit* limit = nullptr;
  const Gcra* bucket = nullptr;  // Kind::bucket: how much of it; apart from the limit, since routes have their own
  std::string_view scope = {};   // within the name: a route's id, or empty
  std::string_view key = {};     // any bytes: what tells one caller from another
  std::uint64_t cost = 1;
  std::int64_t wall = 0;  // seconds since the epoch: which day or month a quota is in
  RateDecision decision = {};
  std::uint8_t decided_by = 0;  // the store's own note
};

// Since the store was made.
struct RateCounters {
  bool degraded = false;         // what is shared cannot be reached just now
  std::uint64_t wrong_type = 0;  // keys of Redis that held something else and were deleted
  std::uint64_t leased = 0;      // tokens fetched in blocks
  std::uint64_t given_back = 0;  // of these, unused ones returned
};

class RateStore {
 public:
  virtual ~RateStore() = default;

  virtual RateCounters counters() const noexcept { return {}; }

  // Decides about all `asks` together, once: if one refuses, none of the others has anything taken from it (what the
  // shared store took already is given back without waiting). False: some of it needs waiting for; then
  // take_waiting() must be awaited with the same asks, as this left them.
  virtual bool take(std::span<RateAsk> asks) noexcept = 0;
  // The rest of take(). Bounds its waiting itself.
  virtual io::Task<void> take_waiting(std::span<RateAsk> asks) = 0;

  // Concurrency (in this process): a seat among `ask.limit->most`, or nullptr and decision.allowed false. Every seat
  // must be left exactly once.
  using Seat = void*;
  virtual Seat enter(RateAsk& ask) noexcept = 0;
  virtual void leave(Seat seat) noexcept = 0;
};

}  // namespace weir::ports
