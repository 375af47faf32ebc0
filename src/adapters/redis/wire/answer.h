// What a call ends with. Part of adapters/redis/client.h, apart because link.h and exchange.h know it too.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "adapters/redis/wire/reply.h"

namespace weir::adapters::redis {

// Why there is no reply. What Redis itself refuses (WRONGTYPE, NOPERM, ...) is a reply: Reply::is_error().
struct Failure {
  enum class Kind : std::uint8_t {
    unavailable,  // not connected, breaker open, LOADING, READONLY, CLUSTERDOWN, ...; or the connection ended under
                  // it
    timed_out,    // sent, and perhaps executed
    overloaded,   // too much is on its way already; not sent
    ended,        // the client was told to end
  };
  Kind kind = Kind::unavailable;
  std::string_view detail;  // static storage, for a log line
};
using Answer = std::expected<Reply, Failure>;

struct Counters {
  std::uint64_t calls = 0;
  std::uint64_t errors = 0;      // replies that are errors
  std::uint64_t timeouts = 0;    // calls that ended by their deadline
  std::uint64_t refused = 0;     // calls that failed at once: unavailable or overloaded
  std::uint64_t lost = 0;        // calls whose connection ended under them
  std::uint64_t late = 0;        // replies that came after their call had ended
  std::uint64_t reconnects = 0;  // connections opened after a node's first
  std::uint64_t opened = 0;      // times a breaker opened
  std::uint64_t redirects = 0;   // MOVED and ASK that were followed
  std::uint64_t scripts = 0;     // scripts sent in full after NOSCRIPT
  std::uint64_t writes = 0;      // writes to sockets: calls / writes is the depth of the pipeline
};

}  // namespace weir::adapters::redis
