#include "app/process.h"

#include <fmt/format.h>
#include <unistd.h>
#include <csignal>
#include <cstdlib>
#include <ctime>
#include <thread>

#include "app/commands.h"
#include "app/worker_services.h"
#include "snapshot/compile.h"

namespace weir::app {
namespace {

// How often files are looked at: a change is in force within two looks. 240 ms are 60 of the timer wheel's ticks,
// within its first level: one wake-up per look, where 250 would be two.
constexpr auto kLook = std::chrono::milliseconds(240);
// Between failing readiness and closing the listeners: a load balancer that still sends here in that time is served.
constexpr auto kReadinessLead = std::chrono::milliseconds(500);

double now_seconds() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

// To standard error with the time, for people and for journald alike.
template <class... Args>
void say(fmt::format_string<Args...> format, Args&&... args) {
  std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char time[32];
  std::strftime(time, sizeof time, "%Y-%m-%dT%H:%M:%SZ", &parts);
  fmt::print(stderr, "{} weir: {}\n", time, fmt::format(format, std::forward<Args>(args)...));
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& part : parts) out += (out.empty() ? "" : ",") + part;
  return out;
}

}  // namespace

Process::Process(ConfigSource source, const ServeOptions& options, pipeline::FilterTable filters)
    : source_(std::move(source)),
      options_(options),
      filters_(filters),
      inherited_(gateway::InheritedSockets::from_environment()) {}

Process::~Process() = default;

