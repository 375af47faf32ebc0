// limit_answer.h. Into the exchange's arena, no other memory.
#include "filters/limits/limit_answer.h"

#include <algorithm>
#include <charconv>
#include <tuple>

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Limited;
using ports::RateLimit;

constexpr std::uint64_t kSecond = 1'000'000;
std::uint64_t seconds_up(std::uint64_t us) noexcept { return (us + kSecond - 1) / kSecond; }

// A text of known greatest size, made in the arena.
class Line {
 public:
  Line(Arena& arena, std::size_t most) : begin_(arena.allocate(most)), at_(begin_), end_(begin_ + most) {}
  Line& text(std::string_view part) noexcept {
    if (part.size() <= static_cast<std::size_t>(end_ - at_)) at_ = std::copy(part.begin(), part.end(), at_);
    return *this;
  }
  Line& number(std::uint64_t value) noexcept {
    at_ = std::to_chars(at_, end_, value).ptr;
    return *this;
  }
  std::string_view view() const noexcept { return {begin_, static_cast<std::size_t>(at_ - begin_)}; }
  bool empty() const noexcept { return at_ == begin_; }

 private:
  char* begin_;
  char* at_;
  char* end_;
};

// One item: a name of at most 64 bytes, two numbers of at most 20 digits and what is between them.
constexpr std::size_t kItem = 64 + 2 * 20 + 48;

// When what `r` promises is there (t): a client that may do nothing now is told when it may; one that may is told
// when everything is there again.
std::uint64_t t_of(const Limited::Entry& entry) noexcept {
  const ports::RateDecision& said = entry.decision;
  return seconds_up(said.allowed ? said.reset_after : said.retry_after);
}

bool is_told(const Limited::Entry& entry) noexcept { return !entry.limit->quiet || !entry.decision.allowed; }

void add_policy(Line& line, const Limited::Entry& entry) {
  if (!line.empty()) line.text(", ");
  line.text("\"").text(entry.limit->name).text("\";q=").number(entry.quota);
  if (entry.limit->kind == RateLimit::Kind::concurrency) {
    line.text(";qu=\"concurrent-requests\"");
  } else {
    line.text(";w=").number(std::max<std::uint64_t>(1, seconds_up(entry.window)));
  }
}

void add_state(Line& line, const Limited::Entry& entry) {
  if (!line.empty()) line.text(", ");
  line.text("\"").text(entry.limit->name).text("\";r=").number(entry.decision.remaining);
  if (entry.limit->kind != RateLimit::Kind::concurrency) line.text(";t=").number(t_of(entry));
}

void tell_legacy(Exchange& exchange, std::span<const Limited::Entry> entries) {
  const auto strictest = std::ranges::min_element(entries, {}, [](const Limited::Entry& entry) {
    return std::tuple(!is_told(entry), entry.decision.allowed, entry.decision.remaining);
  });
  const auto field = [&](std::string_view name, std::uint64_t value) {
    exchange.response.fields.append(name, Line(exchange.arena, 20).number(value).view());
  };
  field("X-RateLimit-Limit", strictest->quota);
  field("X-RateLimit-Remaining", strictest->decision.remaining);
  field("X-RateLimit-Reset", t_of(*strictest));
}

// A refusal before what is let through; of two refusals the later return, else what leaves less.
bool is_stricter(const ports::RateDecision& a, const ports::RateDecision& b) noexcept {
  if (a.allowed != b.allowed) return b.allowed;
  return a.allowed ? a.remaining < b.remaining : a.retry_after > b.retry_after;
}

Limited::Entry entry_of(const ports::RateAsk& ask) {
  Limited::Entry out{ask.limit, ask.decision, ask.limit->most, 0};
  if (ask.limit->kind == RateLimit::Kind::bucket) {
    out.quota = ask.bucket->burst();
    out.window = ask.bucket->fill().whole + (ask.bucket->fill().part != 0 ? 1 : 0);
  } else if (ask.limit->kind == RateLimit::Kind::quota) {
    // The day or month it is; how long a month is says its own end.
    constexpr std::uint64_t kDay = 86'400 * kSecond;
    out.window = ask.limit->period == CalendarPeriod::day ? kDay : month_days(ask.wall, ask.limit->utc_offset) * kDay;
  }
  return out;
}

}  // namespace

std::span<ports::RateAsk> questions(Exchange& exchange, std::size_t count) {
  return {exchange.arena.array<ports::RateAsk>(count), count};
}

pipeline::Verdict decide(Exchange& exchange, std::span<ports::RateAsk> asks, Reason reason) {
  ports::RateStore* const store = exchange.lease.services.rates;
  if (store == nullptr) return pipeline::Verdict::refuse(Reason::internal, "this process keeps no limits");
  if (store->take(asks)) return conclude(exchange, asks, reason);
  exchange.limited.pending = asks;
  return pipeline::Verdict::wait();
}

io::Task<pipeline::Verdict> decide_waiting(Exchange& exchange, Reason reason) {
  const std::span<ports::RateAsk> asks = exchange.limited.pending;
  co_await exchange.lease.services.rates->take_waiting(asks);
  co_return conclude(exchange, asks, reason);
}

pipeline::Verdict conclude(Exchange& exchange, std::span<const ports::RateAsk> asks, Reason reason) {
  const ports::RateAsk* refused = nullptr;
  for (auto at = asks.begin(); at != asks.end();) {
    // Of one limit, which has several buckets for a caller of several groups, the strictest is told and counted.
    const RateLimit* const limit = at->limit;
    const ports::RateAsk* strictest = nullptr;
    bool degraded = false;
    for (; at != asks.end() && at->limit == limit; ++at) {
      if (!at->decision.made) continue;
      degraded = degraded || at->decision.degraded;
      if (strictest == nullptr || is_stricter(at->decision, strictest->decision)) strictest = &*at;
    }
    if (strictest == nullptr) continue;
    Limited::Entry entry = entry_of(*strictest);
    entry.decision.degraded = degraded;
    exchange.limited.add(entry);
    // Of several that refuse the one that takes longest says when to come again.
    if (!entry.decision.allowed && (refused == nullptr || entry.decision.retry_after > refused->decision.retry_after))
      refused = strictest;
  }
  if (refused == nullptr) return pipeline::Verdict::next();
  const std::uint64_t wait = std::max<std::uint64_t>(1, seconds_up(refused->decision.retry_after));
  exchange.response.fields.append("Retry-After", Line(exchange.arena, 20).number(wait).view());
  return pipeline::Verdict::refuse(reason);
}

void tell(Exchange& exchange, bool legacy) {
  const std::span<const Limited::Entry> entries = exchange.limited.entries();
  if (legacy && !exchange.limited.told_legacy && std::ranges::any_of(entries, is_told)) {
    exchange.limited.told_legacy = true;
    tell_legacy(exchange, entries);
  }
  if (exchange.limited.told || std::ranges::none_of(entries, is_told)) return;
  exchange.limited.told = true;
  Line policy(exchange.arena, entries.size() * kItem), state(exchange.arena, entries.size() * kItem);
  for (const Limited::Entry& entry : entries) {
    if (!is_told(entry)) continue;
    add_policy(policy, entry);
    add_state(state, entry);
  }
  exchange.response.fields.append("RateLimit-Policy", policy.view());
  exchange.response.fields.append("RateLimit", state.view());
}

}  // namespace weir::filters
