// The connection to one node, with what is on its way over it: sends commands of one turn together, matches replies
// in order, reconnects, and has the breaker. Made by adapters/redis/client.cc (one) or adapters/redis/cluster.cc (one
// per node). The loop's thread only.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapters/redis/wire/backoff.h"
#include "adapters/redis/wire/breaker.h"
#include "adapters/redis/wire/exchange.h"
#include "adapters/redis/wire/opening.h"
#include "adapters/redis/wire/parser.h"
#include "io/loop/bell.h"

namespace weir::adapters::redis {

// What the links of one client share.
struct Shared {
  Shared(io::Loop& on, std::shared_ptr<const RedisSettings> with, ports::NameResolver* resolver)
      : loop(on), settings(std::move(with)), lookup(on, resolver), deadlines(on) {}
  io::Loop& loop;
  std::shared_ptr<const RedisSettings> settings;
  Lookup lookup;
  Deadlines deadlines;
  Counters counters;
  // A link became usable or stopped being so; `why` is valid during the call.
  std::function<void(Link&, std::string_view why)> changed;
};

// Where a link is to connect to, asked before each attempt.
class Guide {
 public:
  virtual ~Guide() = default;
  virtual io::Task<std::expected<Place, std::string>> where() = 0;
};

class Link {
 public:
  // Connects at once. `guide` must outlive the link.
  Link(Shared& shared, Guide& guide, Opening::Purpose purpose);
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;
  ~Link();  // after ended()

  // A call may be sent: connected, or for the first time about to be, and the breaker closed.
  bool usable() const noexcept { return !ending_ && (ready_ || fresh_) && !breaker_.open(); }
  bool ready() const noexcept { return ready_; }
  const Place& place() const noexcept { return place_; }  // the last one tried
  // Why it is not usable, with the place; empty when it is.
  const std::string& last_error() const noexcept { return last_error_; }

  // Ends the connection and begins anew where the guide says: this server is not the right one any more.
  void leave(std::string_view why);

  void end();
  bool ended() const noexcept { return tasks_.running() == 0; }

 private:
  friend class Exchange;
  friend class Deadlines;

  // A queue as long as a worker has requests in flight at the worst; beyond it Redis is far behind.
  static constexpr std::size_t kQueue = 4096;
  // Bytes not yet sent: a document of a control plane fits, a runaway does not.
  static constexpr std::size_t kUnsent = 64u << 20;
  // A reply overdue by this much will not come: the connection, not the server, may be what is dead.
  static constexpr io::Duration kPatience = std::chrono::seconds(1);

  struct Slot {
    Exchange* exchange;  // nullptr: nobody waits for the reply any more
    io::TimePoint patience;
  };
  struct FlushAtEndOfTurn : io::Deferred {
    explicit FlushAtEndOfTurn(Link& owner) noexcept;
    Link& owner;
  };

  std::optional<Failure> send(Exchange& exchange);
  void abandon(Exchange& exchange) noexcept;
  void miss(Exchange& exchange);  // its deadline has passed

  Slot& slot(std::uint64_t number) noexcept { return slots_[number & (kQueue - 1)]; }
  void push(Exchange* exchange, io::TimePoint deadline);
  io::Task<void> run();
  io::Task<void> serve();
  io::Task<void> write();
  io::Task<void> tend();
  io::Task<void> probe();
  bool take_in(std::string_view bytes);
  void answer(Reply reply);
  void fail_all(Failure failure);
  void tell(std::string_view why);
  void stop(std::string_view why);

  Shared& shared_;
  Guide& guide_;
  Opening::Purpose purpose_;
  Place place_;
  Breaker breaker_;
  Backoff backoff_;
  Parser parser_;
  std::unique_ptr<io::Stream> stream_;
  bool ready_ = false;
  bool fresh_ = true;  // no attempt has failed yet and none succeeded
  bool ending_ = false;
  bool told_usable_ = true;
  bool was_connected_ = false;
  bool watched_ = false;  // tend() has set itself a time
  unsigned attempt_ = 0;
  std::string last_error_;

  std::vector<Slot> slots_;  // a ring of kQueue
  std::uint64_t head_ = 0;   // the next to be answered
  std::uint64_t tail_ = 0;   // the next to be sent
  std::string unsent_;
  std::string sending_;
  FlushAtEndOfTurn flush_;
  io::Bell write_bell_;
  io::Bell retry_bell_;
  io::Bell tend_bell_;
  io::TaskGroup tasks_;
  io::TaskGroup serving_;
};

}  // namespace weir::adapters::redis
