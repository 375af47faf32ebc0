// The `limits` of a config file (document_schema.h): what one client may take. Every default says where it comes
// from.
#include "snapshot/schema/document_schema.h"

namespace weir::snapshot {

using namespace std::chrono_literals;
using schema::field;

namespace {

std::vector<Field> sizes() {
  return {
      field("max_head_bytes", schema::size(1024, 32 * 1024))
          .fallback("32KiB")
          .doc("Request line and header fields together; more is 431. 32KiB, as nginx takes at most, holds any sane "
               "cookie jar; it is also the most allowed, since a head must fit a 64KiB buffer with room to add "
               "fields."),
      field("max_target_bytes", schema::size(64, 32 * 1024))
          .fallback("8KiB")
          .doc("The request target; more is 414. RFC 9112 §3 asks for at least 8,000 bytes."),
      field("max_header_fields", schema::integer(1, 1000))
          .fallback(100)
          .doc("Header fields of a request; more is 431. 100, as Apache and HAProxy: browsers send about 20."),
      field("max_body_bytes", schema::size(0))
          .fallback("4GiB")
          .doc("A request's body; more is 413. Bodies are streamed and cost no memory, so this only stops uploads "
               "without an end; 4GiB is beyond what one request carries in practice. The filter body_limit sets a "
               "smaller one per route."),
      field("min_body_rate", schema::size(0, 1 << 30))
          .fallback("1KiB")
          .doc("Bytes per second a request's body must come at, on average since its start; slower is 408. 1KiB is a "
               "tenth of a 2G phone's rate, yet ends a body dripped byte by byte. 0: any rate."),
      field("max_requests_per_connection", schema::integer(0, 1'000'000'000))
          .fallback(0)
          .doc("After so many requests a connection is closed. 0, no limit: a connection keeps nothing that grows."),
      field("max_connections", schema::integer(1, 1'000'000))
          .fallback(10'000)
          .doc("Open client connections per worker; beyond it new ones are closed at once. 10,000 busy ones take "
               "about 1 GiB of buffers in the worst case, idle ones about 10 MB."),
  };
}

std::vector<Field> times() {
  return {
      field("head_timeout", schema::duration(100ms, 10min))
          .fallback("10s")
          .doc("From the first byte of a request, or the connection's accept, to the end of its head, however it "
               "drips; later is 408. 10s is ample for 32KiB on a bad phone line and starves slowloris."),
      field("idle_timeout", schema::duration(100ms, 1h))
          .fallback("75s")
          .doc("Between two requests of a connection. 75s, as nginx: longer than the 60s after which common load "
               "balancers let go, so they close first and no request is lost in between."),
      field("body_grace", schema::duration(0s, 10min))
          .fallback("10s")
          .doc("How long a body may take before min_body_rate counts: room for a slow start and for a client that "
               "waits for 100 Continue."),
      field("write_timeout", schema::duration(100ms, 1h))
          .fallback("30s")
          .doc("A client that takes not one byte of its response for this long is given up. 30s outlasts a phone's "
               "change of cell; a slow reader that does read is never cut."),
      field("tls_handshake_timeout", schema::duration(100ms, 10min))
          .fallback("10s")
          .doc("From the accept to the end of the TLS handshake: two round trips, with room for lost packets."),
  };
}

}  // namespace

const Schema& limits_schema() {
  static const Schema kLimits = [] {
    std::vector<Field> fields = sizes();
    for (Field& one : times()) fields.push_back(std::move(one));
    return schema::object(std::move(fields));
  }();
  return kLimits;
}

}  // namespace weir::snapshot
