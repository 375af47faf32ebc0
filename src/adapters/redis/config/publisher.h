// The control plane's side of the config channel: puts revisions into Redis, puts them back when Redis has lost them,
// and hears the receipts of instances. Made by app on the control loop; that thread only. It signs nothing and keeps
// no history: the store does. Numbers never fall: what Redis has is only replaced by a higher number, unless its head
// is not of a revision that this control plane's key has signed: then whoever reaches Redis has written it, or
// damaged it, and it is overwritten.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>

#include "adapters/redis/client.h"
#include "adapters/redis/config/instances.h"
#include "adapters/redis/config/names.h"
#include "adapters/redis/config/receipt.h"
#include "adapters/redis/config/scripts.h"
#include "adapters/redis/subscriber.h"
#include "io/loop/bell.h"
#include "io/task.h"
#include "revision/signed.h"

namespace weir::adapters::redis {

class ConfigPublisher {
 public:
  // Documents and deltas that stay in Redis: a gateway that was away for less follows by deltas.
  static constexpr int kKept = 10;

  struct Handlers {
    // Every receipt that is new or a new sign of life, at most 2 s after it was sent. `seen_ms` is when the instance
    // last gave a sign, Unix time by this machine's clock (one found at the start and never heard: by its own).
    std::function<void(const ports::Receipt& receipt, std::int64_t seen_ms)> receipt = [](const ports::Receipt&,
                                                                                          std::int64_t) {};
    // Silent for an hour, or for 10 s while there are too many: forgotten.
    std::function<void(const std::string& instance)> gone = [](const std::string&) {};
    // Redis was read, its head and then its receipts: the number of the head, and whether it is a revision that the
    // key has signed. After each look.
    std::function<void(std::uint64_t number, bool is_signed)> looked = [](std::uint64_t, bool) {};
    // A sentence; empty: all is well again.
    std::function<void(const std::string&)> complain = [](const std::string&) {};
    // A sentence about something that is over already.
    std::function<void(const std::string&)> warn = [](const std::string&) {};
  };

  using Head = ConfigHead;

  // Connects at once. `resolver` as for Client. `every`: how often to look; tests have less time.
  ConfigPublisher(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings, ports::NameResolver* resolver,
                  const revision::PublicKey& key, Handlers handlers, io::Duration every = kConfigEvery);
  ConfigPublisher(const ConfigPublisher&) = delete;
  ConfigPublisher& operator=(const ConfigPublisher&) = delete;
  ~ConfigPublisher();  // after ended()

  // Puts `now` into Redis with the delta that leads to it from `before` (nullptr: none) and tells gateways; from then
  // on keeps it there, also if this fails because Redis is away: it is put there when Redis is back. Both must live
  // until it returns. The error is a sentence.
  io::Task<std::expected<void, std::string>> announce(const revision::Signed& now, const revision::Signed* before);

  // The newest revision of the store, as known at the start: put into Redis now and whenever it is not there.
  // A lower number than the one kept is ignored.
  void keep(revision::Signed latest);

  // What Redis has, or why nobody knows; trusted no more than the network.
  io::Task<std::expected<Head, std::string>> head();
  // The head's revision as it lies there, trusted no more; nullopt: none, or nothing that decodes.
  io::Task<std::expected<std::optional<revision::Signed>, std::string>> latest();

  void end();
  bool ended() const noexcept;

 private:
  using Done = std::expected<void, std::string>;
  using Kept = std::shared_ptr<const revision::Signed>;

  void keep(Kept latest);
  io::Task<std::expected<std::optional<revision::Signed>, std::string>> read(ConfigHead head);
  io::Task<std::expected<bool, std::string>> trusts(ConfigHead head);
  // The head that stands in the way and is trusted; number 0: it is done.
  io::Task<std::expected<ConfigHead, std::string>> put(Kept revision, std::string delta, ConfigHead bad);
  io::Task<void> tend();
  io::Task<Done> look();
  io::Task<Done> put_back(ConfigHead there, bool trusted);
  io::Task<std::expected<bool, std::string>> is_whole(Kept kept);
  Done behind(const ConfigHead& there);
  io::Task<Done> read_receipts();
  void hear(const Beat& beat, bool told);
  void drop(std::uint64_t receipts);
  io::Task<void> forget_silent();
  void complain(const std::string& sentence);

  io::Loop& loop_;
  const io::Duration every_;
  const revision::PublicKey key_;
  Handlers handlers_;
  Kept kept_;
  std::size_t kept_size_ = 0;  // of it, encoded
  io::TimePoint read_whole_;   // when it is to be compared byte by byte again
  ConfigHead trusted_;         // the last one that was
  ConfigHead doubted_;         // the last one that was not
  ConfigHead replaced_;        // the last one that was told to be
  std::optional<io::TimePoint> behind_since_;
  const Script read_instances_{std::string(kReadInstances)};
  ConfigInstances instances_;
  io::TimePoint make_room_;     // not before
  std::uint64_t dropped_ = 0;   // receipts that were not told yet
  io::TimePoint tell_dropped_;  // not before
  std::string complaint_;
  int announcing_ = 0;
  bool ending_ = false;
  Client client_;
  io::Bell bell_;
  io::TaskGroup tasks_;
  Subscriber subscriber_;
};

}  // namespace weir::adapters::redis
