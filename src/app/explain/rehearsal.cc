#include "app/explain/rehearsal.h"

#include <algorithm>
#include <array>

#include "io/stream.h"
#include "pipeline/exchange.h"
#include "pipeline/filter.h"

namespace weir::explain {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;

// Their on_request is a function of the request and the config, and changes where the request goes.
constexpr std::array<std::string_view, 5> kAsked = {"cors", "redirect", "respond", "headers", "rewrite"};

constexpr std::string_view kRequestId = "REQUEST-ID";
constexpr std::string_view kTraceId = "TRACE-ID";
constexpr std::string_view kConsumer = "CONSUMER";
constexpr std::string_view kClient = "192.0.2.1";  // TEST-NET-1 (RFC 5737): nobody's

// An exchange without a connection: its stream has no descriptor, and nothing asks it for one.
struct Stage {
  Stage() : stream(loop, -1), wire(stream, buffers, peer, std::chrono::seconds(1)), exchange(loop, lease, wire) {}
  io::Loop loop;
  http::BufferPool buffers;
  io::Stream stream;
  http::Peer peer;
  http::ServerExchange wire;
  pipeline::Lease lease;
  Exchange exchange;
};

void set(Exchange& exchange, const Rehearsal& asked) {
  const http::CanonicalTarget& target = asked.target;
  exchange.request = asked.request;
  exchange.path = exchange.upstream_path = target.path;
  exchange.query = exchange.upstream_query = target.query;
  exchange.has_query = exchange.upstream_has_query = target.has_query;
  exchange.host = asked.host;
  exchange.secure = target.https;
  exchange.client = *IpAddress::parse(kClient);
  exchange.request_id = kRequestId;
  exchange.trace_id = kTraceId;
  exchange.auth.identity.consumer = asked.consumer.empty() ? kConsumer : asked.consumer;
}

void end(Rehearsed& out, std::string_view filter, const Verdict& verdict, const Exchange& exchange) {
  out.ended_by = filter;
  if (verdict.kind == Verdict::Kind::answer) {
    out.status = exchange.response.status;
    out.location = exchange.response.fields.value(http::FieldName::location);
    return;
  }
  const ReasonInfo& why = info(verdict.error.reason);
  out.status = why.status;
  out.reason = why.word;
  out.detail = verdict.error.detail;
}

}  // namespace

Rehearsed rehearse(const RouteBook& book, const Rehearsal& asked) {
  Stage stage;
  Exchange& exchange = stage.exchange;
  set(exchange, asked);
  exchange.route = &book.snapshot->routes[static_cast<std::size_t>(asked.match.route)];
  for (const snapshot::Capture& capture : asked.match.captured())
    exchange.captures.items[exchange.captures.count++] = {capture.name, capture.value};

  Rehearsed out;
  for (const snapshot::ChainLink& link : asked.links) {
    if (std::ranges::find(kAsked, link.filter) == kAsked.end()) continue;
    const Verdict verdict = link.instance->on_request(exchange);
    if (verdict.kind == Verdict::Kind::next) continue;
    end(out, link.filter, verdict, exchange);
    break;
  }
  out.target.append(exchange.upstream_path);
  if (exchange.upstream_has_query) out.target.append("?").append(exchange.upstream_query);
  out.host = exchange.upstream_host;
  for (const std::string_view one : {kRequestId, kTraceId, kConsumer, kClient})
    if (out.target.contains(one) || out.host.contains(one) || out.location.contains(one))
      out.stand_ins.push_back(one);
  return out;
}

}  // namespace weir::explain
