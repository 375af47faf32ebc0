// The execution that most routes end in: the request goes to an upstream, its response comes back. Bodies pass both
// ways as they arrive, at the pace of the slower side; nothing is buffered that is not already in hand. Decides about
// canary, target, second attempts and tunnels; the bytes of HTTP/1.1 are made in http/, connections come from
// upstream/.
#include "base/hash.h"
#include "filters/execution/proxy_call.h"
#include "filters/execution/specs.h"
#include "http/message/forwarding.h"
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

// Groups as one list; one with a comma in its name would read as two, so it is left out.
std::string_view joined_groups(Exchange& exchange) {
  const auto groups = exchange.auth.identity.groups;
  std::size_t size = 0;
  for (const std::string_view group : groups) size += group.size() + 1;
  char* const out = exchange.arena.allocate(size);
  std::size_t at = 0;
  for (const std::string_view group : groups) {
    if (group.empty() || group.contains(',')) continue;
    if (at != 0) out[at++] = ',';
    std::memcpy(out + at, group.data(), group.size());
    at += group.size();
  }
  return {out, at};
}

// Who calls, for the upstream to believe: every copy that the client sent went at admission
// (http/message/forwarding.h), so a field that is there was put there by a filter of the operator's choosing, and
// stays.
void add_identity(Exchange& exchange) {
  http::Fields& fields = exchange.request.fields;
  const auto add = [&](std::string_view name, std::string_view value) {
    if (!value.empty() && fields.find(name) == nullptr) fields.append({http::FieldName::other, name, value});
  };
  const pipeline::Identity& caller = exchange.auth.identity;
  if (!caller.known()) {
    // Somebody was asked who they are, and nobody could tell.
    if (!exchange.auth.challenges().empty()) add("X-Anonymous-Consumer", "true");
    return;
  }
  add("X-Consumer-Name", caller.consumer);
  add("X-Consumer-Custom-Id", caller.custom_id);
  if (!caller.groups.empty()) add("X-Consumer-Groups", joined_groups(exchange));
  add("X-Credential-Identifier", caller.credential);
  add("X-User-Id", caller.user);
}

void prepare_fields(Exchange& exchange) {
  add_identity(exchange);
  http::Forwarded from;
  from.peer = exchange.peer->ip();
  from.peer_trusted = exchange.peer_trusted;
  from.secure = exchange.wire.peer.secure;
  from.host = exchange.request.host;
  http::add_forwarded(exchange.request.fields, from, exchange.request.version, exchange.arena);
}

void let_go(void* opening, bool reset) noexcept {
  if (reset) static_cast<io::Opening*>(opening)->cancel();
}

// A new connection, unless the client goes away, or is cut off because the worker ends, before it is there.
io::Task<Result<std::unique_ptr<upstream::Connection>>> open(Exchange& exchange, upstream::Upstream& upstream,
                                                             upstream::Target& target) {
  io::Handle& client = exchange.writer.stream().handle();
  io::Opening opening;
  client.on_hangup(&let_go, &opening);
  client.watch();
  auto opened = co_await upstream.open(target, exchange.deadline, &opening);
  client.on_hangup(nullptr, nullptr);
  if (!opened && opening.cancelled()) co_return fail(Reason::client_closed, "before the upstream was connected");
  co_return opened;
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

    // May be sent again if a pooled connection turns out to be stale: a body goes by once.
    bool repeatable = http::idempotent(exchange.request.method) && exchange.request.framing == http::Framing::none;
    bool fresh = false;
    upstream::Tried tried = 0;
    ProxyCall::Replay replay;
    for (int attempt = 1;; ++attempt) {
      exchange.upstream_attempts = static_cast<std::uint8_t>(attempt);
      upstream::Target* target = upstream.pick(tried);
      if (!target) co_return fail(Reason::upstream_no_address, "the upstream's name has not resolved");
      exchange.upstream_address = exchange.arena.copy(target->spec.address);
      auto connection = fresh ? nullptr : upstream.take_idle(*target, !repeatable);
      if (!connection) {
        // The same address that did not answer in time is not asked again: it costs the client as much once more.
        bool elsewhere = upstream.spec().targets.size() > 1 || target->addresses.size() > 1;
        auto opened = co_await open(exchange, upstream, *target);
        if (!opened) {
          Reason why = opened.error().reason;
          bool again = why != Reason::client_closed && (elsewhere || why != Reason::upstream_connect_timeout);
          if (again && attempt < kMostAttempts && exchange.loop.now() < exchange.deadline) continue;
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
