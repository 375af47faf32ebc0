// Limits of one worker: the store in Redis while the config names one, else the tables of this process. A reload that
// names another Redis replaces the client; questions under way end with the old one. The worker's thread only.
#pragma once

#include <memory>

#include "adapters/redis/client.h"
#include "adapters/redis/limits/rate_store.h"
#include "app/feeds/shared_limits.h"

namespace weir::app {

class WorkerRates final : public ports::RateStore {
 public:
  // `shared` and `resolver` outlive it. `workers`: how many there are.
  WorkerRates(io::Loop& loop, SharedLimits& shared, ports::NameResolver* resolver, int worker, int workers) noexcept
      : loop_(loop), shared_(shared), resolver_(resolver), worker_(worker), workers_(workers) {}

  void follow(std::shared_ptr<const ports::RedisSettings> settings);
  // The worker's client, for whoever else asks Redis; nullptr: there is none. Ask again after every wait.
  adapters::redis::Client* client() noexcept { return used_ ? &used_->client : nullptr; }

  bool take(std::span<ports::RateAsk> asks) noexcept override;
  io::Task<void> take_waiting(std::span<ports::RateAsk> asks) override;
  Seat enter(ports::RateAsk& ask) noexcept override { return shared_.local.enter(ask); }
  void leave(Seat seat) noexcept override { shared_.local.leave(seat); }
  ports::RateCounters counters() const noexcept override;

  void end() { follow(nullptr); }
  bool ended() const noexcept { return tasks_.running() == 0; }

 private:
  struct Used {
    Used(WorkerRates& owner, std::shared_ptr<const ports::RedisSettings> settings);
    adapters::redis::Client client;
    adapters::redis::RateStore store;
    std::size_t questions = 0;
  };
  io::Task<void> retire(std::unique_ptr<Used> used);

  io::Loop& loop_;
  SharedLimits& shared_;
  ports::NameResolver* resolver_;
  int worker_;
  int workers_;
  std::unique_ptr<Used> used_;
  ports::RateCounters before_;  // of stores that are gone
  io::TaskGroup tasks_;
};

}  // namespace weir::app
