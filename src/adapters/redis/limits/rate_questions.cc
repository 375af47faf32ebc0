// What a RateStore asks Redis, and how it reads the answers (rate_store.h). An answer that does not come in time, or
// makes no sense, is decided here: degraded, never an error of the request.
#include <charconv>

#include "adapters/redis/limits/rate_store.h"
#include "base/hex.h"
#include "base/rate.h"
#include "crypto/digest.h"

namespace weir::adapters::redis {
namespace {

using limits::LeaseBook;
using ports::RateAsk;
using ports::RateLimit;

// Numbers as the texts that a script gets. At most eight.
class Arguments {
 public:
  explicit Arguments(std::initializer_list<std::int64_t> numbers) noexcept {
    for (const std::int64_t number : numbers) add(number);
  }
  Arguments(const Arguments&) = delete;
  Arguments& operator=(const Arguments&) = delete;

  std::span<const std::string_view> words() const noexcept { return {words_, count_}; }

 private:
  void add(std::int64_t number) noexcept {
    char* const begin = bytes_ + count_ * kDigits;
    words_[count_++] = {begin, std::to_chars(begin, begin + kDigits, number).ptr};
  }
  static constexpr std::size_t kDigits = 21;
  static constexpr std::size_t kMost = 8;
  char bytes_[kMost * kDigits];
  std::string_view words_[kMost];
  std::size_t count_ = 0;
};

std::int64_t number(std::uint64_t value) noexcept { return static_cast<std::int64_t>(value); }

// Appends the 32 digits. On the way of a request: nothing is allocated for keys of the usual length.
void append_hash(std::string& out, const RateAsk& ask) {
  const std::size_t size = ask.scope.size() + 1 + ask.key.size();
  std::array<char, 256> near;
  std::string far;
  if (size > near.size()) far.resize(size);
  char* const text = far.empty() ? near.data() : far.data();
  ask.scope.copy(text, ask.scope.size());
  text[ask.scope.size()] = '\0';
  ask.key.copy(text + ask.scope.size() + 1, ask.key.size());
  const crypto::Digest digest = crypto::sha256({text, size});
  std::array<char, 32> digits;
  for (std::size_t i = 0; i < digits.size() / 2; ++i) write_hex(&digits[2 * i], digest[i], 1);
  out.append(digits.data(), digits.size());
}

std::string bucket_key(const RateAsk& ask) {
  constexpr std::string_view kPrefix = "weir:r:";
  std::string out;
  out.reserve(kPrefix.size() + ask.limit->name.size() + 33);
  out.append(kPrefix).append(ask.limit->name).append(1, ':');
  append_hash(out, ask);
  return out;
}

std::string quota_key(const RateAsk& ask, const CalendarSpan& span) {
  const std::string_view period = ask.limit->period == CalendarPeriod::day ? "d" : "m";
  std::string out = "weir:q:" + ask.limit->name + ":" + std::string(period) + std::to_string(span.index) + ":";
  append_hash(out, ask);
  return out;
}

// Period's keys outlive it by a day, for instances whose clocks are behind.
constexpr std::int64_t kKeptAfter = 86'400;

}  // namespace

bool RateStore::is_bad(const Answer& answer, std::string_view key) {
  if (answer && !answer->is_error()) return false;
  // Before Redis 7 a script's error has the code in its text.
  if (answer && answer->text().contains("WRONGTYPE")) {
    ++counters_.wrong_type;
    if (!ending_) tasks_.spawn(remove(std::string(key)));
  }
  return true;
}

io::Task<void> RateStore::ask_redis(RateAsk& ask) {
  if (ask.limit->kind == RateLimit::Kind::quota) return ask_quota(ask);
  return ask.limit->mode == ports::RateMode::lease && ask.cost == 1 ? ask_lease(ask) : ask_exact(ask);
}

io::Task<void> RateStore::ask_exact(RateAsk& ask) {
  const std::string key = bucket_key(ask);
  const Gcra& bucket = *ask.bucket;
  const Gcra::Span cost = bucket.span(ask.cost), fill = bucket.fill();
  const Arguments arguments(
      {number(bucket.parts()), number(cost.whole), number(cost.part), number(fill.whole), number(fill.part)});
  const Answer answer = co_await client_.call(scripts_.take, key, arguments.words(), client_.deadline());
  if (is_bad(answer, key) || answer->size() != 4) co_return degrade(ask);
  const auto said = [&](std::size_t i) { return static_cast<std::uint64_t>((*answer)[i].integer()); };
  const Gcra::Decision state = bucket.state(said(1), said(2));
  ask.decision = {.made = true,
                  .allowed = said(0) == 1,
                  .remaining = state.remaining,
                  .retry_after = said(3),
                  .reset_after = state.full_after};
  ask.decided_by = exact;
}

io::Task<void> RateStore::ask_lease(RateAsk& ask) {
  const std::uint64_t id = lease_id(ask);
  LeaseBook::Lease* lease = leases_.find(id);
  if (lease == nullptr) lease = leases_.open(id, bucket_key(ask), *ask.bucket);
  if (lease == nullptr || lease->asking) {
    co_await ask_exact(ask);
    // What it found missing may be on its way to the lease: its answer came before this one.
    if (!ask.decision.allowed) from_lease(ask);
    co_return;
  }
  lease->bucket = *ask.bucket;  // of the config in use
  lease->asking = true;
  const bool answered = co_await fetch(*lease);
  lease->asking = false;
  if (!answered) co_return degrade(ask);
  if (from_lease(ask)) co_return;
  // Others, resumed before this one, have spent what came.
  co_await ask_exact(ask);
  if (!ask.decision.allowed) from_lease(ask);
}

io::Task<void> RateStore::refill(LeaseBook::Lease& lease) {
  co_await fetch(lease);
  lease.asking = false;
  if (ending_ && lease.tokens != 0) {
    counters_.given_back += lease.tokens;
    tasks_.spawn(return_tokens(lease.key, lease.bucket, std::exchange(lease.tokens, 0)));
  }
}

io::Task<bool> RateStore::fetch(LeaseBook::Lease& lease) {
  const Gcra& bucket = lease.bucket;
  const std::uint64_t debt = std::exchange(lease.debt, 0);
  const std::uint64_t wanted =
      LeaseBook::wanted(lease, LeaseBook::most(bucket, instances_.live(), workers_), limits::now_us());
  const Gcra::Span one = bucket.span(1), fill = bucket.fill();
  const Arguments arguments({number(bucket.parts()), number(one.whole), number(one.part), number(fill.whole),
                             number(fill.part), number(wanted), number(debt)});
  const Answer answer = co_await client_.call(scripts_.lease, lease.key, arguments.words(), client_.deadline());
  if (is_bad(answer, lease.key) || answer->size() != 4) {
    if (debt != 0)
      lease.owe(debt, limits::now_us());  // perhaps charged twice, if the answer only was late: to the careful side
    co_return false;
  }
  const auto said = [&](std::size_t i) { return static_cast<std::uint64_t>((*answer)[i].integer()); };
  counters_.leased += said(0);
  LeaseBook::granted(lease, said(0), bucket.state(said(1), said(2)).remaining, said(3), limits::now_us());
  co_return true;
}

io::Task<void> RateStore::ask_quota(RateAsk& ask) {
  const RateLimit& limit = *ask.limit;
  const CalendarSpan span = calendar_span(limit.period, ask.wall, limit.utc_offset);
  const std::string key = quota_key(ask, span);
  std::uint64_t debt = 0;
  if (const auto owed = owed_.find(key); owed != owed_.end()) {
    debt = owed->second;
    owed_.erase(owed);
  }
  const Arguments arguments({number(limit.most), number(ask.cost), number(debt), (span.end + kKeptAfter) * 1000});
  const Answer answer = co_await client_.call(scripts_.quota, key, arguments.words(), client_.deadline());
  if (is_bad(answer, key) || answer->size() != 2) {
    if (debt != 0) owed_[key] += debt;
    co_return degrade(ask);
  }
  const auto used = static_cast<std::uint64_t>((*answer)[1].integer());
  const auto left = static_cast<std::uint64_t>(std::max<std::int64_t>(0, span.end - ask.wall)) * 1'000'000;
  const bool allowed = (*answer)[0].integer() == 1;
  ask.decision = {.made = true,
                  .allowed = allowed,
                  .remaining = used < limit.most ? limit.most - used : 0,
                  .retry_after = allowed ? 0 : left,
                  .reset_after = left};
  ask.decided_by = counted;
}

// What is admitted now is charged once Redis answers again, but for exact buckets: there the time that passed has
// filled them anyway, and a debt would refuse the first requests after the outage.
void RateStore::degrade(RateAsk& ask) noexcept {
  local_.decide_degraded(ask, instances_.live());
  ask.decided_by = degraded;
  if (!ask.decision.allowed) return;
  if (ask.limit->kind == RateLimit::Kind::quota) {
    std::string key = quota_key(ask, calendar_span(ask.limit->period, ask.wall, ask.limit->utc_offset));
    if (owed_.size() < LeaseBook::kMostLeases || owed_.contains(key)) owed_[std::move(key)] += ask.cost;
  } else if (ask.limit->mode == ports::RateMode::lease) {
    const std::uint64_t id = lease_id(ask);
    LeaseBook::Lease* lease = leases_.find(id);
    if (lease == nullptr) lease = leases_.open(id, bucket_key(ask), *ask.bucket);
    if (lease != nullptr) lease->owe(ask.cost, limits::now_us());
  }
}

void RateStore::take_back(const RateAsk& ask) noexcept {
  switch (ask.decided_by) {
    case here:
      return local_.give_back(ask);
    case degraded:
      return local_.give_back_degraded(ask);
    case leased:
      if (LeaseBook::Lease* lease = leases_.find(lease_id(ask))) ++lease->tokens;
      return;
    case exact:
      if (!ending_) tasks_.spawn(return_tokens(bucket_key(ask), *ask.bucket, ask.cost));
      return;
    case counted:
      if (!ending_)
        tasks_.spawn(return_quota(quota_key(ask, calendar_span(ask.limit->period, ask.wall, ask.limit->utc_offset)),
                                  ask.cost));
      return;
    default:
      return;
  }
}

// These three wait for nobody, and nobody for them: a token that is not given back errs to less.
io::Task<void> RateStore::return_tokens(std::string key, Gcra bucket, std::uint64_t count) {
  const Gcra::Span cost = bucket.span(count), fill = bucket.fill();
  const Arguments arguments(
      {number(bucket.parts()), number(cost.whole), number(cost.part), number(fill.whole), number(fill.part)});
  (void)co_await client_.call(scripts_.give_back, key, arguments.words(), client_.deadline());
}

io::Task<void> RateStore::return_quota(std::string key, std::uint64_t count) {
  const Arguments arguments({0, -number(count), 0, 0});
  (void)co_await client_.call(scripts_.quota, key, arguments.words(), client_.deadline());
}

io::Task<void> RateStore::remove(std::string key) { (void)co_await client_.call({"DEL", key}, client_.deadline()); }

}  // namespace weir::adapters::redis
