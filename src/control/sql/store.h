// The Store over a pool of sessions: what both adapters hand out. Several threads at once.
#pragma once

#include "control/sql/pool.h"

namespace weir::control::sql {

// `most` connections at a time. `patience`: control::kStorePatience, less in tests.
std::unique_ptr<Store> make_store(Pool::Connect connect, std::size_t most,
                                  std::chrono::milliseconds patience = kStorePatience);

}  // namespace weir::control::sql
