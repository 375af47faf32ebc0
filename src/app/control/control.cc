#include "app/control/control.h"

#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include "adapters/cares/resolver.h"
#include "adapters/postgres/store.h"
#include "app/control/control_keys.h"
#include "app/control/control_plane.h"
#include "app/host/config_source.h"
#include "app/host/exit_code.h"
#include "app/host/say.h"
#include "app/host/signals.h"
#include "app/host/supervisor.h"
#include "control/changes/operator_changes.h"
#include "control/holdings.h"
#include "snapshot/compile/compile.h"
#include "snapshot/parts.h"

namespace weir::app {
namespace {

using Config = std::shared_ptr<const snapshot::Snapshot>;

// The file, if it is one that a control plane can run on; else standard error was told.
Config load(const ConfigSource& source, pipeline::FilterTable filters, Json& instance) {
  const auto document = source.load();
  if (!document) {
    print({document.error()}, source);
    return nullptr;
  }
  if (document->find("control") == nullptr) {
    print({{document->position, "", "has no section `control`",
            "it says where the database is and where operators are answered: docs/control-plane.md"}},
          source);
    return nullptr;
  }
  snapshot::Parts parts = snapshot::split(*document);
  if (!parts.document.members().empty()) {
    const Json::Member& first = parts.document.members().front();
    print({{first.value.position, first.name, "has no business in the file of weir control",
            "`weir apply` brings routes, upstreams, … to a control plane"}},
          source);
    return nullptr;
  }
  instance = std::move(parts.instance);
  auto compiled = snapshot::compile(*document, {.filters = filters, .base_dir = source.base_dir});
  if (compiled) return *compiled;
  print(compiled.error(), source);
  return nullptr;
}

int print_public_key(const snapshot::ControlSettings& settings) {
  // Before the database is there, or has its tables, nothing has been signed.
  const auto key = signing_key(settings, [&]() -> std::expected<void, std::string> {
    if (!settings.postgres && !std::filesystem::exists(settings.database)) return {};
    const auto store = open_store(settings);
    const auto holds = store ? control::holdings(**store) : std::unexpected(store.error());
    if (!holds && holds.error().kind == control::StoreError::Kind::outdated) return {};
    return signs_nothing_yet(settings, store);
  });
  if (!key) {
    fmt::print(stderr, "weir control: {}\n", key.error());
    return kProblems;
  }
  fmt::print("{}\n", revision::to_hex(key->public_key()));
  return kOk;
}

// For whoever has lost the last token: who can read the database and its keys may do everything anyway.
int print_new_token(const snapshot::ControlSettings& settings, const std::string& name) {
  auto store = open_store(settings);
  if (!store) {
    fmt::print(stderr, "weir control: control.database: {}\n", store.error().message);
    return kProblems;
  }
  std::string token;
  const auto made = control::transact(**store, false, [&](control::StoreWriter& writer) -> control::Agreed<void> {
    const control::Author author = control::system_author();
    auto issued = control::OperatorChanges(writer, author).add_token(name);
    if (!issued) return std::unexpected(std::move(issued.error()));
    token = std::move(issued->text);
    return {};
  });
  if (!made) {
    fmt::print(stderr, "weir control: {}\n", made.error().message);
    return kProblems;
  }
  fmt::print("{}\n", token);
  return kOk;
}

// Its loop, from the first turn to the last. One thread but for signalled().
class ControlProcess {
 public:
  explicit ControlProcess(Config config)
      : config_(std::move(config)), inherited_(gateway::InheritedSockets::from_environment()) {}

  int run(const Json& instance, const std::string& base_dir, pipeline::FilterTable filters) {
    std::string servers;
    for (const std::string& each : config_->resolver_servers) servers += (servers.empty() ? "" : ",") + each;
    auto resolver = adapters::cares::Resolver::make({.servers = servers});
    if (!resolver) return failed(resolver.error().message);
    resolver_ = std::move(*resolver);
    control_.emplace(loop_, buffers_, resolver_.get());
    if (auto opened = control_->open(*config_, instance, base_dir, filters, false); !opened)
      return failed(opened.error());
    if (auto listening = control_->listen(inherited_); !listening) {
      control_->end();
      while (!control_->ended()) loop_.turn(kTurn);
      return failed(listening.error());
    }
    for (const auto& address : inherited_.close_rest()) say("a socket was handed in for {}; it is closed", address);
    for (const std::string& warning : config_->warnings) say("warning: {}", warning);
    say("revisions are signed with the key whose public half is {}", revision::to_hex(control_->public_key()));
    tasks_.spawn(live());
    while (!ended_) loop_.turn(io::Duration::max());
    const io::TimePoint until = loop_.refresh() + kDrain;
    while (tasks_.running() != 0 || (!control_->ended() && loop_.now() < until)) loop_.turn(kTurn);
    control_->abort();
    while (!control_->ended()) loop_.turn(kTurn);
    return status_;
  }