int Process::run() {
  tasks_.spawn(live());
  while (!ended_) loop_.turn(io::Duration::max());
  // Nothing may be destroyed under a helper; the bells have told them to end, one may be asking the workers just now.
  while (tasks_.running() != 0) loop_.turn(kLook);
  if (admin_server_) {
    admin_server_->abort();
    for (int turn = 0; !admin_server_->ended() && turn < 1000; ++turn) loop_.turn(std::chrono::milliseconds(10));
  }
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

Process::Loaded Process::load(std::uint64_t revision) {
  auto document = source_.load();
  if (!document) return std::unexpected(describe(document.error(), source_.name()));
  snapshot::CompileOptions options{
      .filters = filters_, .base_dir = source_.base_dir, .revision = revision, .ticket_keys = &ticket_keys_};
  auto compiled = snapshot::compile(*document, options);
  if (compiled) return *compiled;
  std::string text;
  for (const auto& problem : compiled.error()) text += (text.empty() ? "" : "\n") + describe(problem, source_.name());
  return std::unexpected(text);
}

io::Task<void> Process::live() {
  if (!co_await start()) {
    // What asks Redis already ends in its own time.
    if (revocations_) {
      revocations_->end();
      co_await revocations_->run();
    }
    if (keys_) {
      keys_->end();
      co_await keys_->run();
    }
    if (limits_) {
      limits_->end();
      co_await limits_->run();
    }
    status_ = kProblems;
    ended_ = true;
    co_return;
  }
  tasks_.spawn(watch());
  tasks_.spawn(keep_names());
  tasks_.spawn(keys_->run());
  issuers_->follow(gateway_->current()->key_sources);
  tasks_.spawn(issuers_->run());
  tasks_.spawn(revocations_->run());
  tasks_.spawn(limits_->run());
  if (supervisor_.watchdog().count() != 0) tasks_.spawn(tell_watchdog());
  while (!ended_) {
    if (asked_end_ != 0) {
      co_await drain(asked_end_ == SIGINT ? "interrupted" : "asked to end", false);
    } else if (std::exchange(asked_successor_, false)) {
      co_await hand_over();
    } else if (!asked_reload_.empty()) {
      co_await reload(std::exchange(asked_reload_, {}));
    } else {
      co_await asked_.wait(io::kNever);
    }
  }
}

io::Task<bool> Process::start() {
  state_.facts.version = WEIR_VERSION;
  state_.facts.started_at = now_seconds();
  auto loaded = load(1);
  if (!loaded) {
    fmt::print(stderr, "{}\n", loaded.error());
    co_return false;
  }
  const snapshot::Snapshot& config = **loaded;
  auto resolver = adapters::cares::Resolver::make({.servers = joined(config.resolver_servers)});
  if (!resolver) {
    say("{}", resolver.error().message);
    co_return false;
  }
  resolver_ = std::move(*resolver);
  directory_ = std::make_unique<upstream::Directory>(*resolver_, [this] { loop_.post([this] { names_.ring(); }); });
  auto log = gateway::LogFile::open(config.access_log_path.empty() ? "/dev/null" : config.access_log_path);
  if (!log) {
    say("{}", log.error());
    co_return false;
  }
  int workers = options_.workers ? options_.workers : config.workers;
  if (workers == 0) workers = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  limits_ = std::make_unique<SharedLimits>(loop_, resolver_.get(), [](const std::string& what) { say("{}", what); });
  if (auto followed = limits_->follow(config); !followed) {
    say("{}", followed.error());
    co_return false;
  }
  gateway_ = std::make_unique<gateway::Gateway>(
      loop_, *directory_, std::move(*log), workers,
      [this, workers, redis = config.redis, secret = config.tokens.cache_secret](io::Loop& loop, int worker) {
        auto services = std::make_unique<WorkerServices>(
            loop, offload_, signatures_,
            [this](std::uint64_t source, std::uint64_t seen) {
              loop_.post([this, source, seen] { issuers_->ask(source, seen); });
            },
            *limits_, resolver_.get(), worker, workers);
        services->rates.follow(redis);
        services->tokens.follow(secret);
        return services;
      });
  issuers_ = std::make_unique<gateway::KeyKeeper>(
      loop_, *directory_, buffers_,
      [this](const gateway::KeyUpdate& update) {
        gateway_->tell([update](gateway::Worker& worker) { WorkerServices::of(worker).issuers.update(update); });
      },
      [](const std::string& what) { say("{}", what); });
  revocations_ = std::make_unique<RevocationFeed>(
      loop_, resolver_.get(),
      [this](std::shared_ptr<const gateway::RevocationList> list) {
        gateway_->tell([list = std::move(list)](gateway::Worker& worker) {
          WorkerServices::of(worker).revocations.replace(list);
        });
      },
      [](const std::string& what) { say("{}", what); });
  state_.refresh = [this](gateway::InstanceFacts& facts) {
    facts.key_sources = issuers_->facts();
    limits_->fill(facts);
  };
  keys_ = std::make_unique<KeyFeed>(
      loop_, offload_, resolver_.get(),
      [this](std::shared_ptr<const identity::KeySet> keys) {
        gateway_->tell(
            [keys = std::move(keys)](gateway::Worker& worker) { WorkerServices::of(worker).keys.replace(keys); });
      },
      [](const std::string& what) { say("{}", what); });
  keys_->follow(config);
  revocations_->follow(config);
  co_await keys_->begin();
  co_await limits_->settle();
  co_await revocations_->begin();
  admin_ = std::make_unique<gateway::Admin>(*gateway_, *directory_, state_);
  admin_server_ = std::make_unique<http::Server>(loop_, buffers_, *admin_);
  if (auto listening = listen_admin(config); !listening) {
    say("{}", listening.error());
    co_return false;
  }
  auto applied = co_await gateway_->apply(*loaded, inherited_);
  if (!applied) {
    say("{}", applied.error());
    co_return false;
  }
  for (const auto& address : inherited_.close_rest())
    say("a socket was handed in for {}, which the config does not listen on; it is closed", address);
  state_.facts.revision = 1;
  state_.facts.config_applied_at = now_seconds();
  state_.started = true;
  watch_files(config);
  announce(config);
  supervisor_.ready("serving");
  Successor::announce();
  co_return true;
}

std::expected<void, std::string> Process::listen_admin(const snapshot::Snapshot& snapshot) {
  if (snapshot.admin == admin_address_) return {};
  std::vector<int> sockets;
  if (snapshot.admin) {
    auto opened = gateway::open_sockets(*snapshot.admin, 1, inherited_);
    if (!opened) return std::unexpected("admin: " + opened.error());
    sockets = std::move(*opened);
  }
  if (admin_listener_ != 0) admin_server_->close_listener(admin_listener_);
  ++admin_listener_;
  auto settings = std::make_shared<http::ListenerSettings>();
  settings->limits = snapshot.limits;
  for (int fd : sockets) admin_server_->listen(admin_listener_, fd, settings);
  admin_address_ = snapshot.admin;
  admin_sockets_ = std::move(sockets);
  return {};
}

void Process::watch_files(const snapshot::Snapshot& snapshot) {
  std::vector<std::string> files = snapshot.files;
  if (source_.file != "-") files.push_back(source_.file);
  watched_.watch(std::move(files));
}

void Process::announce(const snapshot::Snapshot& snapshot) const {
  for (const auto& warning : snapshot.warnings) say("warning: {}", warning);
  for (const auto& listener : snapshot.listeners)
    say("listening on {}://{}", listener.tls ? "https" : "http", gateway_->bound(listener.address).to_string());
  if (!admin_sockets_.empty()) {
    auto where = gateway::bound_address(admin_sockets_.front()).value_or(*snapshot.admin);
    say("admin on http://{} (/metrics /readyz /livez /startupz)", where.to_string());
  }
  say("serving {} route{} to {} upstream{} with {} worker{}, revision {} of {}", snapshot.routes.size(),
      snapshot.routes.size() == 1 ? "" : "s", snapshot.upstreams.size(), snapshot.upstreams.size() == 1 ? "" : "s",
      gateway_->workers(), gateway_->workers() == 1 ? "" : "s", snapshot.revision, source_.name());
}

io::Task<void> Process::reload(std::string_view why) {
  supervisor_.reloading();
  io::TimePoint begun = io::Clock::now();
  std::uint64_t revision = state_.facts.revision + 1;
  auto loaded = load(revision);
  std::string failure;
  if (!loaded) {
    failure = loaded.error();
  } else if (auto listening = listen_admin(**loaded); !listening) {
    failure = listening.error();
  } else if (auto applied = co_await gateway_->apply(*loaded, inherited_); !applied) {
    failure = applied.error();
  }
  if (!failure.empty()) {
    ++state_.facts.reloads_failed;
    say("reload refused ({}); revision {} stays in use:\n{}", why, state_.facts.revision, failure);
  } else {
    const snapshot::Snapshot& config = **loaded;
    ++state_.facts.reloads_ok;
    state_.facts.revision = revision;
    state_.facts.config_applied_at = now_seconds();
    gateway_->log()->reopen(config.access_log_path.empty() ? "/dev/null" : config.access_log_path);
    for (const auto& warning : config.warnings) say("warning: {}", warning);
    auto took = std::chrono::duration<double, std::milli>(io::Clock::now() - begun).count();
    say("revision {} is in use ({}; {} routes, {:.1f} ms)", revision, why, config.routes.size(), took);
    if (int wanted = options_.workers ? options_.workers : config.workers; wanted && wanted != gateway_->workers())
      say("warning: the number of workers changes at the next start (or SIGUSR2), not by a reload");
    watch_files(config);
    if (auto followed = limits_->follow(config); !followed) say("warning: {}", followed.error());
    gateway_->tell([redis = config.redis, secret = config.tokens.cache_secret](gateway::Worker& worker) {
      WorkerServices::of(worker).rates.follow(redis);
      WorkerServices::of(worker).tokens.follow(secret);
    });
    keys_->follow(config);
    issuers_->follow(config.key_sources);
    revocations_->follow(config);
  }
  names_.ring();  // others are watched now
  supervisor_.ready("serving");
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
  sockets.insert(sockets.end(), admin_sockets_.begin(), admin_sockets_.end());
  limits_->hand_over();
  auto started = co_await successor_.start(loop_, std::move(sockets));
  if (!started) {
    limits_->take_again();
    say("handing over failed, this process goes on: {}", started.error());
    co_return;
  }
  admin_server_->close_listener(admin_listener_);
  co_await drain("a successor serves", true);
}

io::Task<void> Process::drain(std::string_view why, bool at_once) {
  auto timeout = gateway_->current()->drain_timeout;
  say("draining ({}), {} ms at most", why, timeout.count());
  state_.stopping = true;
  co_await gateway_->stop_keeping_alive();
  if (!at_once) {
    supervisor_.stopping();
    co_await io::sleep(loop_, std::min<io::Duration>(kReadinessLead, timeout / 4));
  }
  std::size_t cut = co_await gateway_->drain(timeout);
  if (cut != 0) say("{} connection{} cut at the end of drain_timeout", cut, cut == 1 ? " was" : "s were");
  say("ended");
  ended_ = true;
  for (io::Bell* helper : {&looks_, &names_, &watchdog_}) helper->ring();
  keys_->end();
  limits_->end();
  issuers_->end();
  revocations_->end();
}

}  // namespace weir::app
