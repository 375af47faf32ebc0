// The life of a serving process on its control thread: start, reload, another revision, hand over, drain. Made by
// serve.cc, told by signals, by the clock and by the control plane; everything that serves requests is in gateway/.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "adapters/cares/resolver.h"
#include "app/control/control_plane.h"
#include "app/feeds/feeds.h"
#include "app/host/supervisor.h"
#include "app/host/watched_files.h"
#include "app/serve/admin_address.h"
#include "app/serve/following.h"
#include "app/serve/running_config.h"
#include "app/serve/serve.h"
#include "app/serve/successor.h"
#include "io/loop/bell.h"
#include "io/tls/tls_ticket_keys.h"

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
  // The document is compiled beside the loop, which has signals, health and names to look after meanwhile.
  static constexpr int kCompilers = 1;
  static constexpr std::size_t kMostCompiling = 4;  // live() asks for one at a time

  static std::string log_path(const snapshot::Snapshot& config);

  io::Task<void> live();
  io::Task<bool> start();
  io::Task<bool> start_control();
  bool choose_config();
  std::string open_control(const RunningConfig::Draft& file);
  void take_last_good();
  std::string begun_anew() const;
  bool prepare(const snapshot::Snapshot& config);
  io::Task<std::string> take_up(const RunningConfig::Draft& draft);
  io::Task<void> reload(std::string_view why);
  io::Task<void> adopt(gateway::Revision revision);
  io::Task<RunningConfig::Draft> draft(std::function<RunningConfig::Draft()> make);
  void serving();
  void note_config();
  io::Task<void> hand_over();
  io::Task<void> drain(std::string_view why, bool at_once);
  io::Task<void> watch();
  io::Task<void> keep_names();
  io::Task<void> tell_watchdog();
  void watch_files();
  void announce() const;

  const ServeOptions options_;
  const pipeline::FilterTable filters_;
  Successor successor_;
  Supervisor supervisor_;
  gateway::InheritedSockets inherited_;
  io::TlsTicketKeys ticket_keys_;
  RunningConfig config_;
  io::Loop loop_;
  io::Offload compiling_{kCompilers, kMostCompiling};
  // What each of the control thread's tasks sleeps by; at the end they are rung for the last time.
  io::Bell asked_{loop_};  // live(): a signal, a changed file, a revision
  io::Bell looks_{loop_};
  io::Bell names_{loop_};  // keep_names(): an answer, or other names to watch
  io::Bell watchdog_{loop_};
  http::BufferPool buffers_;
  std::unique_ptr<adapters::cares::Resolver> resolver_;
  std::unique_ptr<upstream::Directory> directory_;
  std::unique_ptr<Feeds> feeds_;
  std::unique_ptr<gateway::Gateway> gateway_;
  gateway::ProcessState state_;
  std::unique_ptr<AdminAddress> admin_;
  revision::PublicKey key_{};              // of those who make revisions
  std::unique_ptr<ControlPlane> control_;  // nullptr: none in this process
  Json seed_;                              // for its first revision
  std::unique_ptr<Following> following_;   // nullptr: the file says all
  WatchedFiles watched_;
  // What was asked for and live() has not done yet; the control thread's.
  std::string_view asked_reload_;  // why; empty: nobody asked
  bool asked_successor_ = false;
  io::TimePoint try_again_ = io::kNever;  // when the revision that failed here is offered again
  int asked_end_ = 0;
  int status_ = 0;
  bool ended_ = false;
  io::TaskGroup tasks_;
};

}  // namespace weir::app
