// What a filter's make() may ask of the config around it, and what it may add to the snapshot. compile implements it;
// tests have a fake of their own. Lives for one compile, on the compiling thread.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "pipeline/origin.h"

namespace weir::identity {
class ConsumerBook;
}

namespace weir::pipeline {

struct KeySourceSpec;

// An outside service that a filter asks while a request waits (introspection, forward_auth): one of the snapshot's
// upstreams, so it has a pool, TLS with verification and a name that is kept resolved.
struct Endpoint {
  std::uint32_t upstream = 0;  // index into Lease::upstreams
  std::string authority;       // what Host says
  std::string target;          // path and query, "/" at least
};

class MakeContext {
 public:
  virtual ~MakeContext() = default;

  // `url`: http://NAME of a named upstream, or http(s)://host[:port], and a path. The error is a sentence.
  virtual std::expected<Endpoint, std::string> endpoint(std::string_view url) = 0;

  // The contents of a file named in the config, relative to the config's own folder; a change of it calls for a
  // reload. The error is a sentence. 1 MiB at most.
  virtual std::expected<std::string, std::string> file(std::string_view path) = 0;

  // One of the config's `secrets`, by its name. The error is a sentence.
  virtual std::expected<std::string, std::string> secret(std::string_view name);

  // The consumers of the config; lives as long as the snapshot, as filters do. nullptr: there are none.
  virtual const identity::ConsumerBook* consumers() { return nullptr; }

  // Notes a limit (ports/rate_store.h) under its name: state, metrics and the log go by it. `settings` says all that
  // it does: a second limit of that name must say the same. `shared`: it is kept in Redis; `kept`: what is counted
  // must survive a restart. Its index for RateLimit::index, or a sentence why it cannot be.
  virtual std::expected<std::uint32_t, std::string> limit(std::string_view name, std::string_view settings,
                                                          bool shared, bool kept) {
    (void)name, (void)settings, (void)shared, (void)kept;
    return 0;
  }
  // Whose chain the filter stands in: what it counts under no name of its own, it counts for that alone. Without
  // asking, an instance is shared by all whose config is equal.
  struct Owner {
    Origin origin = Origin::route;
    std::string_view name;  // of the upstream, group or consumer; lives as long as the compile
  };
  virtual Owner owner() { return {}; }

  // Has the keys of an issuer fetched and kept fresh; what Services::key_sets knows them by. The error is a sentence.
  virtual std::expected<std::uint64_t, std::string> key_source(KeySourceSpec spec);

  // Whether some listener asks clients for certificates.
  virtual bool client_certificates() const { return true; }

  // A sentence for the operator about what works but should be thought over; shown by `weir check` and at every load.
  virtual void warn(std::string sentence) = 0;
};

}  // namespace weir::pipeline