  // Any thread.
  void signalled(int signal) {
    loop_.post([this, signal] {
      if (signal != SIGTERM && signal != SIGINT)
        return say("SIGHUP and SIGUSR2 do nothing here: restart it, gateways do not notice");
      if (asked_end_) std::_Exit(130);
      asked_end_ = true;
      asked_.ring();
    });
  }

 private:
  // What answers last is a batch of everything, into a database that is slow: kStorePatience, and some.
  static constexpr auto kDrain = std::chrono::seconds(8);
  static constexpr auto kTurn = std::chrono::milliseconds(20);

  static int failed(std::string_view why) {
    fmt::print(stderr, "weir control: {}\n", why);
    return kProblems;
  }

  io::Task<void> live() {
    if (auto prepared = co_await control_->prepare(Json(), nullptr); !prepared) {
      status_ = failed(prepared.error());
    } else {
      control_->run(tasks_);
      if (supervisor_.watchdog().count() != 0) tasks_.spawn(tell_watchdog());
      supervisor_.ready("answering operators");
      while (!asked_end_) co_await asked_.wait(io::kNever);
      supervisor_.stopping();
      say("ending");
    }
    control_->end();
    ended_ = true;
    watchdog_.ring();
  }

  io::Task<void> tell_watchdog() {
    while (!ended_) {
      supervisor_.alive();
      co_await watchdog_.wait(loop_.refresh() + supervisor_.watchdog() / 3);
    }
  }

  Config config_;
  gateway::InheritedSockets inherited_;
  Supervisor supervisor_;
  io::Loop loop_;
  http::BufferPool buffers_;
  std::unique_ptr<adapters::cares::Resolver> resolver_;
  io::Bell asked_{loop_};
  io::Bell watchdog_{loop_};
  std::optional<ControlPlane> control_;
  bool asked_end_ = false;
  bool ended_ = false;
  int status_ = kOk;
  io::TaskGroup tasks_;
};

// True: up to date, or nothing to do.
bool migrate(const snapshot::ControlSettings& settings) {
  if (!settings.postgres) return true;  // a file is brought up to date when it is opened
  const auto steps = adapters::postgres::migrate(settings.database);
  if (steps) {
    say("the database's schema is up to date ({} step{} done)", *steps, *steps == 1 ? "" : "s");
    return true;
  }
  fmt::print(stderr, "weir control: {}\n", steps.error().message);
  return false;
}

}  // namespace

int control(const ControlOptions& options, pipeline::FilterTable filters) {
  const auto source = find_config(options.config, "control");
  if (!source) return kUsage;
  Json instance;
  const Config config = load(*source, filters, instance);
  if (!config) return kProblems;
  if (options.public_key) return print_public_key(*config->control);
  if (!options.new_token.empty()) return print_new_token(*config->control, options.new_token);
  if (!config->redis) {
    fmt::print(
        stderr,
        "{}: weir control needs `redis`, over which gateways get revisions; `weir serve` runs the control plane "
        "and one gateway without it\n",
        source->name());
    return kProblems;
  }
  // The signal thread first: whoever comes later inherits its mask.
  std::atomic<ControlProcess*> process{nullptr};
  Signals signals([&](int signal) {
    if (ControlProcess* told = process.load(std::memory_order_acquire)) told->signalled(signal);
  });
  if (options.migrate && !migrate(*config->control)) return kProblems;
  ControlProcess running(config);
  process.store(&running, std::memory_order_release);
  const int status = running.run(instance, source->base_dir, filters);
  process.store(nullptr, std::memory_order_release);
  return status;
}

}  // namespace weir::app
