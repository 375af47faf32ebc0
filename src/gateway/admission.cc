#include "gateway/admission.h"

#include "http/message/forwarding.h"
#include "http/message/uri.h"
#include "io/tls/tls_server.h"
#include "pipeline/filter.h"

namespace weir::gateway {
namespace {

using pipeline::Exchange;

// RFC 9110 §15.5.20: a connection made for one name (SNI) does not serve another whose certificate it did not show.
bool misdirected(Exchange& exchange) {
  SSL* session = exchange.writer.stream().ssl();
  if (!session || exchange.host.empty()) return false;
  std::string_view asked = io::tls_info(session).sni;
  if (asked.empty() || http::equal_ignoring_case(asked, exchange.host)) return false;
  return !io::TlsServerContext::session_serves(session, exchange.host);
}

// A gateway may stand behind a gateway, but not ten: a request that has passed that many is going round (as RFC 8586
// for CDNs).
constexpr int kMostHops = 9;

int hops(const http::RequestHead& request) noexcept {
  int count = 0;
  for (const http::Field& field : request.fields)
    if (field.id == http::FieldName::via)
      for (std::size_t at = field.value.find(" weir"); at != std::string_view::npos;
           at = field.value.find(" weir", at + 5))
        ++count;
  return count;
}

bool encoded_slash(std::string_view path) noexcept {
  return path.find("%2F") != std::string_view::npos || path.find("%5C") != std::string_view::npos;
}

// A CORS preflight is about another method than its own: a route that answers preflights takes it if it takes that
// method, whether or not it lists OPTIONS. Leaves `found` alone otherwise. An OPTIONS without Origin is no preflight:
// the filter would let it pass to an upstream that must not see it.
void find_for_preflight(snapshot::Lookup lookup, const snapshot::Snapshot& snapshot, snapshot::Match& found) {
  const std::string_view asked = lookup.fields.value(http::FieldName::access_control_request_method);
  if (lookup.method != "OPTIONS" || asked.empty()) return;
  if (lookup.fields.find(http::FieldName::origin) == nullptr) return;
  lookup.method = asked;
  const snapshot::Match meant = snapshot.router.match(lookup);
  if (meant.outcome != snapshot::Match::Outcome::found) return;
  const pipeline::Chain& chain = snapshot.routes[static_cast<std::size_t>(meant.route)].chain;
  const bool answers =
      std::ranges::any_of(chain.on_request, [](const auto* filter) { return filter->answers_preflights(); });
  if (answers) found = meant;
}

Result<void> read_target(Exchange& exchange, const snapshot::Snapshot& snapshot) {
  http::RequestHead& request = exchange.request;
  http::CanonicalOptions options{.allow_encoded_slash = snapshot.encoded_slash};
  auto target = http::canonicalize(request.target, options, exchange.path_scratch);
  if (!target) return std::unexpected(target.error());
  exchange.path = target->path;
  if (target->empty_path && request.method == http::Method::options) exchange.path = "*";
  exchange.query = target->query;
  exchange.has_query = target->has_query;
  exchange.upstream_path = exchange.path;
  exchange.upstream_query = exchange.query;
  exchange.upstream_has_query = exchange.has_query;
  auto authority = http::parse_authority(request.host, exchange.host_scratch);
  if (!authority) return std::unexpected(authority.error());
  exchange.host = authority->host;
  return {};
}

}  // namespace

Result<void> admit(Exchange& exchange, const snapshot::Snapshot& snapshot) {
  const http::Peer& peer = exchange.wire.peer;
  exchange.peer = &peer.address;
  exchange.peer_trusted = snapshot.trusted_proxies.contains(peer.address.ip());
  exchange.client = peer.address.ip();
  exchange.secure = peer.secure;
  exchange.tls_version = peer.tls_version;
  if (!exchange.wire.parsed) {
    exchange.path = exchange.request.target;  // for the log: whatever could be read
    exchange.host = exchange.request.host;
    return exchange.wire.parsed;
  }
  http::RequestHead& request = exchange.request;
  exchange.client = http::client_address(request, exchange.client, exchange.peer_trusted, snapshot.trusted_proxies);
  if (exchange.peer_trusted && !exchange.secure)
    exchange.secure = request.fields.value(http::FieldName::x_forwarded_proto) == "https";
  if (request.method == http::Method::connect || request.method == http::Method::trace) {
    exchange.path = request.target;
    exchange.writer.close_after();
    return fail(Reason::unsupported_method);
  }
  if (hops(request) > kMostHops) return fail(Reason::loop_detected);
  if (auto read = read_target(exchange, snapshot); !read) {
    exchange.path = request.target;
    // What is ambiguous here may be framed ambiguously too; nothing more is read from this connection.
    exchange.writer.close_after();
    return read;
  }
  if (misdirected(exchange)) return fail(Reason::misdirected);
  http::strip_request(request);
  return {};
}

snapshot::Match find_route(const snapshot::Snapshot& snapshot, const snapshot::Lookup& lookup) {
  snapshot::Match found = snapshot.router.match(lookup);
  if (found.outcome == snapshot::Match::Outcome::wrong_method) find_for_preflight(lookup, snapshot, found);
  return found;
}

Result<void> match(Exchange& exchange, const snapshot::Snapshot& snapshot) {
  const http::RequestHead& request = exchange.request;
  const snapshot::Match found =
      find_route(snapshot, {exchange.host, exchange.path, request.method_text, exchange.query, request.fields});
  switch (found.outcome) {
    case snapshot::Match::Outcome::no_path:
      return fail(Reason::no_route);
    case snapshot::Match::Outcome::wrong_method:
      exchange.response.fields.append("Allow", exchange.arena.copy(snapshot.router.allow(found.allowed)));
      return fail(Reason::method_not_allowed);
    case snapshot::Match::Outcome::found:
      break;
  }
  const pipeline::Route& route = snapshot.routes[static_cast<std::size_t>(found.route)];
  if (snapshot.encoded_slash && !route.allow_encoded_slash && encoded_slash(exchange.path))
    return fail(Reason::bad_path, "the path holds %2F or %5C");
  exchange.route = &route;
  exchange.chain = &route.chain;
  for (const snapshot::Capture& capture : found.captured())
    exchange.captures.items[exchange.captures.count++] = {capture.name, capture.value};
  if (route.timeout.count() != 0) exchange.deadline = exchange.started + route.timeout;
  return {};
}

}  // namespace weir::gateway
