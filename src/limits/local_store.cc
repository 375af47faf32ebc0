// local_store.h: what the words of the three tables mean, and the steps from one to the next. On the way of every
// limited request: no allocation, no lock for a key that is known.
#include "limits/local_store.h"

#include <algorithm>

#include "base/hash.h"
#include "base/random.h"
#include "io/loop/clock.h"

namespace weir::limits {
namespace {

using ports::RateAsk;
using ports::RateLimit;

constexpr std::size_t kBuckets = 1 << 18;  // 4 MiB; 10^5 keys at once leave most sets a free cell
constexpr std::size_t kQuotas = 1 << 17;
constexpr std::size_t kSeats = 1 << 15;  // three times the connections of a busy worker

// A bucket is left alone until it has been full for this long: whoever is about to take from it has done so.
constexpr std::int64_t kGrace = std::int64_t{1'000'000} << Gcra::kPartBits;

constexpr std::uint64_t kShared = 0;
constexpr std::uint64_t kDegraded = 0x9e3779b97f4a7c15;

// ---- a bucket's word is its Stamp
auto bucket_worth(std::uint64_t now) noexcept {
  return [now](std::uint64_t word) -> std::uint64_t {
    const std::int64_t left = Gcra::ahead(word, Gcra::stamp(now)) + kGrace;
    return left > 0 ? static_cast<std::uint64_t>(left) : 0;
  };
}

// ---- a quota's word: one bit for months, 23 bits of the period's number, 40 bits of what was used in it
constexpr int kUsedBits = 40;
constexpr std::uint64_t kUsedMask = (std::uint64_t{1} << kUsedBits) - 1;
constexpr std::uint64_t kMonth = std::uint64_t{1} << 63;

std::uint64_t quota_head(CalendarPeriod period, std::uint32_t index) noexcept {
  return (period == CalendarPeriod::month ? kMonth : 0) | std::uint64_t{index} << kUsedBits;
}

// The head that counts for who asks about `head`: who is one period behind (another worker's clock at midnight, a
// clock that stepped back) counts in the period that has begun, and does not begin the old one anew.
std::uint64_t head_in(std::uint64_t word, std::uint64_t head) noexcept {
  const std::uint64_t next = head + (std::uint64_t{1} << kUsedBits);
  return (word & ~kUsedMask) == next ? next : head;
}

auto quota_worth(std::int64_t wall) noexcept {
  const std::uint32_t day = calendar_span(CalendarPeriod::day, wall, 0).index;
  const std::uint32_t month = calendar_span(CalendarPeriod::month, wall, 0).index;
  return [day, month](std::uint64_t word) -> std::uint64_t {
    const auto index = static_cast<std::uint32_t>((word & ~kMonth) >> kUsedBits);
    // One period of patience, for offsets from UTC.
    if (index + 1 < ((word & kMonth) != 0 ? month : day)) return 0;
    return (word & kUsedMask) + 1;
  };
}

// ---- a seat's word: 40 bits of the time it was claimed, so that no two claims look alike, and 24 bits of the count
constexpr std::uint64_t kCountMask = (1u << 24) - 1;
std::uint64_t seat_worth(std::uint64_t word) noexcept {
  return (word & kCountMask) == 0 ? 0 : CellTable::kNeverEvict;
}

}  // namespace

std::uint64_t now_us() noexcept {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(io::Clock::now().time_since_epoch()).count());
}

LocalStore::LocalStore(Clock clock)
    : clock_(clock),
      seed_{fast_random(), fast_random()},
      quota_seed_{fast_random(), fast_random()},
      buckets_(kBuckets),
      quotas_(kQuotas),
      seats_(kSeats) {}

// Each part is hashed by itself, so that no scope and key run together; the bucket's scale belongs to it, since a
// stamp of another scale would be another time.
std::uint64_t LocalStore::key_of(const HashSeed& seed, const RateAsk& ask, std::uint64_t salt) noexcept {
  const std::uint64_t parts = ask.bucket != nullptr ? ask.bucket->parts() : 0;
  const std::uint64_t name = siphash(ask.limit->name, seed);
  const std::uint64_t scope = ask.scope.empty() ? 0 : siphash(ask.scope, {seed.second, seed.first});
  return siphash(ask.key, {name ^ salt, scope + parts});
}

void LocalStore::take_bucket(RateAsk& ask, const Gcra& bucket, std::uint64_t salt) noexcept {
  const std::uint64_t now = clock_();
  Gcra::Decision decision;
  const bool room = buckets_.update(key_of(seed_, ask, salt), Gcra::stamp(now), bucket_worth(now), [&](Stamp tat) {
    decision = bucket.take(tat, now, ask.cost);
    return decision.next;
  });
  if (!room) decision = {};  // cannot be: every bucket is worth less than kNeverEvict
  ask.decision.made = true;
  ask.decision.allowed = decision.allowed;
  ask.decision.remaining = decision.remaining;
  ask.decision.retry_after = decision.retry_after;
  ask.decision.reset_after = decision.full_after;
}

void LocalStore::give_bucket_back(const RateAsk& ask, const Gcra& bucket, std::uint64_t salt) noexcept {
  const std::uint64_t now = clock_();
  buckets_.update(key_of(seed_, ask, salt), Gcra::stamp(now), bucket_worth(now),
                  [&](Stamp tat) { return bucket.give_back(tat, now, ask.cost); });
}

