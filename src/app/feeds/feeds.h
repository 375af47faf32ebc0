// What a serving process keeps fresh for its workers on the control thread: API keys, issuers' keys, revoked tokens,
// limits. One place for their order: made, told of a config, begun, run, ended. Made by app/serve/process.cc; that
// thread only.
#pragma once

#include <memory>

#include "app/feeds/key_feed.h"
#include "app/feeds/revocation_feed.h"
#include "app/feeds/shared_limits.h"
#include "gateway/gateway.h"
#include "gateway/keys/key_keeper.h"
#include "identity/seen.h"
#include "io/offload.h"

namespace weir::app {

class Feeds {
 public:
  // Everything passed in must outlive it; so must the gateway given to begin(), until ended.
  Feeds(io::Loop& control, http::BufferPool& buffers, upstream::Directory& directory, ports::NameResolver* resolver);
  Feeds(const Feeds&) = delete;
  Feeds& operator=(const Feeds&) = delete;

  // What each worker gets attached; before the gateway is made. Must outlive the workers.
  gateway::Attach attach(const snapshot::Snapshot& config, int workers);

  // The limits' state_dir and Redis; the error is a sentence. Before begin(), and whenever the config has changed.
  std::expected<void, std::string> open(const snapshot::Snapshot& config) { return limits_.follow(config); }
  // Returns when what the first request may need is known, as far as Redis gives it in time.
  io::Task<void> begin(gateway::Gateway& gateway, const snapshot::Snapshot& config);
  void run(io::TaskGroup& tasks, const snapshot::Snapshot& config);
  // Another config is in use.
  void follow(const snapshot::Snapshot& config);
  void end();
  // Instead of run(), when the start has failed: ends what was begun.
  io::Task<void> abandon();

  void hand_over() { limits_.hand_over(); }
  void take_again() { limits_.take_again(); }
  void fill(gateway::InstanceFacts& facts) const;

 private:
  // Password hashing takes 32 MiB and a core for a tenth of a second or two; half the cores of a small machine.
  static constexpr int kHashing = 2;
  // At a tenth of a second each, what waits behind more would be answered after its client has gone.
  static constexpr std::size_t kMostPasswords = 64;
  static constexpr std::size_t kMostFiles = 64;

  io::Loop& loop_;
  ports::NameResolver* resolver_;
  identity::Seen signatures_;
  io::Offload passwords_{kHashing, kMostPasswords};
  // Of their own: a copy of the keys must not wait behind passwords, nor be given up with them.
  io::Offload files_{1, kMostFiles};
  SharedLimits limits_;
  gateway::Gateway* gateway_ = nullptr;
  KeyFeed keys_;
  gateway::KeyKeeper issuers_;
  RevocationFeed revocations_;
};

}  // namespace weir::app
