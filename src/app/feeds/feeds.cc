#include "app/feeds/feeds.h"

#include <ctime>

#include "app/feeds/worker_services.h"
#include "app/host/say.h"

namespace weir::app {
namespace {

void say_it(const std::string& what) { say_line(what); }

}  // namespace

Feeds::Feeds(io::Loop& control, http::BufferPool& buffers, upstream::Directory& directory,
             ports::NameResolver* resolver)
    : loop_(control),
      resolver_(resolver),
      limits_(control, resolver, say_it),
      keys_(
          control, files_, resolver,
          [this](std::shared_ptr<const identity::KeySet> keys) {
            gateway_->tell(
                [keys = std::move(keys)](gateway::Worker& worker) { WorkerServices::of(worker).keys.replace(keys); });
          },
          say_it),
      issuers_(
          control, directory, buffers,
          [this](const gateway::KeyUpdate& update) {
            gateway_->tell([update](gateway::Worker& worker) { WorkerServices::of(worker).issuers.update(update); });
          },
          say_it),
      revocations_(
          control, files_, resolver,
          [this](std::shared_ptr<const gateway::RevocationList> list) {
            gateway_->tell([list = std::move(list)](gateway::Worker& worker) {
              WorkerServices::of(worker).revocations.replace(list);
            });
          },
          say_it) {}

gateway::Attach Feeds::attach(const snapshot::Snapshot& config, int workers) {
  return [this, workers, redis = config.redis, secret = config.tokens.cache_secret](io::Loop& loop, int worker) {
    auto services = std::make_unique<WorkerServices>(
        loop, passwords_, signatures_,
        [this](std::uint64_t source, std::uint64_t seen) {
          loop_.post([this, source, seen] { issuers_.ask(source, seen); });
        },
        limits_, resolver_, worker, workers);
    services->rates.follow(redis);
    services->tokens.follow(secret);
    return services;
  };
}

io::Task<void> Feeds::begin(gateway::Gateway& gateway, const snapshot::Snapshot& config) {
  gateway_ = &gateway;
  keys_.follow(config);
  revocations_.follow(config);
  // Side by side: each may wait for a Redis that is away, and a start must not wait for all of them in turn.
  io::TaskGroup together;
  together.spawn(keys_.begin());
  together.spawn(limits_.settle());
  together.spawn(revocations_.begin());
  co_await together.join();
}

void Feeds::run(io::TaskGroup& tasks, const snapshot::Snapshot& config) {
  issuers_.follow(config.key_sources);
  tasks.spawn(keys_.run());
  tasks.spawn(issuers_.run());
  tasks.spawn(revocations_.run());
  tasks.spawn(limits_.run());
}

void Feeds::follow(const snapshot::Snapshot& config) {
  if (auto followed = limits_.follow(config); !followed) say("warning: {}", followed.error());
  gateway_->tell([redis = config.redis, secret = config.tokens.cache_secret](gateway::Worker& worker) {
    WorkerServices::of(worker).rates.follow(redis);
    WorkerServices::of(worker).tokens.follow(secret);
  });
  keys_.follow(config);
  issuers_.follow(config.key_sources);
  revocations_.follow(config);
}

void Feeds::end() {
  // Workers wait for what has begun; the rest could hold them for seconds, for clients that are cut already.
  passwords_.give_up();
  keys_.end();
  limits_.end();
  issuers_.end();
  revocations_.end();
}

io::Task<void> Feeds::abandon() {
  // What asks Redis already ends in its own time; the issuers' keys were not asked for yet.
  revocations_.end();
  co_await revocations_.run();
  keys_.end();
  co_await keys_.run();
  limits_.end();
  co_await limits_.run();
}

void Feeds::fill(gateway::InstanceFacts& facts) const {
  facts.key_sources = issuers_.facts();
  if (const identity::KeySet* keys = keys_.keys()) {
    const identity::KeyStates states = states_of(*keys, std::time(nullptr));
    facts.api_keys = {states.live, states.disabled, states.revoked, states.expired};
  }
  limits_.fill(facts);
}

}  // namespace weir::app
