// worker_rates.h.
#include "app/feeds/worker_rates.h"

#include "ports/redis_settings.h"

namespace weir::app {

WorkerRates::Used::Used(WorkerRates& owner, std::shared_ptr<const ports::RedisSettings> settings)
    : client(owner.loop_, std::move(settings), owner.resolver_),
      store(client, owner.shared_.scripts, owner.shared_.local, owner.shared_.instances,
            static_cast<std::uint32_t>(owner.workers_)) {
  client.on_availability([&owner](bool available, std::string_view why) {
    owner.shared_.told(owner.worker_, available, std::string(why));
  });
}

void WorkerRates::follow(std::shared_ptr<const ports::RedisSettings> settings) {
  if (used_ && settings && used_->client.settings().same_as(*settings)) return;
  if (used_) {
    before_ = counters();
    before_.degraded = false;
    tasks_.spawn(retire(std::move(used_)));
  }
  if (settings) used_ = std::make_unique<Used>(*this, std::move(settings));
}

io::Task<void> WorkerRates::retire(std::unique_ptr<Used> used) {
  const auto look = std::chrono::milliseconds(5);
  used->client.on_availability([](bool, std::string_view) {});
  shared_.told(worker_, true, {});  // what is not used any more is not away either
  while (used->questions != 0) co_await io::sleep(loop_, look);
  used->store.end();
  while (!used->store.ended()) co_await io::sleep(loop_, look);
  used->client.end();
  while (!used->client.ended()) co_await io::sleep(loop_, look);
}

bool WorkerRates::take(std::span<ports::RateAsk> asks) noexcept {
  return used_ ? used_->store.take(asks) : shared_.local.take(asks);
}

io::Task<void> WorkerRates::take_waiting(std::span<ports::RateAsk> asks) {
  // Only a store in Redis lets anybody wait; a reload may have taken it away since.
  if (!used_) {
    for (ports::RateAsk& ask : asks)
      if (!ask.decision.made) shared_.local.decide_degraded(ask, shared_.instances.live());
    co_return;
  }
  Used& used = *used_;
  ++used.questions;
  co_await used.store.take_waiting(asks);
  --used.questions;
}

ports::RateCounters WorkerRates::counters() const noexcept {
  if (!used_) return before_;
  ports::RateCounters out = used_->store.counters();
  out.wrong_type += before_.wrong_type;
  out.leased += before_.leased;
  out.given_back += before_.given_back;
  return out;
}

}  // namespace weir::app
