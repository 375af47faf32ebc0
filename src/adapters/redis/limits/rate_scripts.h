// The Lua that keeps limits in Redis (rate_store.h). Each touches one key, so that it runs in a Cluster, and takes
// the time from Redis, so that instances need no common clock. A bucket's value is "W:P": its TAT in whole
// microseconds since the epoch and n-ths, the sums of base/gcra.h in doubles, which hold whole numbers up to 2^53
// exactly (the epoch's microseconds reach 2^51 in 2041).
#pragma once

#include "adapters/redis/script.h"

namespace weir::adapters::redis {

struct RateScripts {
  // ARGV: n, cost as whole and part, fill as whole and part. Answers {allowed, TAT ahead of now as whole and part, µs
  // until it would be allowed}. A bucket that is full expires.
  Script take;
  // ARGV: as take; what came back is the cost.
  Script give_back;
  // ARGV: n, one token as whole and part, fill as whole and part, tokens wanted, debt to be charged before. Answers
  // {tokens granted, TAT ahead as whole and part, µs until one token is there}.
  Script lease;
  // ARGV: most, cost, debt to be charged before, ms since the epoch at which the period's key may go. Answers
  // {allowed, used}. A negative cost gives back.
  Script quota;
  // ARGV: this instance's id, ms after which one is gone. Answers how many there are.
  Script heartbeat;

  RateScripts();
};

}  // namespace weir::adapters::redis
