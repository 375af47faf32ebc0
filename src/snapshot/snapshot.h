// The immutable compiled config a gateway runs on: what compile() makes of a document. Shared by all workers through
// a lease per worker; destroyed when the last exchange that began under it has ended. Holds no runtime state.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/ip.h"
#include "http/limits.h"
#include "identity/consumer_book.h"
#include "pipeline/filter.h"
#include "pipeline/key_source.h"
#include "pipeline/overlay.h"
#include "pipeline/route.h"
#include "snapshot/control_settings.h"
#include "snapshot/router/router.h"

namespace weir::io {
class TlsServerContext;
}

namespace weir::ports {
struct RedisSettings;
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

// One filter of a chain, for people: `weir routes` shows these.
struct ChainLink {
  using Origin = pipeline::Origin;
  std::string_view filter;  // its name: static storage
  pipeline::Phase phase = pipeline::Phase::pre_auth;
  Origin origin = Origin::built_in;
  const pipeline::Filter* instance = nullptr;  // the snapshot's
};
using ChainLinks = std::vector<ChainLink>;  // in the order requests pass them

// `credentials`: where API keys come from. The feed (app/feeds/key_feed.h) follows it.
struct CredentialSettings {
  enum class Store : std::uint8_t { none, file, redis };
  Store store = Store::none;
  std::string file;         // of Store::file
  std::string local_copy;   // of Store::redis
  std::string pepper;       // empty: it is in pepper_file, which the command line makes
  std::string pepper_file;  // only if `pepper` is empty

  bool operator==(const CredentialSettings&) const = default;
};

// `tokens`: what all filters jwt have in common.
struct TokenSettings {
  std::string cache_secret;       // of the cache shared through Redis; empty: none
  std::string revoked;            // lines, see gateway/keys/revocation_list.h
  bool revoked_in_redis = false;  // read them from there too
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

  std::unique_ptr<const identity::ConsumerBook> consumers;  // never nullptr
  CredentialSettings credentials;
  TokenSettings tokens;

  std::shared_ptr<const ports::RedisSettings> redis;  // nullptr: none

  // At most one of the two; neither: the file says all.
  std::optional<ControlPlaneSettings> control_plane;
  std::optional<ControlSettings> control;

  std::string state_dir;                 // where what survives a restart is kept; empty: nowhere
  std::vector<std::string> limit_names;  // by RateLimit::index
  bool limits_shared = false;            // some limit is kept in Redis

  Router router;  // gives indices into routes
  std::vector<pipeline::Route> routes;
  std::vector<pipeline::UpstreamSpec> upstreams;
  std::vector<pipeline::KeySourceSpec> key_sources;  // of issuers of tokens; see gateway/keys/key_keeper.h
  pipeline::Chain global_chain;                      // for requests that no route took
  std::vector<std::unique_ptr<const pipeline::Filter>> filters;  // what the chains point to
  std::set<std::vector<const pipeline::Filter*>> filter_lists;   // and the lists they are, each once
  pipeline::Overlays overlays;                                   // of consumers and groups with filters of their own
  // Some route accepts %2F and %5C: canonicalise with allow_encoded_slash, and refuse (bad_path) a path that holds
  // one once it is known that no route with allow_encoded_slash took it.
  bool encoded_slash = false;

  ChainLinks global_links;
  std::vector<ChainLinks> route_links;              // by Route::index
  std::vector<const pipeline::OverlayTurn*> turns;  // by Route::index; none if there are no overlays
  std::vector<std::string> files;     // certificates and keys it was made from: a change of one calls for a reload
  std::vector<std::string> warnings;  // what should be mended though it works: a certificate about to expire
};

}  // namespace weir::snapshot
