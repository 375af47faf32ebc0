// What is settled about a request before any filter sees it: that it is one, its one canonical path and host, who it
// is from, and which route takes it. Called by run.cc only. Plain functions: nothing here waits.
#pragma once

#include "pipeline/exchange.h"
#include "snapshot/snapshot.h"

namespace weir::gateway {

// Errors: whatever the parser found, unsupported_method, bad_path, bad_request (Host), misdirected.
Result<void> admit(pipeline::Exchange& exchange, const snapshot::Snapshot& snapshot);

// The router's answer, and where that is "wrong method" the route that a CORS preflight is meant for. Also what
// `weir routes --match` goes by: `lookup` is of a request that admit() has stripped.
snapshot::Match find_route(const snapshot::Snapshot& snapshot, const snapshot::Lookup& lookup);

// Errors: no_route; method_not_allowed, with Allow on exchange.response; bad_path.
Result<void> match(pipeline::Exchange& exchange, const snapshot::Snapshot& snapshot);

}  // namespace weir::gateway
