// What this process attaches to each of its workers: the adapters behind pipeline::Services. Made on the worker's
// thread; what a feed on the control thread has for all workers reaches each by Worker::post.
#pragma once

#include "adapters/redis/credentials/token_cache.h"
#include "app/feeds/worker_rates.h"
#include "gateway/keys/fetched_keys.h"
#include "gateway/keys/revocation_list.h"
#include "gateway/worker.h"
#include "identity/key_ring.h"
#include "identity/seen.h"
#include "io/offload.h"

namespace weir::app {

class WorkerServices final : public gateway::Attachments {
 public:
  // `ask_for_keys` tells the key keeper that an issuer's keys do not suffice.
  WorkerServices(io::Loop& loop, io::Offload& offload, identity::Seen& signatures,
                 gateway::FetchedKeys::Ask ask_for_keys, SharedLimits& limits, ports::NameResolver* resolver,
                 int worker, int workers)
      : issuers(loop, std::move(ask_for_keys)),
        rates(loop, limits, resolver, worker, workers),
        tokens([this] { return rates.client(); }) {
    services_.credentials = &keys;
    services_.key_sets = &issuers;
    services_.revocations = &revocations;
    services_.tokens = &tokens;
    services_.rates = &rates;
    services_.offload = &offload;
    services_.signatures = &signatures;
  }

  const pipeline::Services& services() const noexcept override { return services_; }
  void end() override {
    issuers.end();
    rates.end();
  }
  bool ended() const noexcept override { return issuers.ended() && rates.ended() && tokens.ended(); }

  // Those of a worker of this process; its thread only.
  static WorkerServices& of(gateway::Worker& worker) { return static_cast<WorkerServices&>(*worker.attachments()); }

  identity::KeyRing keys;
  gateway::FetchedKeys issuers;
  gateway::WorkerRevocations revocations;
  WorkerRates rates;
  adapters::redis::TokenCache tokens;

 private:
  pipeline::Services services_;
};

}  // namespace weir::app
