// What a database holds already, asked before keys are made for it: a key that is missing is new only if nothing was
// done with another. Used by app/ at the start. Blocking; any thread.
#pragma once

#include <cstdint>

#include "control/store.h"

namespace weir::control {

struct Holdings {
  std::uint64_t last_revision = 0;  // 0: none
  bool objects = false;             // of the draft
  bool sealed = false;              // a sealed text, in the draft or in the last revision
  bool nothing() const noexcept { return last_revision == 0 && !objects; }
};
StoreResult<Holdings> holdings(Store& store);

}  // namespace weir::control
