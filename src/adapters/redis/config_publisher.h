// The control plane's side of the config channel: puts revisions into Redis, puts them back when Redis has lost them,
// and hears the receipts of instances. Made by app on the control loop; that thread only. It signs nothing and keeps
// no history: the store does. Numbers never fall: what Redis has is only replaced by a higher number.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "adapters/redis/client.h"
#include "adapters/redis/config_names.h"
#include "adapters/redis/config_receipt.h"
#include "adapters/redis/subscriber.h"
#include "io/bell.h"
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
    // Silent for an hour: forgotten.
    std::function<void(const std::string& instance)> gone = [](const std::string&) {};
    // A sentence; empty: all is well again.
    std::function<void(const std::string&)> complain = [](const std::string&) {};
  };

  using Head = ConfigHead;

  // Connects at once. `resolver` as for Client. `every`: how often to look; tests have less time.
  ConfigPublisher(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings, ports::NameResolver* resolver,
                  Handlers handlers, io::Duration every = kConfigEvery);
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

  // What Redis has, or why nobody knows.
  io::Task<std::expected<Head, std::string>> head();
  // The head's revision as it lies there, trusted no more than the network; nullopt: none, or nothing that decodes.
  io::Task<std::expected<std::optional<revision::Signed>, std::string>> latest();

  void end();
  bool ended() const noexcept;

 private:
  using Done = std::expected<void, std::string>;
  using Kept = std::shared_ptr<const revision::Signed>;
  struct Heard {
    std::int64_t sent_ms = 0;
    io::TimePoint seen;
  };

  void keep(Kept latest);
  io::Task<Done> put(Kept revision, std::string delta);
  io::Task<void> tend();
  io::Task<Done> put_back();
  io::Task<Done> read_receipts();
  void hear(const Beat& beat, bool told);
  io::Task<void> forget_silent();
  void complain(const std::string& sentence);

  io::Loop& loop_;
  const io::Duration every_;
  Handlers handlers_;
  Kept kept_;
  std::size_t kept_size_ = 0;  // of it, encoded
  std::map<std::string, Heard> heard_;
  std::string complaint_;
  int announcing_ = 0;
  bool ending_ = false;
  Client client_;
  io::Bell bell_;
  io::TaskGroup tasks_;
  Subscriber subscriber_;
};

}  // namespace weir::adapters::redis
