#include "gateway/run.h"

#include "gateway/admission.h"
#include "pipeline/filter.h"
#include "pipeline/request_id.h"
#include "pipeline/respond.h"

namespace weir::gateway {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;

// After these the rest of the request's body cannot be read as one, so nothing behind it can be a request.
bool spoils_connection(Reason reason) noexcept {
  return reason == Reason::bad_request || reason == Reason::body_too_large || reason == Reason::body_timeout ||
         reason == Reason::headers_too_large;
}

// From the first byte to the response, or to the error that becomes one.
io::Task<Result<void>> serve(Exchange& exchange, const snapshot::Snapshot& snapshot) {
  if (auto admitted = admit(exchange, snapshot); !admitted) co_return admitted;
  Result<void> matched = match(exchange, snapshot);
  pipeline::FilterList ahead = exchange.chain->on_request;
  while (!ahead.empty()) {
    const pipeline::Filter& filter = *ahead.front();
    ahead = ahead.subspan(1);
    Verdict verdict = filter.on_request(exchange);
    if (verdict.kind == Verdict::Kind::next) continue;
    if (verdict.kind == Verdict::Kind::wait) verdict = co_await filter.wait(exchange);
    if (verdict.kind == Verdict::Kind::refuse) co_return std::unexpected(verdict.error);
    if (verdict.kind == Verdict::Kind::answer) co_return co_await pipeline::send_answer(exchange);
    if (verdict.kind == Verdict::Kind::turn) ahead = exchange.chain->on_request;
  }
  if (!matched) co_return matched;
  if (!exchange.chain->execution) co_return fail(Reason::internal, "the route has nothing to answer with");
  co_return co_await exchange.chain->execution->execute(exchange);
}

}  // namespace

io::Task<void> run(Exchange& exchange, const snapshot::Snapshot& snapshot) {
  exchange.chain = &snapshot.global_chain;
  Result<void> result = co_await serve(exchange, snapshot);
  if (!result) {
    bool begun = exchange.writer.begun();
    pipeline::refuse(exchange, result.error());
    // To a client that has gone there is nobody to answer; a response already begun can only be broken off.
    if (!begun && result.error().reason != Reason::client_closed) {
      if (!exchange.wire.parsed || spoils_connection(result.error().reason)) exchange.writer.close_after();
      if (auto sent = co_await pipeline::send_answer(exchange); !sent && exchange.reason == Reason::ok)
        exchange.reason = sent.error().reason;
    }
  }
  pipeline::ensure_request_id(exchange);
  exchange.ended = io::Clock::now();
  for (const pipeline::Filter* filter : exchange.chain->on_finish) filter->on_finish(exchange);
}

}  // namespace weir::gateway
