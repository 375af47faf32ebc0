// The live state of one upstream on one worker: its targets, their resolved addresses and their idle connections.
// Hangs on the upstream's name, not on a snapshot, and is reconciled on reload: what is still right is kept. The
// worker's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "io/stream.h"
#include "pipeline/route.h"

namespace weir::upstream {

class Upstream;
struct Target;

// A connection in use: given back to its pool with release(), or closed by destruction.
class Connection {
 public:
  Connection(Target& target, std::unique_ptr<io::Stream> stream) noexcept;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  io::Stream& stream() const noexcept { return *stream_; }
  bool reused() const noexcept { return served_ != 0; }
  const std::string& address() const noexcept;

 private:
  friend class Upstream;
  Target& target_;
  std::unique_ptr<io::Stream> stream_;
  std::uint64_t served_ = 0;
  std::size_t index_;  // in the target's `made`
  io::TimePoint idle_since_{};
};

struct Target {
  pipeline::TargetSpec spec;
  std::vector<SocketAddress> addresses;  // resolved; empty: nothing known yet
  std::size_t next_address = 0;
  std::int64_t current_weight = 0;
  std::vector<std::unique_ptr<Connection>> idle;  // the last used at the end
  std::vector<Connection*> made;                  // in use or idle, in no order
  std::size_t connections = 0;                    // in use, idle or being opened
  bool retired = false;                           // no longer in the config; kept until its last connection has gone
};

// Which targets a request has tried already; 64 are more than it will.
using Tried = std::uint64_t;

struct Counters {
  std::uint64_t opened = 0;
  std::uint64_t reused = 0;
  std::uint64_t failed = 0;  // connects and handshakes
};

class Upstream {
 public:
  Upstream(io::Loop& loop, pipeline::UpstreamSpec spec);
  Upstream(const Upstream&) = delete;
  Upstream& operator=(const Upstream&) = delete;
  ~Upstream();

  const pipeline::UpstreamSpec& spec() const noexcept { return spec_; }
  io::Loop& loop() const noexcept { return loop_; }

  // Chooses a target by smooth weighted round robin, leaving out those in `tried` as long as there are others, and
  // adds it there. nullptr: no target has an address.
  Target* pick(Tried& tried) noexcept;

  // The warmest idle connection of a target that has not been closed from the other side, or nullptr. `check`: ask
  // the kernel too, for a request that must not be sent twice.
  std::unique_ptr<Connection> take_idle(Target& target, bool check) noexcept;

  // A new connection, TLS included. Errors: upstream_refused, upstream_connect_timeout, upstream_tls_failed.
  // `opening` can end it early.
  io::Task<Result<std::unique_ptr<Connection>>> open(Target& target, io::TimePoint deadline,
                                                     io::Opening* opening = nullptr);

  // Gives back a connection whose exchange ended in good order, with nothing left to read.
  void release(std::unique_ptr<Connection> connection) noexcept;

  // New settings under the same key: targets that stay keep their connections and addresses. True if there are new
  // ones, whose host names' addresses are to be told by resolved().
  bool reconcile(pipeline::UpstreamSpec spec);
  // A host name's addresses changed.
  void resolved(const std::string& host, const std::vector<IpAddress>& addresses);

  // Cuts every connection, those in use too: whoever reads or writes on one is told at once. For the end of the
  // worker.
  void abort() noexcept;

  const Counters& counters() const noexcept { return counters_; }
  std::size_t idle_connections() const noexcept;

 private:
  void sweep();
  void forget_retired() noexcept;

  struct SweepTimer : io::Timer {
    explicit SweepTimer(Upstream& owner) noexcept
        : Timer([](io::Timer& timer) { static_cast<SweepTimer&>(timer).owner.sweep(); }), owner(owner) {}
    Upstream& owner;
  };

  io::Loop& loop_;
  pipeline::UpstreamSpec spec_;
  std::vector<std::unique_ptr<Target>> targets_;
  std::vector<std::unique_ptr<Target>> retired_;
  Counters counters_;
  SweepTimer sweep_timer_;
};

}  // namespace weir::upstream
