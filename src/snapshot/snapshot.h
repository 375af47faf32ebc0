// The immutable compiled config a gateway runs on: what compile() makes of a document. Shared by all workers through
// a lease per worker; destroyed when the last exchange that began under it has ended. Holds no runtime state.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/ip.h"
#include "http/limits.h"
#include "pipeline/filter.h"
#include "pipeline/route.h"
#include "snapshot/router.h"

namespace weir::io {
class TlsServerContext;
}

namespace weir::snapshot {

using std::chrono::milliseconds;

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
  http::Limits limits;
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
