// The id every request has, whatever becomes of it.
#pragma once

#include "pipeline/exchange.h"

namespace weir::pipeline {

// Gives the exchange a new id (UUIDv7, in its arena) if it has none: called by the request_id filter, by the gateway
// for requests whose chain has no such filter or that are refused before any filter runs, and by refuse().
void ensure_request_id(Exchange& exchange);

}  // namespace weir::pipeline
