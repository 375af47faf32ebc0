#include "app/process.h"

#include <csignal>
#include <cstdlib>
#include <thread>

#include "app/commands.h"
#include "app/say.h"

namespace weir::app {
namespace {

// How often files are looked at: a change is in force within two looks. 240 ms are 60 of the timer wheel's ticks,
// within its first level: one wake-up per look, where 250 would be two.
constexpr auto kLook = std::chrono::milliseconds(240);
// Between failing readiness and closing the listeners: a load balancer that still sends here in that time is served.
constexpr auto kReadinessLead = std::chrono::milliseconds(500);

// A port that another process still holds at its end is free soon.
constexpr auto kTryAgain = std::chrono::seconds(2);

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

std::string log_path(const snapshot::Snapshot& config) {
  return config.access_log_path.empty() ? "/dev/null" : config.access_log_path;
}

std::string_view plural(std::size_t count) { return count == 1 ? "" : "s"; }

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

// The file, and of revisions the last good one, if it still compiles: a start needs nobody else.
bool Process::choose_config() {
  auto file = config_.from_file();
  if (!file.snapshot) {
    fmt::print(stderr, "{}\n", file.refusal);
    return false;
  }
  if (options_.follows && file.origin != RunningConfig::Origin::control_plane) {
    fmt::print(
        stderr,
        "{}: weir gateway needs `control_plane`, which says whose revisions it runs on; see docs/control-plane.md\n",
        config_.source().name());
    return false;
  }
  config_.accept(file);
  std::string trouble;  // of the control plane in this process
  if (file.origin == RunningConfig::Origin::file) return true;
  if (file.origin == RunningConfig::Origin::own_control) {
    control_ = std::make_unique<ControlPlane>(loop_, buffers_, nullptr);
    const auto opened = control_->open(*file.snapshot, file.instance, config_.source().base_dir, filters_, true);
    if (!opened) trouble = opened.error();
    if (!control_->has_key()) {
      say_line(trouble);
      return false;
    }
    key_ = control_->public_key();
    seed_ = file.seed;
  } else {
    key_ = *revision::public_key(file.snapshot->control_plane->public_key);
  }
  for (std::uint64_t below = UINT64_MAX;;) {
    auto revision = Following::last_good(file.snapshot->state_dir, key_, below);
    if (!revision) break;
    const auto whole = config_.from_revision(revision);
    if (whole.snapshot) {
      config_.accept(whole);
      break;
    }
    say("warning: revision {} was good but is not now: {}", revision->number, whole.reason);
    below = revision->number;
  }
  if (trouble.empty()) return true;
  if (!config_.revision()) {
    say_line(trouble);
    return false;
  }
  say("alert: control_plane_broken: {}; revision {} is served, and there is no admin API until the next start",
      trouble, config_.revision()->number);
  return true;
}

// Everything that workers are made with.
bool Process::prepare(const snapshot::Snapshot& config) {
  auto resolver = adapters::cares::Resolver::make({.servers = joined(config.resolver_servers)});
  if (!resolver) {
    say_line(resolver.error().message);
    return false;
  }
  resolver_ = std::move(*resolver);
  directory_ = std::make_unique<upstream::Directory>(*resolver_, [this] { loop_.post([this] { names_.ring(); }); });
  auto log = gateway::LogFile::open(log_path(config));
  if (!log) {
    say_line(log.error());
    return false;
  }
  feeds_ = std::make_unique<Feeds>(loop_, buffers_, *directory_, resolver_.get());
  if (auto opened = feeds_->open(config); !opened) {
    say_line(opened.error());
    return false;
  }
  int workers = options_.workers ? options_.workers : config.workers;
  if (workers == 0) workers = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  gateway_ = std::make_unique<gateway::Gateway>(loop_, *directory_, std::move(*log), workers,
                                                feeds_->attach(config, workers));
  state_.refresh = [this](gateway::InstanceFacts& facts) { feeds_->fill(facts); };
  admin_ = std::make_unique<AdminAddress>(loop_, buffers_, *gateway_, *directory_, state_);
  return true;
}

io::Task<bool> Process::start() {
  state_.facts.version = WEIR_VERSION;
  state_.facts.started_at = now_seconds();
  if (!choose_config() || !prepare(config_.settings())) co_return false;
  const bool complete = config_.origin() == RunningConfig::Origin::file || config_.revision();
  co_await feeds_->begin(*gateway_, config_.settings());
  if (auto listening = admin_->listen(config_.settings(), inherited_); !listening) {
    say_line(listening.error());
    co_return false;
  }
  if (complete) {
    if (auto applied = co_await gateway_->apply(config_.snapshot(), inherited_); !applied) {
      say_line(applied.error());
      co_return false;
    }
  }
  watch_files();
  if (config_.origin() != RunningConfig::Origin::file) {
    following_ = std::make_unique<Following>(loop_, resolver_.get());
    auto begun = following_->begin(config_.settings(), key_, config_.revision(),
                                   control_ ? &control_->channel() : nullptr, [this] { asked_.ring(); });
    if (!begun) {
      say_line(begun.error());
      co_return false;
    }
  }
  if (control_ && control_->usable()) {
    if (auto listening = control_->listen(inherited_); !listening) {
      say_line(listening.error());
      co_return false;
    }
  }
  if (complete) serving();
  if (control_ && control_->usable() && !co_await start_control()) co_return false;
  if (!complete) {
    if (!control_) say("waiting for the first revision of the control plane; /startupz answers 503 until then");
    // Ready in systemd's sense, or it would be killed for being slow; who sends traffic asks /readyz.
    supervisor_.ready("waiting for the first revision of the control plane");
  }
  co_return true;
}

// Beside what is served already: a database in trouble must not end a gateway that has something to serve.
io::Task<bool> Process::start_control() {
  const bool seeds = !seed_.members().empty();
  auto prepared = co_await control_->prepare(std::exchange(seed_, Json()));
  if (!prepared) {
    say_line(prepared.error());
    co_return state_.started;
  }
  if (!state_.started && !seeds)
    say("nothing is published yet; /startupz answers 503 until then (`weir apply -f FILE` publishes)");
  co_return true;
}

// From now on requests are served.
void Process::serving() {
  for (const auto& address : inherited_.close_rest())
    say("a socket was handed in for {}, which the config does not listen on; it is closed", address);
  state_.facts.revision = config_.number();
  state_.facts.config_applied_at = now_seconds();
  state_.started = true;
  announce();
  supervisor_.ready("serving");
  Successor::announce();
}

void Process::watch_files() {
  std::vector<std::string> files = config_.settings().files;
  if (config_.source().file != "-") files.push_back(config_.source().file);
  watched_.watch(std::move(files));
}

void Process::announce() const {
  const snapshot::Snapshot& config = config_.settings();
  for (const auto& warning : config.warnings) say("warning: {}", warning);
  for (const auto& listener : config.listeners)
    say("listening on {}://{}", listener.tls ? "https" : "http", gateway_->bound(listener.address).to_string());
  if (auto where = admin_->bound()) say("admin on http://{} (/metrics /readyz /livez /startupz)", where->to_string());
  say("serving {} route{} to {} upstream{} with {} worker{}, revision {} of {}", config.routes.size(),
      plural(config.routes.size()), config.upstreams.size(), plural(config.upstreams.size()), gateway_->workers(),
      plural(static_cast<std::size_t>(gateway_->workers())), config.revision,
      following_ ? "the control plane" : config_.source().name());
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
  state_.facts.revision = config_.number();
  state_.facts.config_applied_at = now_seconds();
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
      say("warning: routes, upstreams, … of the file are not used: they come from the control plane; `weir apply` "
          "brings "
          "them in");
    auto took = std::chrono::duration<double, std::milli>(io::Clock::now() - begun).count();
    say("revision {} is in use ({}; {} routes, {:.1f} ms)", config_.number(), why, config.routes.size(), took);
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
