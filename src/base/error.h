// What can go wrong with one request, as a closed set of reasons, and the ONE table that says for each whose fault
// it is, which status the client sees, which word the access log and the metrics carry, and whether a retry is safe.
// Used by every room. It does not describe mistakes in a config file: those are `Problem`s (base/json/problem.h).
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

namespace weir {

enum class Fault : std::uint8_t { none, client, upstream, dependency, gateway };

// Order is free; the table in error.cc is checked against it by a test.
enum class Reason : std::uint8_t {
  ok,
  // the client's message
  bad_request,  // malformed request line, header, framing or body
  bad_path,     // the path has no canonical form Weir is willing to route
  uri_too_long,
  headers_too_large,
  body_too_large,
  unsupported_coding,  // a Transfer-Encoding other than chunked
  unsupported_version,
  unsupported_method,  // CONNECT and TRACE
  expectation_failed,
  head_timeout,
  body_timeout,
  client_closed,         // the client went away before the response ended
  client_slow,           // the client does not read its response
  idle_closed,           // keep-alive ended without another request; never logged as a request
  proxy_protocol_error,  // missing, malformed or untrusted PROXY header
  // the route and its policy
  no_route,
  method_not_allowed,
  misdirected,  // the host does not belong to the certificate of this connection
  ip_denied,
  cors_denied,
  loop_detected,
  // identity
  unauthenticated,     // the route requires a caller who says who they are
  invalid_credential,  // the token, key, password or signature does not hold
  forbidden,           // known, but not allowed here
  insufficient_scope,  // known, but the token does not reach this far
  auth_unavailable,    // who could tell is out of reach: closed, never open
  // limits
  rate_limited,
  quota_exceeded,
  concurrency_limited,
  flooded,  // the flood guard, by address
  // the upstream
  upstream_no_address,  // the name has never resolved, or every target is gone
  upstream_refused,
  upstream_connect_timeout,
  upstream_tls_failed,
  upstream_first_byte_timeout,
  upstream_timeout,  // the route's total timeout
  upstream_idle_timeout,
  upstream_closed,  // closed or reset before the response was whole
  upstream_protocol_error,
  // the gateway
  internal,
};

inline constexpr int kReasonCount = static_cast<int>(Reason::internal) + 1;

struct ReasonInfo {
  Reason reason;
  std::string_view word;  // access log, metrics, problem type: stable, [a-z_]
  Fault fault;
  int status;              // what the client sees if no response has begun
  std::string_view title;  // one sentence for a person
};

const ReasonInfo& info(Reason reason) noexcept;

// Cheap to copy and to return: no allocation on any error path of a request.
struct Error {
  Reason reason = Reason::internal;
  std::string_view detail;  // static storage; says what exactly was wrong, safe to show to the client
};

template <class T, class E = Error>
using Result = std::expected<T, E>;

inline std::unexpected<Error> fail(Reason reason, std::string_view detail = {}) noexcept {
  return std::unexpected(Error{reason, detail});
}

}  // namespace weir
