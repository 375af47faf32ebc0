// rate_store.h: who decides, and what is given back when a stricter limit refuses. The questions to Redis are in
// rate_questions.cc.
#include "adapters/redis/limits/rate_store.h"

#include "base/random.h"

namespace weir::adapters::redis {

using limits::LeaseBook;
using ports::RateAsk;
using ports::RateLimit;
using ports::RateMode;

RateStore::RateStore(Client& client, const RateScripts& scripts, limits::LocalStore& local,
                     const limits::Instances& instances, std::uint32_t workers)
    : client_(client),
      scripts_(scripts),
      local_(local),
      instances_(instances),
      workers_(std::max(1u, workers)),
      seed_{fast_random(), fast_random()},
      sweeps_(client.loop()) {
  tasks_.spawn(sweep_leases());
}

RateStore::~RateStore() = default;

bool RateStore::take(std::span<RateAsk> asks) noexcept {
  // What this process knows alone comes first: a refusal here asks nobody.
  for (RateAsk& ask : asks) {
    if (ask.limit->mode != RateMode::local) continue;
    local_.decide(ask);
    ask.decided_by = here;
    if (ask.decision.allowed) continue;
    take_back(asks);
    return true;
  }
  bool all = true;
  for (RateAsk& ask : asks) {
    if (ask.decision.made) continue;
    if (!settle_here(ask)) {
      all = false;
    } else if (!ask.decision.allowed) {
      take_back(asks);
      return true;
    }
  }
  return all;
}

io::Task<void> RateStore::take_waiting(std::span<RateAsk> asks) {
  std::size_t waiting = 0;
  RateAsk* only = nullptr;
  for (RateAsk& ask : asks) {
    if (ask.decision.made) continue;
    only = &ask;
    ++waiting;
  }
  if (waiting == 1) {
    co_await ask_redis(*only);
  } else {
    // Side by side: they leave in one write and are answered together.
    io::TaskGroup group;
    for (RateAsk& ask : asks)
      if (!ask.decision.made) group.spawn(ask_redis(ask));
    co_await group.join();
  }
  for (const RateAsk& ask : asks)
    if (!ask.decision.allowed) {
      take_back(asks);
      break;
    }
}

// Decides if no question to Redis is needed, or none has a chance.
bool RateStore::settle_here(RateAsk& ask) noexcept {
  if (ask.limit->mode == RateMode::lease && from_lease(ask)) return true;
  if (client_.available()) return false;
  degrade(ask);
  return true;
}

bool RateStore::from_lease(RateAsk& ask) noexcept {
  LeaseBook::Lease* const lease = leases_.find(lease_id(ask));
  if (lease == nullptr || ask.cost != 1) return false;
  if (lease->spend()) {
    ask.decision = {.made = true, .allowed = true, .remaining = lease->available + lease->tokens};
    const Gcra& bucket = *ask.bucket;
    const std::uint64_t used = bucket.burst() - std::min(bucket.burst(), ask.decision.remaining);
    ask.decision.reset_after = bucket.span(used).whole;
    ask.decided_by = leased;
    if (lease->wants_more() && !ending_ && client_.available()) {
      lease->asking = true;
      tasks_.spawn(refill(*lease));
    }
    return true;
  }
  const std::uint64_t now = limits::now_us();
  if (now >= lease->empty_until) return false;
  ask.decision = {.made = true, .retry_after = lease->empty_until - now};
  ask.decision.reset_after = ask.decision.retry_after + ask.bucket->fill().whole;
  ask.decided_by = leased;
  return true;
}

// Something refused: whoever allowed gets its tokens back.
void RateStore::take_back(std::span<RateAsk> asks) noexcept {
  for (RateAsk& ask : asks)
    if (ask.decision.made && ask.decision.allowed) take_back(ask);
}

ports::RateCounters RateStore::counters() const noexcept {
  ports::RateCounters out = counters_;
  out.degraded = !client_.available();
  return out;
}

std::uint64_t RateStore::lease_id(const RateAsk& ask) const noexcept {
  const std::uint64_t name = siphash(ask.limit->name, seed_);
  const std::uint64_t scope = ask.scope.empty() ? 0 : siphash(ask.scope, {seed_.second, seed_.first});
  return siphash(ask.key, {name, scope + ask.bucket->parts()});
}

io::Task<void> RateStore::sweep_leases() {
  const auto back = [this](LeaseBook::Lease& lease, std::uint64_t tokens) {
    counters_.given_back += tokens;
    tasks_.spawn(return_tokens(lease.key, lease.bucket, tokens));
  };
  while (!ending_) {
    co_await sweeps_.wait(client_.loop().now() + std::chrono::milliseconds(500));
    if (!ending_) leases_.sweep(limits::now_us(), back);
  }
  leases_.give_all_back(back);
}

void RateStore::end() {
  if (ending_) return;
  ending_ = true;
  sweeps_.ring();
}

}  // namespace weir::adapters::redis