void LocalStore::take_quota(RateAsk& ask, std::uint64_t most, std::uint64_t salt) noexcept {
  const RateLimit& limit = *ask.limit;
  const CalendarSpan span = calendar_span(limit.period, ask.wall, limit.utc_offset);
  const std::uint64_t head = quota_head(limit.period, span.index);
  std::uint64_t used = 0;
  bool allowed = false;
  quotas_.update(key_of(quota_seed_, ask, salt), head, quota_worth(ask.wall), [&](std::uint64_t word) {
    const std::uint64_t counted = head_in(word, head);
    used = (word & ~kUsedMask) == counted ? word & kUsedMask : 0;
    allowed = used <= most && ask.cost <= most - used;
    if (!allowed) return word;
    used += ask.cost;
    return counted | used;
  });
  if (allowed) quota_changes_.fetch_add(1, std::memory_order_relaxed);
  const auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(0, span.end - ask.wall)) * 1'000'000;
  ask.decision.made = true;
  ask.decision.allowed = allowed;
  ask.decision.remaining = used < most ? most - used : 0;
  ask.decision.retry_after = allowed ? 0 : left;
  ask.decision.reset_after = left;
}

void LocalStore::give_quota_back(const RateAsk& ask, std::uint64_t salt) noexcept {
  const CalendarSpan span = calendar_span(ask.limit->period, ask.wall, ask.limit->utc_offset);
  const std::uint64_t head = quota_head(ask.limit->period, span.index);
  quotas_.update(key_of(quota_seed_, ask, salt), head, quota_worth(ask.wall), [&](std::uint64_t word) {
    if ((word & ~kUsedMask) != head_in(word, head) || (word & kUsedMask) < ask.cost) return word;
    return word - ask.cost;
  });
  quota_changes_.fetch_add(1, std::memory_order_relaxed);
}

void LocalStore::decide(RateAsk& ask) noexcept {
  if (ask.limit->kind == RateLimit::Kind::quota) return take_quota(ask, ask.limit->most, kShared);
  take_bucket(ask, *ask.bucket, kShared);
}

void LocalStore::give_back(const RateAsk& ask) noexcept {
  if (ask.limit->kind == RateLimit::Kind::quota) return give_quota_back(ask, kShared);
  give_bucket_back(ask, *ask.bucket, kShared);
}

void LocalStore::decide_degraded(RateAsk& ask, std::uint32_t live) noexcept {
  const std::uint64_t divisor = 2 * std::uint64_t{std::max(1u, live)};
  if (ask.limit->kind == RateLimit::Kind::quota) {
    take_quota(ask, std::max<std::uint64_t>(1, ask.limit->most / divisor), kDegraded);
  } else {
    take_bucket(ask, ask.bucket->divided(divisor), kDegraded);
  }
  ask.decision.degraded = true;
}

void LocalStore::give_back_degraded(const RateAsk& ask) noexcept {
  if (ask.limit->kind == RateLimit::Kind::quota) return give_quota_back(ask, kDegraded);
  give_bucket_back(ask, *ask.bucket, kDegraded);
}

bool LocalStore::take(std::span<RateAsk> asks) noexcept {
  for (std::size_t i = 0; i < asks.size(); ++i) {
    decide(asks[i]);
    if (asks[i].decision.allowed) continue;
    for (std::size_t back = 0; back < i; ++back) give_back(asks[back]);
    return true;
  }
  return true;
}

io::Task<void> LocalStore::take_waiting(std::span<RateAsk> asks) {
  take(asks);
  co_return;
}

ports::RateStore::Seat LocalStore::enter(RateAsk& ask) noexcept {
  const std::uint64_t most = std::min(ask.limit->most, kCountMask);
  const std::uint64_t key = key_of(seed_, ask, kShared);
  const std::uint64_t fresh = clock_() << 24;
  ask.decision = {.made = true};
  const auto step = [&](std::uint64_t word) {
    const std::uint64_t count = word & kCountMask;
    ask.decision.allowed = count < most;
    ask.decision.remaining = count < most ? most - count - 1 : 0;
    return count < most ? word + 1 : word;
  };
  for (;;) {
    CellTable::Cell* cell = seats_.find_or_claim(key, fresh, seat_worth);
    std::uint64_t tag = CellTable::tag_of(key);
    if (cell == nullptr) {
      // Never more than the limit, whoever else has this cell's seats.
      cell = seats_.any_of_set(key);
      tag = cell->tag.load(std::memory_order_acquire);
    }
    std::uint64_t word = cell->word.load(std::memory_order_acquire);
    if (cell->tag.load(std::memory_order_acquire) != tag) continue;
    const std::uint64_t next = step(word);
    if (next == word) return nullptr;
    if (!cell->word.compare_exchange_strong(word, next, std::memory_order_acq_rel)) continue;
    if (cell->tag.load(std::memory_order_acquire) == tag) return cell;
    leave(cell);  // it was handed over in between
  }
}

void LocalStore::leave(Seat seat) noexcept {
  static_cast<CellTable::Cell*>(seat)->word.fetch_sub(1, std::memory_order_acq_rel);
}

void LocalStore::sweep(std::int64_t wall) noexcept {
  buckets_.sweep(bucket_worth(clock_()));
  quotas_.sweep(quota_worth(wall));
  seats_.sweep(seat_worth);
}

void LocalStore::restore(const HashSeed& seed,
                         std::span<const std::pair<std::uint64_t, std::uint64_t>> words) noexcept {
  quota_seed_ = seed;
  for (const auto& [tag, word] : words)
    quotas_.update(
        tag, word, [](std::uint64_t each) { return (each & kUsedMask) + 1; },
        [&, value = word](std::uint64_t) { return value; });
}

}  // namespace weir::limits
