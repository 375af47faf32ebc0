// How much a client may take from us, and for how long. Set from the config; read by the server for each exchange.
#pragma once

#include <chrono>
#include <cstdint>

#include "http/h1/h1_parser.h"

namespace weir::http {

using std::chrono::milliseconds;

// Every default stands, with its reason, in snapshot/schema/document_schema.cc.
struct Limits {
  HeadLimits head;
  std::uint64_t body_bytes = 0;     // largest request body
  milliseconds head_timeout{0};     // absolute: from the accept or the first byte to the end of the head
  milliseconds idle_timeout{0};     // between two requests of a connection
  std::uint64_t min_body_rate = 0;  // bytes per second, counted from the start of the body
  milliseconds body_grace{0};       // before the rate counts
  milliseconds write_stall{0};      // a client that accepts nothing for this long is given up
  milliseconds tls_handshake_timeout{0};
  std::uint32_t requests_per_connection = 0;  // 0: no limit
  std::uint32_t connections = 0;              // per worker; beyond it new ones are closed at once
};

}  // namespace weir::http
