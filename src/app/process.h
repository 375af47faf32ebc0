// The life of a serving process on its control thread: start, reload, hand over, drain. Made by serve.cc, told by
// signals and by the clock; everything that serves requests is in gateway/.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "adapters/cares/resolver.h"
#include "app/config_source.h"
#include "app/key_feed.h"
#include "app/revocation_feed.h"
#include "app/serve.h"
#include "app/shared_limits.h"
#include "app/successor.h"
#include "app/supervisor.h"
#include "app/watched_files.h"
#include "gateway/admin.h"
#include "gateway/gateway.h"
#include "gateway/key_keeper.h"
#include "identity/seen.h"
#include "io/bell.h"
#include "io/tls_ticket_keys.h"

namespace weir::app {

class Process {
 public:
  Process(ConfigSource source, const ServeOptions& options, pipeline::FilterTable filters);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  // Serves until told to end; the exit status.
  int run();

  // Any thread.
  void signalled(int signal);

 private:
  // Password hashing takes 32 MiB and a core for a tenth of a second or two; half the cores of a small machine.
  static constexpr int kOffloadThreads = 2;
  // At a tenth of a second each, what waits behind more would be answered after its client has gone.
  static constexpr std::size_t kMostOffloaded = 64;

  using Loaded = std::expected<std::shared_ptr<const snapshot::Snapshot>, std::string>;

  io::Task<void> live();
  io::Task<bool> start();
  io::Task<void> reload(std::string_view why);
  io::Task<void> hand_over();
  io::Task<void> drain(std::string_view why, bool at_once);
  io::Task<void> watch();
  io::Task<void> keep_names();
  io::Task<void> tell_watchdog();
  Loaded load(std::uint64_t revision);
  std::expected<void, std::string> listen_admin(const snapshot::Snapshot& snapshot);
  void watch_files(const snapshot::Snapshot& snapshot);
  void announce(const snapshot::Snapshot& snapshot) const;

  ConfigSource source_;
  ServeOptions options_;
  pipeline::FilterTable filters_;
  Successor successor_;
  Supervisor supervisor_;
  gateway::InheritedSockets inherited_;
  io::TlsTicketKeys ticket_keys_;
  io::Loop loop_;
  // What each of the control thread's tasks sleeps by; at the end they are rung for the last time.
  identity::Seen signatures_;
  io::Offload offload_{kOffloadThreads, kMostOffloaded};
  io::Bell asked_{loop_};  // live(): a signal, a changed file
  io::Bell looks_{loop_};
  io::Bell names_{loop_};  // keep_names(): an answer, or other names to watch
  io::Bell watchdog_{loop_};
  http::BufferPool buffers_;
  std::unique_ptr<adapters::cares::Resolver> resolver_;
  std::unique_ptr<upstream::Directory> directory_;
  std::unique_ptr<SharedLimits> limits_;
  std::unique_ptr<gateway::Gateway> gateway_;
  std::unique_ptr<KeyFeed> keys_;
  std::unique_ptr<gateway::KeyKeeper> issuers_;
  std::unique_ptr<RevocationFeed> revocations_;
  gateway::ProcessState state_;
  std::unique_ptr<gateway::Admin> admin_;
  std::unique_ptr<http::Server> admin_server_;
  std::optional<SocketAddress> admin_address_;
  std::vector<int> admin_sockets_;
  std::uint32_t admin_listener_ = 0;
  WatchedFiles watched_;
  // What the signals asked for and live() has not done yet; the control thread's.
  std::string_view asked_reload_;  // why; empty: nobody asked
  bool asked_successor_ = false;
  int asked_end_ = 0;
  int status_ = 0;
  bool ended_ = false;
  io::TaskGroup tasks_;
};

}  // namespace weir::app
