// How a serving process gets its revisions: over Redis, or from the control plane in the same process; what it had
// last, from its state_dir. Makes the channel and gateway/config/follower.h, and keeps on disk what was applied. Made
// by process.cc; the control thread only, what blocks is done by io/offload.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "gateway/config/follower.h"
#include "gateway/config/last_good.h"
#include "io/loop/bell.h"
#include "io/offload.h"
#include "ports/name_resolver.h"
#include "snapshot/snapshot.h"

namespace weir::app {

class Following {
 public:
  Following(io::Loop& loop, ports::NameResolver* resolver);
  Following(const Following&) = delete;
  Following& operator=(const Following&) = delete;
  ~Following();  // after ended()

  // The newest good revision in a state_dir that is signed with that key and has a number below that. Blocks.
  static gateway::Revision last_good(const std::string& state_dir, const revision::PublicKey& key,
                                     std::uint64_t below = UINT64_MAX);

  // Whether there is any, usable or not. Blocks.
  static bool kept_any(const std::string& state_dir);

  // Begins. `in_process`: where revisions come from if not over the config's Redis; it must outlive this. `wake` is
  // called when take() has something. The error is a sentence.
  std::expected<void, std::string> begin(const snapshot::Snapshot& config, const revision::PublicKey& key,
                                         gateway::Revision in_use, ports::ConfigChannel* in_process,
                                         std::function<void()> wake);
  // Another config is in use: another Redis perhaps, or another key.
  void follow(const snapshot::Snapshot& config);

  gateway::Revision take() { return follower_ ? follower_->take() : nullptr; }
  // It is in use: told now, on disk soon.
  void applied(gateway::Revision revision);
  void refused(const gateway::Revision& revision, const std::string& reason) { follower_->refused(revision, reason); }
  // Only the gateway's own part of the config has changed.
  void offer_again() { follower_->offer_again(); }

  void end();
  bool ended() const noexcept;

 private:
  // A disk that hangs holds up nothing else; at most one save runs and one waits to begin.
  static constexpr std::size_t kMostWaiting = 1;

  void connect(std::shared_ptr<const ports::RedisSettings> redis, gateway::Revision in_use);
  io::Task<void> save();

  io::Loop& loop_;
  ports::NameResolver* resolver_;
  std::optional<gateway::ConfigFollower> follower_;
  std::optional<gateway::LastGood> kept_;
  ports::ConfigChannel* in_process_ = nullptr;
  std::shared_ptr<const ports::RedisSettings> redis_;
  std::vector<std::unique_ptr<ports::ConfigChannel>> channels_;  // the last one is in use, others are ending
  revision::PublicKey key_{};
  snapshot::ControlPlaneSettings settings_;
  std::string state_dir_;
  gateway::Revision unsaved_;
  std::string complaint_;
  bool saving_ = false;
  bool ending_ = false;
  io::Offload offload_{1, kMostWaiting};
  io::Bell bell_;
  io::TaskGroup tasks_;
};

// What the receipts of this process call it: the config's word, or the host's name and the number kept in state_dir.
std::expected<std::string, std::string> instance_name(const snapshot::Snapshot& config);

}  // namespace weir::app
