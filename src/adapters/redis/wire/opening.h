// From a place to a connection that takes commands: name, connect, TLS, HELLO or AUTH, SELECT, and whether it is a
// server one can use just now. Used by link.cc, adapters/redis/subscriber.cc and adapters/redis/sentinel.cc, never on
// the way of a call. One attempt; trying again is the caller's.
#pragma once

#include <expected>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/stream.h"
#include "io/task.h"
#include "ports/name_resolver.h"
#include "ports/redis_settings.h"

namespace weir::adapters::redis {

using ports::RedisSettings;
using Place = RedisSettings::Place;

std::string describe(const Place& place);  // "host:port", "[::1]:6379", "unix:/path"

// Host names for the connections of one loop. Keeps the last addresses of each name for when the resolver fails.
class Lookup {
 public:
  Lookup(io::Loop& loop, ports::NameResolver* resolver);
  Lookup(const Lookup&) = delete;
  Lookup& operator=(const Lookup&) = delete;
  ~Lookup();  // no find() may be under way

  io::Task<std::expected<std::vector<IpAddress>, std::string>> find(std::string host, io::TimePoint deadline);

 private:
  // Why: shared with questions under way, which may be answered on the resolver's thread after this loop is gone.
  struct Desk {
    std::mutex mutex;
    io::Loop* loop;  // guarded by mutex; nullptr: nobody waits any more
  };
  io::Loop& loop_;
  ports::NameResolver* resolver_;
  std::shared_ptr<Desk> desk_;
  std::unordered_map<std::string, std::vector<IpAddress>> known_;
};

struct Opening {
  enum class Purpose : std::uint8_t {
    master,    // commands for a server that must be able to write
    node,      // commands for a node of a cluster
    listener,  // subscriptions: any server will do
    sentinel,  // another user, no database
  };
  Purpose purpose = Purpose::master;
  Place place;
  unsigned attempt = 0;  // which of the name's addresses
};

// The error is a sentence for people, without secrets. RESP3 where the server speaks it.
io::Task<std::expected<std::unique_ptr<io::Stream>, std::string>> open(io::Loop& loop, Lookup& lookup,
                                                                       const RedisSettings& settings,
                                                                       Opening opening);

}  // namespace weir::adapters::redis
