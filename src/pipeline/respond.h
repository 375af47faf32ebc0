// The one place where a response begins: runs the on_response hooks and hands the head to the writer. And the one
// place where an error becomes a response (RFC 9457).
#pragma once

#include "pipeline/exchange.h"

namespace weir::pipeline {

// Runs the hooks over exchange.response and begins it. The caller adds the body and flushes.
void begin_response(Exchange& exchange);

// Sends exchange.response with exchange.answer as its whole body: what Weir says itself, hence with a Date if no
// filter has set one. An upstream's response keeps its own, or none.
io::Task<Result<void>> send_answer(Exchange& exchange);

// Makes exchange.response an application/problem+json about `error` and notes the reason; keeps fields that filters
// have set on exchange.response for this purpose (Allow, Retry-After, WWW-Authenticate). If a response has begun only
// notes it.
void refuse(Exchange& exchange, Error error);

}  // namespace weir::pipeline
