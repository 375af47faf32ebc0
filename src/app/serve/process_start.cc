// How a process begins to serve (process.h): its config, what workers are made with, the control plane in it if there
// is one, and what is said about it.
#include <thread>

#include "app/host/say.h"
#include "app/serve/process.h"

namespace weir::app {
namespace {

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

std::string_view plural(std::size_t count) { return count == 1 ? "" : "s"; }

}  // namespace

std::string Process::log_path(const snapshot::Snapshot& config) {
  return config.access_log_path.empty() ? "/dev/null" : config.access_log_path;
}

// The file, and of revisions the last good one, if it still compiles: a start needs nobody else.
bool Process::choose_config() {
  auto file = config_.from_file();
  std::string_view missing;
  if (!file.snapshot) {
    fmt::print(stderr, "{}\n", file.refusal);
    return false;
  }
  if (options_.follows && file.origin != RunningConfig::Origin::control_plane)
    missing = "weir gateway needs `control_plane`, which says whose revisions it runs on; see docs/control-plane.md";
  if (file.snapshot->listeners.empty())
    missing = "weir serve needs `listeners`; for a control plane alone: weir control";
  if (!missing.empty()) {
    fmt::print(stderr, "{}: {}\n", config_.source().name(), missing);
    return false;
  }
  config_.accept(file);
  std::string trouble;
  if (file.origin == RunningConfig::Origin::file) return true;
  if (file.origin == RunningConfig::Origin::control_plane) {
    key_ = *revision::public_key(file.snapshot->control_plane->public_key);
  } else {
    trouble = open_control(file);
  }
  if (trouble.empty() || control_->has_key()) take_last_good();
  if (trouble.empty() && control_) trouble = begun_anew();
  if (trouble.empty()) return true;
  if (!config_.revision()) {
    say_line(trouble);
    return false;
  }
  say("alert: control_plane_broken: {}; revision {} is served, and there is no admin API until the next start",
      trouble, config_.revision()->number);
  return true;
}

// The control plane in this process; what is wrong with it, or nothing.
std::string Process::open_control(const RunningConfig::Draft& file) {
  control_ = std::make_unique<ControlPlane>(loop_, buffers_, nullptr);
  const auto opened = control_->open(*file.snapshot, file.instance, config_.source().base_dir, filters_, true);
  if (control_->has_key()) key_ = control_->public_key();
  seed_ = file.seed;
  return opened ? "" : opened.error();
}

// A new database beside revisions of another, none of which can be used: most likely a volume is not there.
std::string Process::begun_anew() const {
  const std::string& state_dir = config_.settings().state_dir;
  if (config_.revision() || !Following::kept_any(state_dir) || !control_->database_is_new()) return {};
  return fmt::format(
      "the database is new, but {0}/revisions has revisions, and none of them can be used (see above). Is a volume "
      "not mounted? The file's routes do not replace what was served: restore the database and its keys, or remove "
      "{0}/revisions to begin anew",
      state_dir);
}

// The newest of those on disk that still compiles, if there is one.
void Process::take_last_good() {
  for (std::uint64_t below = UINT64_MAX;;) {
    auto revision = Following::last_good(config_.settings().state_dir, key_, below);
    if (!revision) return;
    if (control_) control_->passed(revision->number);
    const auto whole = config_.from_revision(revision);
    if (whole.snapshot) return config_.accept(whole);
    say("warning: revision {} was good but is not now: {}", revision->number, whole.reason);
    below = revision->number;
  }
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
  auto prepared = co_await control_->prepare(std::exchange(seed_, Json()), config_.revision());
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
  note_config();
  state_.started = true;
  announce();
  supervisor_.ready("serving");
  Successor::announce();
}

void Process::note_config() {
  state_.facts.revision = config_.number();
  state_.facts.config_applied_at = now_seconds();
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

}  // namespace weir::app
