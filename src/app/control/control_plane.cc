#include "app/control/control_plane.h"

#include "adapters/postgres/store.h"
#include "adapters/sqlite/store.h"
#include "app/control/control_keys.h"
#include "app/host/say.h"
#include "base/json/nearest.h"
#include "control/changes/operator_changes.h"
#include "control/holdings.h"
#include "ports/redis_settings.h"

namespace weir::app {
namespace {

// A database that is away is asked again; what Redis has is looked at as often as gateways do.
constexpr auto kAgain = std::chrono::seconds(2);
// What somebody says of numbers without a signature, in a receipt or in Redis' head, is believed so far above the
// database's: more than a backup ever lacks, and of 2^53 numbers a stranger uses up few by each lie.
constexpr std::uint64_t kMostRise = 1'000'000;

void say_it(const std::string& what) { say_line(what); }

std::expected<control::LintSettings, std::string> lint_settings(const snapshot::ControlSettings& settings) {
  std::vector<std::string_view> known;
  for (const control::LintRule& rule : control::lint_rules()) known.push_back(rule.name);
  control::LintSettings out;
  for (const auto& [rule, severity] : settings.lint) {
    if (std::ranges::find(known, rule) == known.end())
      return std::unexpected(
          fmt::format("control.lint: there is no rule \"{}\"; {}", rule, did_you_mean(rule, known, "rules")));
    out.emplace(rule, *control::severity_of(severity));
  }
  return out;
}

// What documents are proved with: this file's own part, which may be a control plane's without listeners.
Json proving_instance(const Json& instance) {
  Json out = instance;
  if (out.find("listeners") != nullptr) return out;
  Json listener;
  listener.set("address", "127.0.0.1:0");
  out.set("listeners", Json::array().push(std::move(listener)));
  return out;
}

}  // namespace

control::StoreResult<std::unique_ptr<control::Store>> open_store(const snapshot::ControlSettings& settings) {
  return settings.postgres ? adapters::postgres::open(settings.database) : adapters::sqlite::open(settings.database);
}

ControlPlane::ControlPlane(io::Loop& loop, http::BufferPool& buffers, ports::NameResolver* resolver)
    : loop_(loop), buffers_(buffers), resolver_(resolver), bell_(loop), work_bell_(loop) {}

ControlPlane::~ControlPlane() = default;

ControlPlane::Outcome ControlPlane::open(const snapshot::Snapshot& config, const Json& instance,
                                         const std::string& base_dir, pipeline::FilterTable filters,
                                         bool in_process) {
  opened_ = io::Clock::now();
  settings_ = *config.control;
  limits_ = config.limits;
  limits_.body_bytes = control::api::kLargestRequest;
  auto store = open_store(settings_);
  auto signing = signing_key(settings_, [&]() -> Outcome {
    auto none = signs_nothing_yet(settings_, store);
    if (none || !in_process || !store || !control::holdings(**store)) return none;
    // The only gateway is this one, for which the last revision is signed again.
    say("alert: signing_key_lost: {}. Another one is made now, and the last revision signed with it", none.error());
    return {};
  });
  if (!signing) return std::unexpected(signing.error());
  signing_key_.emplace(std::move(*signing));
  if (in_process) {
    local_ = std::make_unique<LocalChannel>([this](const ports::Receipt& receipt) {
      own_receipt_ = receipt;  // of numbers whose signature it has seen
      know(std::max(receipt.revision, receipt.in_use));
      bell_.ring();
    });
  }
  if (!store) return std::unexpected("control.database: " + store.error().message);
  bool lost = false;
  auto master = master_key(settings_, [&] {
    auto none = seals_nothing_yet(settings_, store);
    lost = !none;
    return none;
  });
  if (lost && in_process) {
    say("alert: master_key_lost: {}. What uses none of them works on", master.error());
    master.emplace();
  }
  if (!master) return std::unexpected(master.error());
  auto lint = lint_settings(settings_);
  if (!lint) return std::unexpected(lint.error());
  rules_.emplace(filters);
  rules_->instance = proving_instance(instance);
  rules_->base_dir = base_dir;
  rules_->master_key = std::move(*master);
  rules_->lint = std::move(*lint);
  rules_->shrink_percent = settings_.shrink_guard;
  if (settings_.probe_upstreams) rules_->probe = control::probe_by_connecting;

  store_ = std::move(*store);
  auto keys = ControlKeyStore::open(config);
  if (!keys) return std::unexpected(keys.error());
  api_keys_ = std::move(*keys);

  if (!in_process) {
    publisher_ = std::make_unique<adapters::redis::ConfigPublisher>(
        loop_, config.redis, resolver_, signing_key_->public_key(),
        adapters::redis::ConfigPublisher::Handlers{
            .receipt =
                [this](const ports::Receipt& receipt, std::int64_t seen_ms) {
                  board_.heard(receipt, seen_ms);
                  believe(receipt.revision);
                  believe(receipt.in_use);
                },
            .gone = [this](const std::string& instance) { board_.gone(instance); },
            .looked = [this](std::uint64_t head, bool is_signed) { redis_was_read(head, is_signed); },
            .complain =
                [](const std::string& what) {
                  say_line(what.empty() ? "revisions reach Redis again" : "Redis: " + what);
                },
            .warn = [](const std::string& what) { say_line("warning: " + what); }});
  }
  announcer_.emplace(
      loop_, *store_,
      [this](Announcer::Revision now, Announcer::Revision before) { return send(std::move(now), std::move(before)); },
      say_it);
  control::api::Means means{.store = *store_,
                            .rules = *rules_,
                            .signing_key = *signing_key_,
                            .instances = board_,
                            .keys = api_keys_.get(),
                            .allowed_hosts = settings_.allowed_hosts,
                            .number_floor = [this] { return number_floor(); },
                            .ready = [this] { return ready_.load(std::memory_order_relaxed); }};
  if (api_keys_) means.hash_secret = [this](std::string_view secret) { return api_keys_->hash(secret); };
  api_.emplace(std::move(means));
  handler_.emplace(loop_, offload_, *api_, board_, [this](std::uint64_t number) { return announce(number); });
  server_.emplace(loop_, buffers_, *handler_);
  return {};
}

bool ControlPlane::runs_on(const snapshot::ControlSettings& settings) const {
  const auto told = [](const snapshot::ControlSettings& of) {
    return std::tie(of.address, of.database, of.signing_key_file, of.master_key_file, of.master_key, of.allowed_hosts,
                    of.lint, of.probe_upstreams, of.shrink_guard);
  };
  return told(settings) == told(settings_);
}

void ControlPlane::know(std::uint64_t number) noexcept {
  // The next one must be one of Redis, too.
  if (number < adapters::redis::kHighestNumber && number > floor_.load(std::memory_order_relaxed))
    floor_.store(number, std::memory_order_relaxed);
}

// Nobody has signed it.
void ControlPlane::believe(std::uint64_t number) noexcept {
  if (number <= newest_ + kMostRise) know(number);
}

void ControlPlane::redis_was_read(std::uint64_t head, bool is_signed) {
  if (is_signed) {
    know(head);
  } else {
    believe(head);
  }
  if (redis_read_) return;
  {
    const std::lock_guard lock(reading_);
    redis_read_ = true;
  }
  read_.notify_all();
}

// For the API's threads. In the first moments it waits until Redis was read, which may have numbers that a database
// from a backup has not.
std::uint64_t ControlPlane::number_floor() {
  if (publisher_) {
    std::unique_lock lock(reading_);
    read_.wait_until(lock, opened_ + adapters::redis::kConfigPatience, [this] { return redis_read_; });
  }
  return floor_.load(std::memory_order_relaxed);
}

io::Task<ControlPlane::Outcome> ControlPlane::announce(std::uint64_t number) {
  if (publisher_ && !redis_read_)
    say("warning: revision {} has its number without regard to Redis, which could not be read since the start. If "
        "gateways use a later one, because the database is older, publish once more when Redis is back",
        number);
  co_return co_await announcer_->announce(number);
}

ControlPlane::Outcome ControlPlane::listen(gateway::InheritedSockets& inherited) {
  auto opened = gateway::open_own_socket(settings_.address, inherited);
  if (!opened) return std::unexpected("control.address: " + opened.error());
  sockets_ = std::move(*opened);
  auto settings = std::make_shared<http::ListenerSettings>();
  settings->limits = limits_;
  settings->tls = settings_.tls;
  for (const int fd : sockets_) server_->listen(1, fd, settings);
  say("admin API on {}://{}", settings_.tls ? "https" : "http",
      gateway::bound_address(sockets_.front()).value_or(settings_.address).to_string());
  return {};
}

bool ControlPlane::database_is_new() const {
  const auto found = control::holdings(*store_);
  return found && found->nothing();
}

// The last revision's number, if our key did not sign it.
std::uint64_t ControlPlane::signed_by_another() const {
  std::uint64_t out = 0;
  (void)store_->read([&](control::StoreView& view) -> control::StoreResult<void> {
    const auto last = view.document(0);
    if (last && *last && !revision::verify(**last, signing_key_->public_key())) out = (*last)->number;
    return {};
  });
  return out;
}

ControlPlane::Prepared ControlPlane::prepare_store(const Json& seed, const InUse& in_use) {
  const std::uint64_t floor = floor_.load(std::memory_order_relaxed);
  Prepared out;
  auto token = control::bootstrap(*store_);
  if (!token) {
    out.objection = std::move(token.error());
    return out;
  }
  out.token = token->value_or("");
  // The gateway of this process knows only this key. Among replicas a key of one's own is a mistake to be told, not
  // one to be published.
  if (local_) {
    auto again = control::sign_again(*store_, *rules_, *signing_key_, floor);
    if (!again) {
      out.objection = std::move(again.error());
      return out;
    }
    if (*again) out.signed_again = (*again)->info.number;
  }
  if (publisher_) out.foreign = signed_by_another();
  if (in_use) {
    auto restored = control::restore(*store_, *rules_, *signing_key_, *in_use, floor);
    if (!restored) {
      out.objection = std::move(restored.error());
      return out;
    }
    if (*restored) out.restored = (*restored)->info.number;
  }
  if (seed.members().empty()) return out;
  auto seeded = control::seed(*store_, *rules_, *signing_key_, seed, floor);
  if (!seeded) {
    out.objection = std::move(seeded.error());
  } else {
    if (*seeded) out.seeded = (*seeded)->info.number;
    out.unused = !*seeded;
  }
  return out;
}

// What gateways have, if the database has nothing; false: not known yet.
io::Task<bool> ControlPlane::look_in_redis() {
  const auto fresh = co_await offload_.run(loop_, [this] { return database_is_new(); });
  if (!fresh || !*fresh) co_return fresh.has_value();
  auto found = co_await publisher_->latest();
  if (!found) {
    say("the database is empty, and what gateways use is not known yet: {}", found.error());
    co_return false;
  }
  if (!*found) co_return true;
  if (const auto holds = revision::verify(**found, signing_key_->public_key()); !holds) {
    say("alert: control_plane_not_restored: the database is empty, and what Redis has is not taken: {}",
        holds.error());
    co_return true;
  }
  in_use_ = std::make_shared<const revision::Signed>(std::move(**found));
  co_return true;
}

io::Task<ControlPlane::Outcome> ControlPlane::try_prepare() {
  if (publisher_ && !in_use_ && !co_await look_in_redis()) co_return Outcome{};
  auto prepared = co_await offload_.run(loop_, [this] { return prepare_store(seed_, in_use_); });
  if (!prepared) co_return std::unexpected(std::string("too much waits for the database"));
  if (!prepared->token.empty())
    fmt::print(stderr, "\nThe operator \"admin\" is made. Its token, shown only now:\n\n  {}\n\n", prepared->token);
  if (prepared->objection) {
    std::string why = prepared->objection->message;
    for (const control::Finding& finding : prepared->objection->findings) why += "\n" + control::describe(finding);
    const bool away = prepared->objection->kind == control::Objection::Kind::store &&
                      (prepared->objection->store.kind == control::StoreError::Kind::unavailable ||
                       prepared->objection->store.kind == control::StoreError::Kind::read_only);
    if (!away) co_return std::unexpected("control.database: " + why);
    say("the database cannot be used yet, it is tried again: {}", why);
    co_return Outcome{};
  }
  if (prepared->signed_again != 0)
    say("warning: the last revision was signed with another key; it is revision {} now, signed with {}",
        prepared->signed_again, settings_.signing_key_file);
  if (prepared->foreign != 0)
    say("alert: signing_key_changed: revision {} was signed with another key than {}. Gateways that know only this "
        "key refuse it until it is published again, others refuse what is published here",
        prepared->foreign, settings_.signing_key_file);
  if (prepared->restored != 0)
    say("alert: control_plane_restored: the database was empty, but revision {} is in use: it is the draft and "
        "revision {} now. Operators, tokens, the audit log and older revisions are those of a new database",
        in_use_->number, prepared->restored);
  if (prepared->seeded != 0) say("the database was empty: the file's routes are revision {} now", prepared->seeded);
  if (prepared->unused)
    say("warning: routes, upstreams, … of the file are not used: the control plane's database has its own; "
        "`weir apply` brings them in");
  seed_ = Json();
  in_use_ = nullptr;
  prepared_ = true;
  ready_.store(true, std::memory_order_relaxed);
  co_return Outcome{};
}

io::Task<ControlPlane::Outcome> ControlPlane::prepare(Json seed, InUse in_use) {
  seed_ = std::move(seed);
  in_use_ = std::move(in_use);
  co_return co_await try_prepare();
}

io::Task<ControlPlane::Outcome> ControlPlane::send(Announcer::Revision now, Announcer::Revision before) {
  newest_ = now->number;
  know(newest_);
  if (local_) {
    local_->announce(*now);
    co_return Outcome{};
  }
  co_return co_await publisher_->announce(*now, before.get());
}

// The database first, if it was away at the start; then the announcements.
io::Task<void> ControlPlane::work() {
  while (!prepared_ && !ended_) {
    co_await work_bell_.wait(loop_.refresh() + kAgain);
    if (ended_) break;
    if (auto done = co_await try_prepare(); !done) say_line(done.error());
  }
  if (!ended_) co_await announcer_->run();
}

// Signs of life of the gateway in this process.
io::Task<void> ControlPlane::beat() {
  while (!ended_) {
    if (own_receipt_) board_.heard(*own_receipt_, control::now_ms());
    co_await bell_.wait(loop_.refresh() + kAgain);
  }
}

void ControlPlane::run(io::TaskGroup& tasks) {
  tasks.spawn(work());
  tasks.spawn(beat());
}

void ControlPlane::end() {
  if (ended_) return;
  ended_ = true;
  ready_.store(false, std::memory_order_relaxed);
  if (handler_) handler_->stop();
  if (server_) server_->drain();
  if (announcer_) announcer_->end();
  if (publisher_) publisher_->end();
  bell_.ring();
  work_bell_.ring();
}

bool ControlPlane::ended() const noexcept {
  return (!server_ || server_->ended()) && (!publisher_ || publisher_->ended());
}

}  // namespace weir::app
