#include "base/error.h"

#include <array>

namespace weir {
namespace {

using enum Reason;
using enum Fault;

constexpr std::array<ReasonInfo, kReasonCount> kReasons{{
    {ok, "ok", none, 200, "OK"},
    {bad_request, "bad_request", client, 400, "The request is malformed."},
    {bad_path, "bad_path", client, 400, "The path is malformed or ambiguous."},
    {uri_too_long, "uri_too_long", client, 414, "The request target is too long."},
    {headers_too_large, "headers_too_large", client, 431, "The request header is too large."},
    {body_too_large, "body_too_large", client, 413, "The request body is too large."},
    {unsupported_coding, "unsupported_coding", client, 501, "The transfer coding is not supported."},
    {unsupported_version, "unsupported_version", client, 505, "The HTTP version is not supported."},
    {unsupported_method, "unsupported_method", client, 501, "The method is not supported."},
    {expectation_failed, "expectation_failed", client, 417, "The expectation is not supported."},
    {head_timeout, "head_timeout", client, 408, "The request header did not arrive in time."},
    {body_timeout, "body_timeout", client, 408, "The request body did not arrive in time."},
    {client_closed, "client_closed", client, 499, "The client closed the connection."},
    {client_slow, "client_slow", client, 499, "The client did not read its response in time."},
    {idle_closed, "idle_closed", none, 408, "The connection was idle."},
    {proxy_protocol_error, "proxy_protocol_error", client, 400, "The PROXY protocol header is not acceptable."},
    {no_route, "no_route", client, 404, "No route takes this request."},
    {method_not_allowed, "method_not_allowed", client, 405, "The route does not take this method."},
    {misdirected, "misdirected", client, 421, "This connection does not serve that host."},
    {ip_denied, "ip_denied", client, 403, "The client address is not allowed."},
    {cors_denied, "cors_denied", client, 403, "The origin is not allowed."},
    {loop_detected, "loop_detected", client, 508, "The request has passed through this gateway before."},
    {unauthenticated, "unauthenticated", client, 401, "This needs a caller who says who they are."},
    {invalid_credential, "invalid_credential", client, 401, "The credential does not hold."},
    {forbidden, "forbidden", client, 403, "The caller may not do this."},
    {insufficient_scope, "insufficient_scope", client, 403, "The credential does not reach this far."},
    {auth_unavailable, "auth_unavailable", dependency, 503, "Who calls cannot be established just now."},
    {rate_limited, "rate_limited", client, 429, "Too many requests."},
    {quota_exceeded, "quota_exceeded", client, 429, "The quota is used up."},
    {concurrency_limited, "concurrency_limited", client, 429, "Too many requests at once."},
    {flooded, "flooded", client, 429, "Too many requests from this address."},
    {upstream_no_address, "upstream_no_address", upstream, 503, "The upstream has no address."},
    {upstream_refused, "upstream_refused", upstream, 502, "The upstream refused the connection."},
    {upstream_connect_timeout, "upstream_connect_timeout", upstream, 504,
     "The upstream did not accept the connection in time."},
    {upstream_tls_failed, "upstream_tls_failed", upstream, 502, "The TLS handshake with the upstream failed."},
    {upstream_first_byte_timeout, "upstream_first_byte_timeout", upstream, 504,
     "The upstream did not answer in time."},
    {upstream_timeout, "upstream_timeout", upstream, 504, "The upstream did not finish in time."},
    {upstream_idle_timeout, "upstream_idle_timeout", upstream, 504, "The upstream stopped sending."},
    {upstream_closed, "upstream_closed", upstream, 502, "The upstream closed the connection."},
    {upstream_protocol_error, "upstream_protocol_error", upstream, 502, "The upstream's answer is malformed."},
    {internal, "internal", gateway, 500, "The gateway failed."},
}};

constexpr bool in_order() {
  for (int i = 0; i < kReasonCount; ++i)
    if (static_cast<int>(kReasons[i].reason) != i) return false;
  return true;
}
static_assert(in_order(), "kReasons must list every Reason in the order of the enum");

}  // namespace

const ReasonInfo& info(Reason reason) noexcept { return kReasons[static_cast<int>(reason)]; }

}  // namespace weir
