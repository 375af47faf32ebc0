// The immutable compiled config a gateway runs on: what compile() makes of a document. Shared by all workers through
// a lease per worker; destroyed when the last exchange that began under it has ended. Holds no runtime state.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.h"
#include "http/h1_parser.h"
#include "pipeline/filter.h"
#include "pipeline/route.h"
#include "snapshot/router.h"

namespace weir::io {
class TlsServerContext;
}

namespace weir::snapshot {

using std::chrono::milliseconds;

// How much a client may take, and for how long. Every default is documented with its reason in document_schema.cc.
struct Limits {
  http::HeadLimits head;
  std::uint64_t body_bytes = 0;     // largest request body; 0: none may come
  milliseconds head_timeout{0};     // absolute: from the first byte (or the accept) to the end of the head
  milliseconds idle_timeout{0};     // between two requests of a connection
  std::uint64_t min_body_rate = 0;  // bytes per second, measured from the start of the body
  milliseconds body_grace{0};       // before the rate counts
  milliseconds write_stall{0};      // a client that accepts nothing for this long is given up
  milliseconds tls_handshake_timeout{0};
  std::uint32_t requests_per_connection = 0;  // 0: no limit
  std::uint32_t connections = 0;              // per worker; beyond it new ones are closed at once
};

struct ListenerSpec {
  SocketAddress address;
  std::string text;                                 // the address as written
  std::shared_ptr<const io::TlsServerContext> tls;  // nullptr: plain
  bool proxy_protocol = false;                      // every connection must begin with a PROXY header ...
  CidrSet proxy_protocol_from;                      // ... and come from here
};

struct Snapshot {
  std::uint64_t revision = 0;
  std::string digest;  // SHA-256 of the canonical document, hex

  std::vector<ListenerSpec> listeners;
  std::optional<SocketAddress> admin;
  int workers = 0;  // 0: one per core
  milliseconds drain_timeout{0};
  Limits limits;
  CidrSet trusted_proxies;
  std::string access_log_path;                // "-": standard output; empty: none
  std::vector<std::string> resolver_servers;  // empty: the system's

  Router router;  // gives indices into routes
  std::vector<pipeline::Route> routes;
  std::vector<pipeline::UpstreamSpec> upstreams;
  pipeline::Chain global_chain;                                  // for requests that no route took
  std::vector<std::unique_ptr<const pipeline::Filter>> filters;  // what the chains point to
};

}  // namespace weir::snapshot
