// The PROXY protocol, versions 1 and 2 (HAProxy's proxy-protocol.txt, 2020), sans I/O: who the client in front of a
// load balancer really is. Called by the server on the first bytes of a connection from a trusted peer; whether a
// peer is trusted is the caller's to know. Sends nothing, and does not interpret TLVs beyond their bounds. Any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/ip.h"

namespace weir::http {

struct ProxyHeader {
  std::size_t consumed = 0;  // bytes of the buffer that were the header; what follows is the client's
  // The header names no address: LOCAL (the balancer's own health check), UNKNOWN, AF_UNSPEC or a Unix socket. The
  // connection's own peer is the client then, and the addresses below mean nothing.
  bool local = false;
  IpAddress source{};
  IpAddress destination{};
  std::uint16_t source_port = 0;
  std::uint16_t destination_port = 0;
};

// The most bytes a header may take; a caller never needs to read more than this before it knows. Version 1: 107, by
// the specification. Version 2 would allow 64 KiB; 2 KiB holds addresses and every TLV seen from cloud balancers, and
// what is longer is refused.
inline constexpr std::size_t kProxyHeaderBytes = 2048;

// `buffer` is everything received so far. Nothing: more bytes are needed. The only error is proxy_protocol_error, as
// soon as it is certain: no signature of either version, a malformed or overlong header, TLVs that do not fill it
// exactly.
Result<std::optional<ProxyHeader>> parse_proxy_header(std::string_view buffer);

}  // namespace weir::http
