// The way of a request, in one function: refuse what is no request, give it its one canonical path, find its route,
// pass the filters, execute, and finish exactly once. Called by the worker for each exchange; start reading here.
#pragma once

#include "pipeline/exchange.h"
#include "snapshot/snapshot.h"

namespace weir::gateway {

// Answers the exchange through its writer. Everything the filters, the log and the metrics want to know is in it
// afterwards.
io::Task<void> run(pipeline::Exchange& exchange, const snapshot::Snapshot& snapshot);

}  // namespace weir::gateway
