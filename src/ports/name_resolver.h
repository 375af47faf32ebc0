// Host names to addresses, as the data plane needs it from outside. Implemented by adapters/cares/resolver.h and by
// the tests' fakes; used by upstream/directory.h. Never called on the way of a request: those use what the directory
// last learned. When the outside fails, `done` gets an error and the directory keeps the addresses it has.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ip.h"

namespace weir::ports {

struct Addresses {
  std::vector<IpAddress> addresses;  // in any order, perhaps repeated, perhaps none
  std::chrono::seconds ttl{0};       // of the shortest-lived record; 0 from a hosts file
};

class NameResolver {
 public:
  // Reason::upstream_no_address; the detail says why: no such name, no address, the server failed, silence.
  using Done = std::move_only_function<void(Result<Addresses>)>;

  virtual ~NameResolver() = default;

  // Any thread; never blocks. `done` is called exactly once, on a thread of the resolver's choosing, possibly before
  // resolve() returns and at the latest when the resolver is destroyed; it must not block or throw.
  virtual void resolve(std::string name, Done done) = 0;
};

}  // namespace weir::ports
