// The execution that most routes end in: the request goes to an upstream, its response comes back. Bodies pass both
// ways as they arrive, at the pace of the slower side; nothing is buffered that is not already in hand. Decides about
// canary, target, second attempts and tunnels; the bytes of HTTP/1.1 are made in http/, connections come from
// upstream/.
#include "base/hash.h"
#include "filters/proxy_call.h"
#include "filters/table.h"
#include "http/forwarding.h"
#include "pipeline/filter.h"
#include "upstream/upstream.h"

namespace weir::filters {
namespace {

using pipeline::Destination;
using pipeline::Exchange;

// A connection that cannot be made costs nothing but time: the next target is asked, but not for ever.
constexpr int kMostAttempts = 3;

// The same caller always gets the same answer, and growing the weight only ever moves callers to the canary (features
// B16).
bool takes_canary(const Exchange& exchange) {
  const pipeline::Route& route = *exchange.route;
  if (route.canary_all) return true;
  if (route.canary_below == 0) return false;
  const auto& ip = exchange.client.bytes();
  std::string_view caller = exchange.auth.identity.consumer.empty()
                                ? std::string_view(reinterpret_cast<const char*>(ip.data()), ip.size())
                                : exchange.auth.identity.consumer;
  return stable_hash(caller, stable_hash(route.id)) < route.canary_below;
}

void prepare_fields(Exchange& exchange) {
  http::Forwarded from;
  from.peer = exchange.peer->ip();
  from.peer_trusted = exchange.peer_trusted;
  from.secure = exchange.wire.peer.secure;
  from.host = exchange.request.host;
  http::add_forwarded(exchange.request.fields, from, exchange.request.version, exchange.arena);
}

class Proxy final : public pipeline::Execution {
 public:
  pipeline::Hooks hooks() const noexcept override { return {}; }

  io::Task<Result<void>> execute(Exchange& exchange) const override {
    exchange.canary = takes_canary(exchange);
    const Destination& to = exchange.canary ? exchange.route->canary : exchange.route->stable;
    upstream::Upstream& upstream = *exchange.lease.upstreams[to.upstream];
    exchange.upstream_name = exchange.arena.copy(upstream.spec().name);  // a reload may replace the spec under us
    exchange.upstream_started = io::Clock::now();
    prepare_fields(exchange);

    bool idempotent = http::idempotent(exchange.request.method);
    bool fresh = false;
    upstream::Tried tried = 0;
    ProxyCall::Replay replay;
    for (int attempt = 1;; ++attempt) {
      exchange.upstream_attempts = static_cast<std::uint8_t>(attempt);
      upstream::Target* target = upstream.pick(tried);
      if (!target) co_return fail(Reason::upstream_no_address, "the upstream's name has not resolved");
      exchange.upstream_address = exchange.arena.copy(target->spec.address);
      auto connection = fresh ? nullptr : upstream.take_idle(*target, !idempotent);
      if (!connection) {
        auto opened = co_await upstream.open(*target, exchange.deadline);
        if (!opened) {
          if (attempt < kMostAttempts && exchange.loop.now() < exchange.deadline) continue;
          co_return std::unexpected(opened.error());
        }
        connection = std::move(*opened);
      }
      exchange.upstream_reused = connection->reused();
      ProxyCall call(exchange, upstream, to, std::move(connection), replay);
      auto result = co_await call.run();
      if (result || !call.may_repeat() || attempt == kMostAttempts) co_return result;
      fresh = true;  // a pooled connection was stale; the next might be too
    }
  }
};

const Schema& schema() {
  static const Schema kSchema = schema::object({}).doc("No settings: the route and its upstream say everything.");
  return kSchema;
}

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json&, pipeline::MakeContext&) {
  return std::make_unique<Proxy>();
}

}  // namespace

pipeline::FilterSpec proxy_spec() {
  return {"proxy", pipeline::Phase::execution, "Sends the request to the route's upstream and its response back.",
          &schema, &make};
}

}  // namespace weir::filters
