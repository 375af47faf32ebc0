// What this process attaches to each of its workers: the adapters behind pipeline::Services. Made on the worker's
// thread; what a feed on the control thread has for all workers reaches each by Worker::post.
#pragma once

#include "gateway/fetched_keys.h"
#include "gateway/worker.h"
#include "identity/key_ring.h"
#include "io/offload.h"

namespace weir::app {

class WorkerServices final : public gateway::Attachments {
 public:
  // `ask_for_keys` tells the key keeper that an issuer's keys do not suffice.
  WorkerServices(io::Loop& loop, io::Offload& offload, std::function<void(std::uint64_t)> ask_for_keys)
      : issuers(loop, std::move(ask_for_keys)) {
    services_.credentials = &keys;
    services_.key_sets = &issuers;
    services_.offload = &offload;
  }

  const pipeline::Services& services() const noexcept override { return services_; }
  void end() override { issuers.end(); }
  bool ended() const noexcept override { return issuers.ended(); }

  // Those of a worker of this process; its thread only.
  static WorkerServices& of(gateway::Worker& worker) { return static_cast<WorkerServices&>(*worker.attachments()); }

  identity::KeyRing keys;
  gateway::FetchedKeys issuers;

 private:
  pipeline::Services services_;
};

}  // namespace weir::app
