// Keeps the workers' list of revoked tokens fresh: lines of a file, which come with each config, and members of the
// sorted set "weir:revoked" in Redis (score: when an entry may be forgotten, seconds since the epoch). A message on
// the channel of that name says that it has changed; it is also read every second, so a lost message costs a second.
// Redis being away leaves the last list in use. Control thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "adapters/redis/client.h"
#include "adapters/redis/subscriber.h"
#include "gateway/revocation_list.h"
#include "io/bell.h"
#include "snapshot/snapshot.h"

namespace weir::app {

class RevocationFeed {
 public:
  using Publish = std::function<void(std::shared_ptr<const gateway::RevocationList>)>;
  using Say = std::function<void(const std::string&)>;
  RevocationFeed(io::Loop& loop, ports::NameResolver* resolver, Publish publish, Say say);
  RevocationFeed(const RevocationFeed&) = delete;
  RevocationFeed& operator=(const RevocationFeed&) = delete;
  ~RevocationFeed();

  void follow(const snapshot::Snapshot& config);
  // Reads the list once, before anybody is served: a start makes no revoked token good. A Redis that is away is
  // waited for half a second; then only the file's lines count until it is back.
  io::Task<void> begin();
  // Until end().
  io::Task<void> run();
  void end();

 private:
  struct Source;
  io::Task<void> retire(std::unique_ptr<Source> source);
  io::Task<void> read();
  // False: the answer is no list, or an empty one where a list should still be.
  bool take(const adapters::redis::Answer& answer, double now);
  void publish();

  io::Loop& loop_;
  ports::NameResolver* resolver_;
  Publish publish_;
  Say say_;
  io::Bell bell_;
  std::unique_ptr<Source> source_;  // Redis, if the config says so
  std::string from_file_;
  std::string from_redis_;   // the last good answer, as lines
  double latest_until_ = 0;  // of these lines: till then Redis cannot honestly have none
  std::uint64_t published_ = 0;
  bool away_ = false;
  bool ended_ = false;
  io::TaskGroup tasks_;
};

}  // namespace weir::app
