#include "app/serve/process.h"

#include <csignal>
#include <cstdlib>

#include "app/host/exit_code.h"
#include "app/host/say.h"

namespace weir::app {
namespace {

// How often files are looked at: a change is in force within two looks. 240 ms are 60 of the timer wheel's ticks,
// within its first level: one wake-up per look, where 250 would be two.
constexpr auto kLook = std::chrono::milliseconds(240);
// Between failing readiness and closing the listeners: a load balancer that still sends here in that time is served.
constexpr auto kReadinessLead = std::chrono::milliseconds(500);

// A port that another process still holds at its end is free soon.
constexpr auto kTryAgain = std::chrono::seconds(2);

}  // namespace

Process::Process(ConfigSource source, const ServeOptions& options, pipeline::FilterTable filters)
    : options_(options),
      filters_(filters),
      inherited_(gateway::InheritedSockets::from_environment()),
      config_(std::move(source), filters, ticket_keys_) {}

Process::~Process() = default;

int Process::run() {
  tasks_.spawn(live());
  while (!ended_) loop_.turn(io::Duration::max());
  // Nothing may be destroyed under a helper; the bells have told them to end, one may be asking the workers just now.
  while (tasks_.running() != 0) loop_.turn(kLook);
  if (admin_) admin_->abort();
  if (control_) control_->abort();
  const auto over = [this] {
    return (!admin_ || admin_->ended()) && (!following_ || following_->ended()) && (!control_ || control_->ended());
  };
  for (int turn = 0; !over() && turn < 1000; ++turn) loop_.turn(std::chrono::milliseconds(10));
  // A disk or a database that hangs holds a thread: nothing may be destroyed under it, and nobody waits for it.
  if (!over()) std::_Exit(status_);
  return status_;
}

void Process::signalled(int signal) {
  loop_.post([this, signal] {
    if (signal == SIGHUP) asked_reload_ = "asked by SIGHUP";
    if (signal == SIGUSR2) asked_successor_ = true;
    if (signal == SIGTERM || signal == SIGINT) {
      // Asked twice: somebody does not want to wait.
      if (asked_end_ != 0) std::_Exit(130);
      asked_end_ = signal;
    }
    asked_.ring();
  });
}

io::Task<void> Process::live() {
  if (!co_await start()) {
    if (feeds_) co_await feeds_->abandon();
    if (following_) following_->end();
    if (control_) control_->end();
    status_ = kProblems;
    ended_ = true;
    co_return;
  }
  tasks_.spawn(watch());
  tasks_.spawn(keep_names());
  feeds_->run(tasks_, config_.settings());
  if (control_ && control_->usable()) control_->run(tasks_);
  if (supervisor_.watchdog().count() != 0) tasks_.spawn(tell_watchdog());
  while (!ended_) {
    if (asked_end_ != 0) {
      co_await drain(asked_end_ == SIGINT ? "interrupted" : "asked to end", false);
    } else if (std::exchange(asked_successor_, false)) {
      co_await hand_over();
    } else if (!asked_reload_.empty()) {
      co_await reload(std::exchange(asked_reload_, {}));
    } else if (auto revision = following_ ? following_->take() : nullptr) {
      co_await adopt(std::move(revision));
    } else {
      co_await asked_.wait(try_again_);
      if (loop_.now() < try_again_) continue;
      try_again_ = io::kNever;
      following_->offer_again();
    }
  }
}

void Process::watch_files() {
  std::vector<std::string> files = config_.settings().files;
  if (config_.source().file != "-") files.push_back(config_.source().file);
  watched_.watch(std::move(files));
}

// Makes the draft the config in use; empty, or why it is not and everything is as it was.
io::Task<std::string> Process::take_up(const RunningConfig::Draft& draft) {
  if (!draft.snapshot) co_return draft.refusal;
  const snapshot::Snapshot& config = *draft.snapshot;
  if (auto listening = admin_->listen(config, inherited_); !listening) co_return listening.error();
  if (draft.complete()) {
    if (auto applied = co_await gateway_->apply(draft.snapshot, inherited_); !applied) co_return applied.error();
  }
  config_.accept(draft);
  ++state_.facts.reloads_ok;
  note_config();
  gateway_->log()->reopen(log_path(config));
  if (int wanted = options_.workers ? options_.workers : config.workers; wanted && wanted != gateway_->workers())
    say("warning: the number of workers changes at the next start (or SIGUSR2), not by a reload");
  watch_files();
  feeds_->follow(config);
  co_return "";
}

io::Task<RunningConfig::Draft> Process::draft(std::function<RunningConfig::Draft()> make) {
  auto made = co_await compiling_.run(loop_, make);
  if (made) co_return std::move(*made);
  RunningConfig::Draft none;
  none.refusal = none.reason = "the threads that compile are busy";
  co_return none;
}

io::Task<void> Process::reload(std::string_view why) {
  supervisor_.reloading();
  io::TimePoint begun = io::Clock::now();
  const auto made = co_await draft([this] { return config_.from_file(); });
  if (std::string failure = co_await take_up(made); !failure.empty()) {
    ++state_.facts.reloads_failed;
    say("reload refused ({}); revision {} stays in use:\n{}", why, state_.facts.revision, failure);
  } else {
    const snapshot::Snapshot& config = config_.settings();
    for (const auto& warning : config.warnings) say("warning: {}", warning);
    if (!made.seed.members().empty())
      say("warning: routes, upstreams, … of the file are not used: they come from the control plane; "
          "`weir apply` brings them in");
    auto took = std::chrono::duration<double, std::milli>(io::Clock::now() - begun).count();
    say("revision {} is in use ({}; {} routes, {:.1f} ms)", config_.number(), why, config.routes.size(), took);
    if (control_ && !control_->runs_on(*config.control))
      say("warning: what `control` says changes at the next start, not by a reload");
    if (following_) {
      following_->follow(config);
      following_->offer_again();
    }
  }
  names_.ring();  // others are watched now
  if (state_.started) supervisor_.ready("serving");
}

io::Task<void> Process::adopt(gateway::Revision revision) {
  io::TimePoint begun = io::Clock::now();
  const auto made = co_await draft([this, revision] { return config_.from_revision(revision); });
  if (std::string failure = co_await take_up(made); !failure.empty()) {
    ++state_.facts.reloads_failed;
    following_->refused(revision, made.snapshot ? failure : made.reason);
    // It compiles, so what failed is here and may pass: a port that is taken, no descriptors.
    if (made.snapshot) try_again_ = loop_.now() + kTryAgain;
    co_return;
  }
  auto took = std::chrono::duration<double, std::milli>(io::Clock::now() - begun).count();
  say("revision {} is in use (published; {} routes, {:.1f} ms)", revision->number, config_.settings().routes.size(),
      took);
  names_.ring();
  if (!state_.started) serving();
  following_->applied(std::move(revision));
}

io::Task<void> Process::watch() {
  while (!ended_) {
    if (watched_.changed() && asked_reload_.empty()) {
      asked_reload_ = "a file has changed";
      asked_.ring();
    }
    co_await looks_.wait(loop_.now() + kLook);
  }
}

io::Task<void> Process::keep_names() {
  while (!ended_) co_await names_.wait(directory_->poll(loop_.now()));
}

io::Task<void> Process::tell_watchdog() {
  while (!ended_) {
    auto measured = co_await gateway_->measure(supervisor_.watchdog() / 4);
    if (measured.silent == 0) supervisor_.alive();
    co_await watchdog_.wait(loop_.now() + supervisor_.watchdog() / 3);
  }
}

io::Task<void> Process::hand_over() {
  say("starting a successor");
  std::vector<int> sockets = gateway_->sockets();
  sockets.insert(sockets.end(), admin_->sockets().begin(), admin_->sockets().end());
  if (control_) sockets.insert(sockets.end(), control_->sockets().begin(), control_->sockets().end());
  feeds_->hand_over();
  auto started = co_await successor_.start(loop_, std::move(sockets));
  if (!started) {
    feeds_->take_again();
    say("handing over failed, this process goes on: {}", started.error());
    co_return;
  }
  admin_->stop_listening();
  if (control_) control_->stop_listening();
  co_await drain("a successor serves", true);
}

io::Task<void> Process::drain(std::string_view why, bool at_once) {
  auto timeout = config_.settings().drain_timeout;
  say("draining ({}), {} ms at most", why, timeout.count());
  state_.stopping = true;
  if (following_) following_->end();
  if (control_) control_->end();
  if (state_.started) {
    co_await gateway_->stop_keeping_alive();
    if (!at_once) {
      supervisor_.stopping();
      co_await io::sleep(loop_, std::min<io::Duration>(kReadinessLead, timeout / 4));
    }
    std::size_t cut = co_await gateway_->drain(timeout);
    if (cut != 0) say("{} connection{} cut at the end of drain_timeout", cut, cut == 1 ? " was" : "s were");
  }
  say("ended");
  ended_ = true;
  for (io::Bell* helper : {&looks_, &names_, &watchdog_}) helper->ring();
  feeds_->end();
}

}  // namespace weir::app
