// Request ids for exchanges (request_id.h). Called on the exchange's thread, once per request.
#include "pipeline/request_id.h"

#include <chrono>

#include "base/uuid7.h"

namespace weir::pipeline {

void ensure_request_id(Exchange& exchange) {
  if (!exchange.request_id.empty()) return;
  std::int64_t us = exchange.wall_started_us;
  if (us <= 0) {
    const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
    us = std::chrono::duration_cast<std::chrono::microseconds>(since_epoch).count();
  }
  char* out = exchange.arena.allocate(kUuidLength);
  uuid7(static_cast<std::uint64_t>(us) / 1000, out);
  exchange.request_id = {out, kUuidLength};
}

}  // namespace weir::pipeline
