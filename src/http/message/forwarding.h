// What may pass from one side of the gateway to the other (RFC 9110 §7.6): pure functions over fields. Called by
// gateway/run before any filter sees a request, and by the proxy on both ways.
#pragma once

#include <string_view>

#include "base/arena.h"
#include "base/ip.h"
#include "http/message/message.h"

namespace weir::http {

// Removes what concerns only the client's connection, what the client nominates in Connection, and identity fields
// (X-User-Id, X-Consumer-*, X-Auth-*, X-Credential-*): those are the gateway's to say. Names that policy relies on
// (Authorization, Cookie, Forwarded, X-Forwarded-*, ...) are not lost by nominating them. Upgrade stays if
// request.upgrade and it is not h2c; otherwise request.upgrade is cleared.
void strip_request(RequestHead& request);

// The same for a response; Upgrade stays on a 101. Trailer goes: trailers do not pass.
void strip_response(ResponseHead& response);

// The client's address after the proxies that are trusted (RFC 7239 §5.2, X-Forwarded-For): from the right, the first
// that is not. Both header families are read if `peer_trusted`; X-Forwarded-For wins if both are there. A value that
// is not an address ends the walk: what stands left of it is nobody's word.
IpAddress client_address(const RequestHead& request, const IpAddress& peer, bool peer_trusted,
                         const CidrSet& trusted);

// Whom the request came from, as the next hop is to see it.
struct Forwarded {
  IpAddress peer;
  bool peer_trusted = false;
  bool secure = false;           // the connection to us
  std::string_view host;         // as the client sent it, port included
  std::uint16_t local_port = 0;  // 0: unknown
};

// Sets X-Forwarded-For, -Proto, -Host and Forwarded; Via is added. From a trusted peer the chain goes on and its
// Proto and Host stay; from anyone else they begin with us. X-Real-IP of an untrusted peer goes. Strings are made in
// `arena`.
void add_forwarded(Fields& fields, const Forwarded& from, Version version, Arena& arena);

}  // namespace weir::http
