// shared_limits.h.
#include "app/feeds/shared_limits.h"

#include <fmt/format.h>

#include "base/random.h"
#include "ports/redis_settings.h"

namespace weir::app {
namespace {

// Stamps are compared within days; a minute's walk through tables that are mostly untouched costs a millisecond.
constexpr auto kSweep = std::chrono::seconds(60);
constexpr auto kLook = std::chrono::milliseconds(240);
// A server on the same network answers within this; a start does not wait for one that is away.
constexpr auto kSettle = std::chrono::milliseconds(500);

}  // namespace

struct SharedLimits::Beat {
  Beat(SharedLimits& owner, std::shared_ptr<const ports::RedisSettings> settings)
      : client(owner.control_, std::move(settings), owner.resolver_),
        heartbeat(client, owner.scripts, owner.instances, owner.id_) {
    client.on_availability(
        [&owner](bool available, std::string_view why) { owner.note(kControl, available, std::string(why)); });
  }
  adapters::redis::Client client;
  adapters::redis::Heartbeat heartbeat;
};

SharedLimits::SharedLimits(io::Loop& control, ports::NameResolver* resolver, Say say)
    : control_(control),
      resolver_(resolver),
      say_(std::move(say)),
      id_(fmt::format("{:016x}", fast_random())),
      bell_(control) {}

SharedLimits::~SharedLimits() = default;

std::expected<void, std::string> SharedLimits::follow(const snapshot::Snapshot& config) {
  if (!config.state_dir.empty() && state_dir_.empty()) {
    std::string warning;
    if (auto opened = file_.open(config.state_dir, warning); !opened)
      return std::unexpected("state_dir: " + opened.error());
    state_dir_ = config.state_dir;
    if (!warning.empty()) say_("warning: " + warning);
  } else if (config.state_dir != state_dir_) {
    say_("warning: state_dir changes at the next start, not by a reload");
  }
  shared_ = config.limits_shared;
  const bool same = beat_ != nullptr && config.redis != nullptr && beat_->client.settings().same_as(*config.redis);
  if (!same && (beat_ != nullptr || config.redis != nullptr)) replace(config.redis);
  return {};
}

void SharedLimits::replace(std::shared_ptr<const ports::RedisSettings> settings) {
  if (beat_) tasks_.spawn(retire(std::move(beat_)));
  if (!settings) return;
  beat_ = std::make_unique<Beat>(*this, std::move(settings));
  connecting_since_ = control_.now();
}

io::Task<void> SharedLimits::retire(std::unique_ptr<Beat> beat) {
  beat->client.on_availability([](bool, std::string_view) {});
  beat->heartbeat.end();
  while (!beat->heartbeat.ended()) co_await io::sleep(control_, std::chrono::milliseconds(5));
  beat->client.end();
  while (!beat->client.ended()) co_await io::sleep(control_, std::chrono::milliseconds(5));
}

io::Task<void> SharedLimits::settle() {
  const io::TimePoint until = control_.refresh() + kSettle;
  while (beat_ && !beat_->client.available() && control_.now() < until)
    co_await io::sleep(control_, std::chrono::milliseconds(5));
}

io::Task<void> SharedLimits::run() {
  io::TimePoint swept = control_.now();
  while (!ended_) {
    co_await bell_.wait(control_.now() + (beat_ != nullptr || !state_dir_.empty() ? io::Duration(kLook) : kSweep));
    if (control_.now() - swept >= kSweep) {
      swept = control_.now();
      local.sweep(
          std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
              .count());
    }
    // A server that never was there is away too, though nothing changed.
    if (beat_ && connecting_since_ != io::TimePoint{} && control_.now() - connecting_since_ > kSettle) {
      connecting_since_ = {};
      if (!beat_->client.available()) note(kControl, false, beat_->client.last_error());
    }
    if (std::string error = state_dir_.empty() ? std::string() : file_.last_error(); error != file_error_) {
      say_(error.empty() ? "quotas are written again" : "alert: quotas_not_saved: " + error);
      file_error_ = std::move(error);
    }
  }
  replace(nullptr);
  co_await tasks_.join();
}

void SharedLimits::end() {
  ended_ = true;
  bell_.ring();
}

void SharedLimits::hand_over() {
  if (auto saved = file_.let_go(); !saved) say_("warning: quotas are handed over as last written: " + saved.error());
}

void SharedLimits::told(int source, bool available, std::string why) {
  control_.post([this, source, available, why = std::move(why)] { note(source, available, why); });
}

// One line for all workers: when the first cannot ask, and when the last can again.
void SharedLimits::note(int source, bool available, const std::string& why) {
  const bool was = !away_.empty();
  if (available) {
    away_.erase(source);
  } else {
    away_.insert(source);
  }
  if (was == !away_.empty()) return;
  if (available) return say_("redis_back: Redis answers again");
  const std::string_view limits =
      shared_ ? "; limits kept there are decided here, with half of each divided by {} instance{}" : "";
  const std::uint32_t live = instances.live();
  say_("alert: redis_away: Redis cannot be asked (" + (why.empty() ? std::string("no connection") : why) + ")" +
       fmt::format(fmt::runtime(limits), live, live == 1 ? "" : "s"));
}

void SharedLimits::fill(gateway::InstanceFacts& facts) const {
  facts.limits_evicted = local.evicted();
  facts.instances = instances.live();
}

}  // namespace weir::app
