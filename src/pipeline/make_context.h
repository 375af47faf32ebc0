// What a filter's make() may ask of the config around it, and what it may add to the snapshot. compile implements it;
// tests have a fake of their own. Lives for one compile, on the compiling thread.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace weir::identity {
class ConsumerBook;
}

namespace weir::pipeline {

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

  // The consumers of the config; lives as long as the snapshot, as filters do. nullptr: there are none.
  virtual const identity::ConsumerBook* consumers() { return nullptr; }

  // A sentence for the operator about what works but should be thought over; shown by `weir check` and at every load.
  virtual void warn(std::string sentence) = 0;
};

}  // namespace weir::pipeline
