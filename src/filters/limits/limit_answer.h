// What limits tell the client, whichever filter it was: RateLimit and RateLimit-Policy
// (draft-ietf-httpapi-ratelimit-headers-11), the older X-RateLimit-* where they are asked for, and Retry-After. Used
// by rate_limit, quota, concurrency_limit and flood_guard on the exchange's thread.
#pragma once

#include <span>

#include "pipeline/exchange.h"
#include "pipeline/filter.h"
#include "ports/rate_store.h"

namespace weir::filters {

// Room for `count` questions, in the exchange's arena.
std::span<ports::RateAsk> questions(pipeline::Exchange& exchange, std::size_t count);

// Asks the store. The verdict is `reason` if a limit refused, with Retry-After: whole seconds, rounded up, never
// earlier than the limit lets it through again. Or `wait`: then decide_waiting() has the verdict.
pipeline::Verdict decide(pipeline::Exchange& exchange, std::span<ports::RateAsk> asks, Reason reason);
io::Task<pipeline::Verdict> decide_waiting(pipeline::Exchange& exchange, Reason reason);

// The verdict on what is decided.
pipeline::Verdict conclude(pipeline::Exchange& exchange, std::span<const ports::RateAsk> asks, Reason reason);

// Puts what all limits said on the response, once for all filters. `legacy`: X-RateLimit-Limit, -Remaining and -Reset
// (seconds) of the strictest too.
void tell(pipeline::Exchange& exchange, bool legacy);

}  // namespace weir::filters
