// The Redis client of one loop (a worker's or the control thread's): standalone, behind Sentinel, or a Cluster.
// Commands of one turn of the loop leave in one write per connection, replies are matched in order. Used by the
// adapters that implement ports (rate store, feeds). It knows no key and no script of theirs.
//
// Nothing here waits longer than the caller's deadline, and nothing waits at all while Redis is known to be away:
// available() is false then, calls fail at once, and the background reconnects or probes until it is back (within
// 2 s). The loop's thread only. What it learns about the server survives nothing: a new client begins anew.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "adapters/redis/script.h"
#include "adapters/redis/wire/answer.h"
#include "adapters/redis/wire/command.h"
#include "io/loop/loop.h"
#include "io/task.h"
#include "ports/name_resolver.h"
#include "ports/redis_settings.h"

namespace weir::adapters::redis {

class Client {
 public:
  // Begins to connect at once. `settings` are shared with the snapshot they came from. `resolver` is for host names;
  // with nullptr only addresses can be used. It must outlive the client.
  Client(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings, ports::NameResolver* resolver);
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client();  // after ended()

  // Sends the command and waits for its reply until `deadline` (kNever is not allowed: every call has an end). A
  // reply that comes later is discarded. In a cluster command.key() says where; MOVED, ASK and TRYAGAIN are followed
  // within the deadline. May be cancelled by destroying the task. No blocking command (BLPOP, SUBSCRIBE, MULTI):
  // the connection is everybody's.
  io::Task<Answer> call(Command command, io::TimePoint deadline);

  // EVALSHA script 1 key arguments...; after NOSCRIPT once more as EVAL. At most 24 arguments.
  io::Task<Answer> call(const Script& script, std::string_view key, std::span<const std::string_view> arguments,
                        io::TimePoint deadline);

  // The usual deadline of a decision: settings().command_timeout from now. Reads the clock: a turn of the loop may
  // have lasted long already.
  io::TimePoint deadline() noexcept { return loop_.refresh() + settings_->command_timeout; }

  // Whether a call has a chance. In a cluster: whether some node is up; a call to the others fails at once as well.
  bool available() const noexcept;
  // In a cluster: whether the node that has this key is up.
  bool available_for(std::string_view key) const noexcept;
  // Called on the loop when available() changes, with why (static storage or the client's; copy it). Must not destroy
  // the client.
  void on_availability(std::function<void(bool available, std::string_view why)> told);
  // Why the last connection failed or ended, for people; never a secret. Empty: nothing is wrong.
  std::string last_error() const;

  const Counters& counters() const noexcept;
  const ports::RedisSettings& settings() const noexcept { return *settings_; }
  io::Loop& loop() const noexcept { return loop_; }

  // Fails what waits, closes, and begins no more. ended() once nothing runs on the loop; an attempt to connect may
  // hold that up for connect_timeout. No call may be under way when the client is destroyed.
  void end();
  bool ended() const noexcept;

 private:
  struct Body;

  io::Task<Answer> run(Command command, io::TimePoint deadline);

  io::Loop& loop_;
  std::shared_ptr<const ports::RedisSettings> settings_;
  std::unique_ptr<Body> body_;
};

}  // namespace weir::adapters::redis
