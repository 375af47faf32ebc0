// Tells Redis once a second that this instance lives, and learns how many do: what a limit is divided by while Redis
// is away (limits/instances.h). The control thread only.
#pragma once

#include <string>

#include "adapters/redis/client.h"
#include "adapters/redis/limits/rate_scripts.h"
#include "io/loop/bell.h"
#include "limits/instances.h"

namespace weir::adapters::redis {

class Heartbeat {
 public:
  // All outlive it. `id` is this instance's, one of its own for each process.
  Heartbeat(Client& client, const RateScripts& scripts, limits::Instances& instances, std::string id)
      : client_(client), scripts_(scripts), instances_(instances), id_(std::move(id)), beat_(client.loop()) {
    tasks_.spawn(run());
  }
  Heartbeat(const Heartbeat&) = delete;
  Heartbeat& operator=(const Heartbeat&) = delete;

  // Says goodbye if that is possible at once. The destructor may run after ended().
  void end() {
    ending_ = true;
    beat_.ring();
  }
  bool ended() const noexcept { return tasks_.running() == 0; }

 private:
  io::Task<void> run();
  io::Task<void> teach();

  Client& client_;
  const RateScripts& scripts_;
  limits::Instances& instances_;
  std::string id_;
  bool ending_ = false;
  io::Bell beat_;
  io::TaskGroup tasks_;
};

}  // namespace weir::adapters::redis
