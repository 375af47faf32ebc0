// One request and its response in flight: everything filters, proxy and log need to know of it, in one place. Made by
// the server for each request, ended by gateway/run exactly once. Lives in the connection's coroutine; one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/arena.h"
#include "base/ip.h"
#include "http/server.h"
#include "io/loop/loop.h"
#include "pipeline/identity.h"
#include "pipeline/limited.h"
#include "pipeline/route.h"
#include "pipeline/services.h"

namespace weir::ports {
class LogSink;
}
namespace weir::upstream {
class Upstream;
}

namespace weir::pipeline {

// What one worker lends to its exchanges for one snapshot. Outlives them: the worker counts.
struct Lease {
  std::uint64_t revision = 0;
  std::vector<upstream::Upstream*> upstreams;  // by the snapshot's index
  ports::LogSink* access_log = nullptr;
  http::BufferPool* buffers = nullptr;
  Services services;
};

struct Captures {
  static constexpr int kMost = 16;
  struct One {
    std::string_view name;
    std::string_view value;  // a part of the canonical path
  };
  One items[kMost];
  int count = 0;
};

struct Exchange {
  Exchange(io::Loop& worker_loop, const Lease& worker_lease, http::ServerExchange& on_the_wire)
      : loop(worker_loop),
        lease(worker_lease),
        wire(on_the_wire),
        request(on_the_wire.request),
        body(on_the_wire.body),
        writer(on_the_wire.writer) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  io::Loop& loop;
  const Lease& lease;
  http::ServerExchange& wire;
  std::string path_scratch, host_scratch;  // what canonical forms are made in
  Arena arena;                             // strings that filters make live here

  // ---- the request
  http::RequestHead& request;  // filters change `fields`: what the upstream will see
  http::Body& body;
  http::ResponseWriter& writer;
  std::string_view path;   // canonical: the one that match, policy, log and upstream all see
  std::string_view query;  // without '?'
  bool has_query = false;
  std::string_view host;                // lower case, without port; empty if the client named none
  bool secure = false;                  // the client's connection to us, or to the trusted proxy before us
  std::string_view tls_version;         // "TLSv1.3"; empty on a plain connection
  const SocketAddress* peer = nullptr;  // the other end of the connection (or what PROXY said)
  IpAddress client;                     // who the request is from, after trusted proxies
  bool peer_trusted = false;            // peer is in trusted_proxies

  // ---- the match
  const Route* route = nullptr;  // nullptr: none took it
  Captures captures;
  const Chain* chain = nullptr;  // the route's, or the global one
  // What is sent upstream; rewrite changes it. Starts as `path` and `query`.
  std::string_view upstream_path;
  std::string_view upstream_query;
  bool upstream_has_query = false;
  std::string_view upstream_host;  // set by a filter: wins over the destination's authority

  // ---- who calls
  Authentication auth;

  // ---- how much they may
  Limited limited;

  // ---- the response
  http::ResponseHead response;  // filled by the execution, changed by on_response hooks, sent by begin_response
  http::Buffer upstream_head;   // what the views in `response` point into once the proxy has gone
  std::string_view answer;  // body of a response made here (respond, redirect, errors); in the arena or the snapshot

  // ---- facts, for the log and the metrics
  std::string_view request_id;
  std::string_view trace_id;  // 32 hex digits, or empty
  std::string_view span_id;   // 16 hex digits: our own span
  Reason reason = Reason::ok;
  std::string_view detail;  // static: what exactly was wrong
  int refusal_status = 0;   // set by a filter whose config says so: instead of the reason's own status
  io::TimePoint started{};  // the first byte of the head was seen
  io::TimePoint ended{};    // set before the on_finish hooks run
  io::TimePoint upstream_started{};
  io::TimePoint upstream_first_byte{};
  std::int64_t wall_started_us = 0;     // µs since the epoch
  io::TimePoint deadline = io::kNever;  // route timeout
  std::string_view upstream_name;
  std::string_view upstream_address;
  int upstream_status = 0;
  std::uint8_t upstream_attempts = 0;
  bool canary = false;
  bool upstream_reused = false;
  std::uint64_t tunnel_in = 0;  // bytes of a switched protocol, from and to the client
  std::uint64_t tunnel_out = 0;
};

}  // namespace weir::pipeline
