// The control plane: its store and keys, the admin API on an address of its own, and the way to gateways: over Redis
// (`weir control`) or to the one in this process (`weir serve` with `control`). Made by control.cc and
// app/serve/process.cc on their loop; that thread only, what blocks is done by io/offload.
#pragma once

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "adapters/redis/config/publisher.h"
#include "app/control/announcer.h"
#include "app/control/control_key_store.h"
#include "app/control/local_channel.h"
#include "control/api/api.h"
#include "control/api/server.h"
#include "gateway/sockets.h"
#include "http/server.h"
#include "io/offload.h"
#include "snapshot/snapshot.h"

namespace weir::app {

// Opens the database that the settings name; blocks.
control::StoreResult<std::unique_ptr<control::Store>> open_store(const snapshot::ControlSettings& settings);

class ControlPlane {
 public:
  using Outcome = std::expected<void, std::string>;  // its errors are sentences
  using InUse = std::shared_ptr<const revision::Signed>;

  ControlPlane(io::Loop& loop, http::BufferPool& buffers, ports::NameResolver* resolver);
  ControlPlane(const ControlPlane&) = delete;
  ControlPlane& operator=(const ControlPlane&) = delete;
  ~ControlPlane();  // after ended()

  // Reads or makes the keys and opens the store. `instance` is the file's own part, which documents are proved with.
  // `in_process`: revisions go to channel(), else to the config's Redis. Blocks, for milliseconds. After an error
  // there may still be has_key() and channel(), for a gateway that goes on with what it has.
  Outcome open(const snapshot::Snapshot& config, const Json& instance, const std::string& base_dir,
               pipeline::FilterTable filters, bool in_process);
  bool has_key() const noexcept { return signing_key_.has_value(); }
  bool usable() const noexcept { return server_.has_value(); }  // it was opened; else nothing below is to be called
  revision::PublicKey public_key() const noexcept { return signing_key_->public_key(); }
  ports::ConfigChannel& channel() noexcept { return *local_; }

  // Whether these settings, of a file that was reloaded, are those it was opened with; they change at the next start.
  bool runs_on(const snapshot::ControlSettings& settings) const;

  // A revision here has had that number, whether it can still be used or not: new ones are above.
  void passed(std::uint64_t number) noexcept { know(number); }

  // Begins to answer operators.
  Outcome listen(gateway::InheritedSockets& inherited);
  const std::vector<int>& sockets() const noexcept { return sockets_; }
  void stop_listening() {
    if (server_) server_->close_listener(1);
  }

  // Whether nothing was ever done with the database. Blocks, for kStorePatience at most.
  bool database_is_new() const;
  // The first operator; and if there is nothing in the store, a revision: of what is `in_use` here, which an empty
  // database does not overtake, else of `seed`. A database that is away is waited for by run(); an error is one that
  // waiting does not mend.
  io::Task<Outcome> prepare(Json seed, InUse in_use);
  // Brings revisions to gateways, until end().
  void run(io::TaskGroup& tasks);
  void end();
  void abort() {
    if (server_) server_->abort();
  }  // cuts whoever is still connected
  bool ended() const noexcept;

 private:
  // Each may be held up by a database that hangs, for kStorePatience; Postgres' pool is as large.
  static constexpr int kThreads = 8;
  // What waits behind more is answered after its operator has gone.
  static constexpr std::size_t kMostWaiting = 128;

  struct Prepared {
    std::string token;
    std::uint64_t seeded = 0;    // the revision that was made of the seed
    std::uint64_t foreign = 0;   // the last revision, if another key signed it
    std::uint64_t restored = 0;  // of what was in use
    std::uint64_t signed_again = 0;
    bool unused = false;  // there is a seed, and the store had something
    std::optional<control::Objection> objection;
  };
  Prepared prepare_store(const Json& seed, const InUse& in_use);
  io::Task<Outcome> try_prepare();
  io::Task<bool> look_in_redis();
  std::uint64_t signed_by_another() const;
  io::Task<void> work();
  io::Task<void> beat();
  io::Task<Outcome> send(Announcer::Revision now, Announcer::Revision before);
  io::Task<Outcome> announce(std::uint64_t number);
  std::uint64_t number_floor();
  void know(std::uint64_t number) noexcept;
  void believe(std::uint64_t number) noexcept;
  void redis_was_read(std::uint64_t head, bool is_signed);

  io::Loop& loop_;
  http::BufferPool& buffers_;
  ports::NameResolver* resolver_;
  snapshot::ControlSettings settings_;
  http::Limits limits_;
  std::optional<revision::SigningKey> signing_key_;
  std::optional<control::Rules> rules_;
  std::unique_ptr<control::Store> store_;
  std::unique_ptr<ControlKeyStore> api_keys_;
  control::api::InstanceBoard board_;
  std::atomic<std::uint64_t> floor_{0};  // the highest number known outside the store
  std::uint64_t newest_ = 0;             // of the store, as it was announced
  io::TimePoint opened_;
  std::mutex reading_;  // guards redis_read_, which only the loop changes
  std::condition_variable read_;
  bool redis_read_ = false;  // at least once
  std::atomic<bool> ready_{false};
  std::unique_ptr<LocalChannel> local_;  // of the two one
  std::unique_ptr<adapters::redis::ConfigPublisher> publisher_;
  std::optional<Announcer> announcer_;
  std::optional<control::api::Api> api_;
  std::optional<control::api::ApiServer> handler_;
  std::optional<http::Server> server_;
  std::vector<int> sockets_;
  std::optional<ports::Receipt> own_receipt_;  // of the gateway in this process
  Json seed_;
  InUse in_use_;
  bool prepared_ = false;
  bool ended_ = false;
  io::Bell bell_;  // beat()
  io::Bell work_bell_;
  io::Offload offload_{kThreads, kMostWaiting};  // last: its threads work with all of the above
};

}  // namespace weir::app
