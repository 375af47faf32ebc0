// Keeps the workers' list of revoked tokens fresh: lines of a file, which come with each config, and members of the
// sorted set "weir:revoked" in Redis (score: when an entry may be forgotten, seconds since the epoch). A message on
// the channel of that name says that it has changed; it is also read every second, so a lost message costs a second.
// Redis being away leaves the last list in use; a copy of it below state_dir (gateway/keys/revocation_copy.h) is what
// a start without Redis begins with. Control thread; the copy is read and written by io/offload.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "adapters/redis/client.h"
#include "adapters/redis/subscriber.h"
#include "gateway/keys/revocation_copy.h"
#include "gateway/keys/revocation_list.h"
#include "io/loop/bell.h"
#include "io/offload.h"
#include "snapshot/snapshot.h"

namespace weir::app {

class RevocationFeed {
 public:
  using Publish = std::function<void(std::shared_ptr<const gateway::RevocationList>)>;
  using Say = std::function<void(const std::string&)>;
  RevocationFeed(io::Loop& loop, io::Offload& offload, ports::NameResolver* resolver, Publish publish, Say say);
  RevocationFeed(const RevocationFeed&) = delete;
  RevocationFeed& operator=(const RevocationFeed&) = delete;
  ~RevocationFeed();

  void follow(const snapshot::Snapshot& config);
  // Reads the list once, before anybody is served: a start makes no revoked token good. A Redis that is away is
  // waited for half a second; then the copy's lines and the file's count until it is back.
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
  // Makes the copy what the workers begin with, once for each Redis that a config names.
  io::Task<void> read_copy();
  void note_copy();
  io::Task<void> write_copy();
  void use(std::vector<gateway::Revoked> list);
  void publish();

  io::Loop& loop_;
  io::Offload& offload_;
  ports::NameResolver* resolver_;
  Publish publish_;
  Say say_;
  io::Bell bell_;
  std::unique_ptr<Source> source_;  // Redis, if the config says so
  std::string from_file_;
  std::vector<gateway::Revoked> from_redis_;  // the last good answer, or the copy of one
  double latest_until_ = 0;                   // of these lines: till then Redis cannot honestly have none
  std::string state_dir_;                     // empty: no copy
  bool copy_read_ = false;
  bool copy_due_ = false;      // from_redis_ is not what is on disk
  bool copy_writing_ = false;  // one at a time
  std::uint64_t published_ = 0;
  bool away_ = false;
  bool ended_ = false;
  io::TaskGroup tasks_;
};

}  // namespace weir::app
