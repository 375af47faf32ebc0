// The key sets of issuers as this worker knows them: fetched in the background, handed over whole, never waited for
// unless a token needs a key that is not there yet. Degraded: a source that has never been reached has no keys, and
// whoever needs them is refused (auth_unavailable); one that is lost later serves its last good set for 24 h. One per
// worker, its thread only.
#pragma once

#include <cstdint>

#include "io/loop/clock.h"
#include "io/task.h"

namespace weir::jose {
class KeySet;
}

namespace weir::ports {

class KeySets {
 public:
  virtual ~KeySets() = default;

  // `source` is KeySourceSpec::id. nullptr: no keys. Holds until the caller next suspends.
  virtual const jose::KeySet* find(std::uint64_t source) const noexcept = 0;

  // Somebody needs what find() does not have: a kid, or any key. True: a fetch is under way, renewed() says when it
  // has ended. False: it was asked for too short a time ago, what there is is all there is.
  virtual bool ask(std::uint64_t source) = 0;

  // Returns when that fetch has ended, well or not, at `deadline` at the latest.
  virtual io::Task<void> renewed(std::uint64_t source, io::TimePoint deadline) = 0;
};

}  // namespace weir::ports
