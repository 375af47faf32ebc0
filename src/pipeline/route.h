// What compile makes of the config for the way of a request: routes with their filters in order, and the upstreams
// they name. Immutable; shared by all workers through the snapshot, which owns everything pointed to here.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/gcra.h"
#include "base/ip.h"

namespace weir::io {
class TlsClientContext;
}

namespace weir::pipeline {

class Filter;
class Execution;

using std::chrono::milliseconds;

using FilterList = std::span<const Filter* const>;

// The filters of a route, split by hook and already in the order they run: phase first, then the order of
// `plugin_chain`. Its lists are the snapshot's, or the exchange's own (overlay.h).
struct Chain {
  FilterList on_request;
  FilterList on_response;
  FilterList on_finish;
  const Execution* execution = nullptr;  // nullptr: one of on_request answers
};

// One address of an upstream as written: an IP with port, a Unix socket, or a host name that the directory resolves.
struct TargetSpec {
  std::string address;   // as in the file, for logs
  SocketAddress socket;  // port always set; ip only if `host` is empty
  std::string host;      // lower case; empty when `socket` is complete
  std::uint32_t weight = 1;
};

struct UpstreamSpec {
  std::string name;  // as in the file; "http://127.0.0.1:9002" for one written inline
  std::vector<TargetSpec> targets;
  std::shared_ptr<const io::TlsClientContext> tls;  // nullptr: plain
  std::string tls_key;      // tells apart the settings of `tls` across reloads: pools are kept only if equal
  std::string server_name;  // SNI and verified name; empty: each target's own host
  milliseconds connect_timeout{0};
  milliseconds first_byte_timeout{0};
  milliseconds idle_timeout{0};  // between two reads of a response body
  milliseconds keep_alive{0};    // how long an unused connection is kept
  std::uint32_t max_idle = 0;    // kept connections per target and worker
};

struct Destination {
  std::uint32_t upstream = 0;  // index into the snapshot's upstreams
  std::string authority;       // what Host says upstream unless preserve_host
  std::string path_prefix;     // of upstream_url: put before the path; no slash at its end
};

struct Route {
  std::string id;
  std::uint32_t index = 0;
  std::string path_pattern;
  Chain chain;
  bool proxied = false;
  Destination stable;
  Destination canary;
  // Of 2^64: a hash below this goes to the canary. 0: none. Derived from canary_weight (percent).
  std::uint64_t canary_below = 0;
  bool canary_all = false;     // canary_weight 100
  milliseconds timeout{0};     // total, head received to response sent; 0: none
  bool auth_required = false;  // require_identity enforces it
  // rate_limit_rps: per consumer, anonymous ones by address; the filter rate_limit enforces it. Empty: none.
  std::optional<Gcra> rate_bucket;
  bool preserve_host = false;
  bool allow_encoded_slash = false;  // %2F and %5C in the path; see Snapshot::encoded_slash
};

}  // namespace weir::pipeline
