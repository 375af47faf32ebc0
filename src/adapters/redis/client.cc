#include "adapters/redis/client.h"

#include <array>
#include <cstdlib>
#include <utility>

#include "adapters/redis/cluster.h"
#include "adapters/redis/sentinel.h"
#include "adapters/redis/wire/link.h"
#include "adapters/redis/wire/unusable.h"

namespace weir::adapters::redis {
namespace {

// Redis itself gives up forwarding after a few; a cluster in good order needs one.
constexpr int kRedirects = 5;
// The slot is being moved key by key, or a failover is under way: a moment later it may be there.
constexpr io::Duration kTryAgainAfter = std::chrono::milliseconds(10);

// A standalone server is always in the same place, whoever answers to its name.
struct Fixed final : Guide {
  explicit Fixed(Place where) : place(std::move(where)) {}
  io::Task<std::expected<Place, std::string>> where() override { co_return place; }
  Place place;
};

}  // namespace

struct Client::Body {
  Body(io::Loop& loop, std::shared_ptr<const RedisSettings> settings, ports::NameResolver* resolver)
      : shared(loop, std::move(settings), resolver) {
    shared.changed = [this](Link& link, std::string_view why) { on_change(link, why); };
    tasks.spawn(shared.deadlines.watch());
    switch (shared.settings->kind) {
      case RedisSettings::Kind::standalone:
        fixed = std::make_unique<Fixed>(shared.settings->places.front());
        only = std::make_unique<Link>(shared, *fixed, Opening::Purpose::master);
        break;
      case RedisSettings::Kind::sentinel:
        sentinel = std::make_unique<Sentinel>(shared, [this] {
          if (only) only->leave("another server is the master now");
        });
        only = std::make_unique<Link>(shared, *sentinel, Opening::Purpose::master);
        break;
      case RedisSettings::Kind::cluster:
        cluster = std::make_unique<Cluster>(shared);
        break;
    }
    told = usable();
  }

  bool usable() const noexcept {
    if (ending) return false;
    return cluster ? cluster->usable() : only && only->usable();
  }

  Link* route(std::string_view key) const noexcept { return cluster ? cluster->route(key) : only.get(); }

  void on_change(Link& link, std::string_view why) {
    if (cluster && !link.usable()) cluster->doubt();
    const bool now = usable();
    if (std::exchange(told, now) != now && !ending && on_availability) on_availability(now, why);
  }

  Shared shared;
  io::TaskGroup tasks;
  std::unique_ptr<Fixed> fixed;
  std::unique_ptr<Sentinel> sentinel;
  std::unique_ptr<Link> only;
  std::unique_ptr<Cluster> cluster;
  std::function<void(bool, std::string_view)> on_availability;
  bool told = true;
  bool ending = false;
};

Client::Client(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings, ports::NameResolver* resolver)
    : loop_(loop), settings_(std::move(settings)), body_(std::make_unique<Body>(loop, settings_, resolver)) {}

Client::~Client() {
  if (!ended()) std::abort();  // tasks that run on would use what is destroyed here
}

bool Client::available() const noexcept { return body_->usable(); }

bool Client::available_for(std::string_view key) const noexcept {
  const Link* link = body_->route(key);
  return !body_->ending && link && link->usable();
}

void Client::on_availability(std::function<void(bool available, std::string_view why)> told) {
  body_->on_availability = std::move(told);
}

std::string Client::last_error() const {
  if (body_->cluster) return body_->cluster->last_error();
  return body_->only->last_error();
}

const Counters& Client::counters() const noexcept { return body_->shared.counters; }

io::Task<Answer> Client::call(Command command, io::TimePoint deadline) { return run(command, deadline); }

io::Task<Answer> Client::call(const Script& script, std::string_view key, std::span<const std::string_view> arguments,
                              io::TimePoint deadline) {
  constexpr std::size_t kFixed = 4, kArguments = 24;
  if (arguments.size() > kArguments) std::abort();  // a script of ours with more needs this number changed
  std::array<std::string_view, kFixed + kArguments> words{"EVALSHA", script.sha1(), "1", key};
  std::ranges::copy(arguments, words.begin() + kFixed);
  const Words all(words.data(), kFixed + arguments.size());
  Answer answer = co_await run(Command(all, key), deadline);
  if (!answer || answer->error_code() != "NOSCRIPT") co_return answer;
  ++body_->shared.counters.scripts;
  words[0] = "EVAL";
  words[1] = script.source();
  co_return co_await run(Command(all, key), deadline);
}

io::Task<Answer> Client::run(Command command, io::TimePoint deadline) {
  Body& body = *body_;
  Counters& counters = body.shared.counters;
  ++counters.calls;
  Link* link = body.route(command.key());
  bool asking = false;
  for (int tries = 0;; ++tries) {
    if (!link || !link->usable()) {
      ++counters.refused;
      const bool over = body.ending;
      if (body.cluster && !link) body.cluster->doubt();
      co_return std::unexpected(over ? Failure{Failure::Kind::ended, "the client is ending"}
                                     : Failure{Failure::Kind::unavailable, "Redis is not available"});
    }
    Answer answer = co_await Exchange(*link, command.words(), deadline, asking);
    if (!answer) {
      switch (answer.error().kind) {
        case Failure::Kind::timed_out:
          ++counters.timeouts;
          break;
        case Failure::Kind::overloaded:
          ++counters.refused;
          break;
        default:
          ++counters.lost;
      }
      co_return answer;
    }
    if (!answer->is_error()) co_return answer;

    // From here on it is no hot path.
    const std::string_view code = answer->error_code();
    if (body.cluster && tries < kRedirects) {
      if (const auto redirect = parse_redirect(answer->text(), link->place())) {
        ++counters.redirects;
        link = body.cluster->follow(*redirect);
        asking = redirect->ask;
        continue;
      }
      if (code == "TRYAGAIN" || code == "CLUSTERDOWN") {
        body.cluster->doubt();
        if (loop_.refresh() + 2 * kTryAgainAfter < deadline) {
          co_await io::sleep(loop_, kTryAgainAfter);
          link = body.route(command.key());
          asking = false;
          continue;
        }
      }
    }
    ++counters.errors;
    const std::string_view why = unusable(code);
    if (why.empty()) co_return answer;
    if (code == "READONLY" || code == "MASTERDOWN") link->leave("it is a replica");
    co_return std::unexpected(Failure{Failure::Kind::unavailable, why});
  }
}

void Client::end() {
  if (std::exchange(body_->ending, true)) return;
  if (body_->only) body_->only->end();
  if (body_->sentinel) body_->sentinel->end();
  if (body_->cluster) body_->cluster->end();
  body_->shared.deadlines.end();
}

bool Client::ended() const noexcept {
  return body_->ending && body_->tasks.running() == 0 && (!body_->only || body_->only->ended()) &&
         (!body_->sentinel || body_->sentinel->ended()) && (!body_->cluster || body_->cluster->ended());
}

}  // namespace weir::adapters::redis
