// Why a change or a publication was not done, and the transaction it is then undone with. Used by everything of
// control/ that writes, and by the admin API, which makes statuses of it. Blocking; any thread.
#pragma once

#include <expected>
#include <functional>
#include <string>

#include "control/finding.h"
#include "control/store.h"

namespace weir::control {

struct Objection {
  enum class Kind : std::uint8_t {
    invalid,         // findings say what
    exists,          // it was to be new
    absent,          // it is not there
    stale,           // another version is in use: `current`
    unconditional,   // it is there, and no version was expected: somebody else's change could be lost
    forbidden,       // the role or the teams do not reach this far
    unpublishable,   // findings stand in the way
    unknown_filter,  // there is no filter of this name, or it cannot be attached there
    store,           // the database: `store`
  };
  Kind kind = Kind::invalid;
  std::string message;  // a sentence
  Findings findings{};
  std::uint64_t current = 0;
  StoreError store{};
};

template <class T>
using Agreed = std::expected<T, Objection>;

std::unexpected<Objection> object_to(Objection::Kind kind, std::string message, Findings findings = {});
Objection objection_of(StoreError error);

// `result` of a store call, or its error as an Objection.
template <class T>
Agreed<T> agreed(StoreResult<T> result) {
  if (!result) return std::unexpected(objection_of(std::move(result.error())));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*result);
}

// Runs `work` in one transaction: kept if it agrees, undone if it objects or if this is a dry run. An objection of a
// commit is the store's.
Agreed<void> transact(Store& store, bool dry_run, const std::function<Agreed<void>(StoreWriter&)>& work);

}  // namespace weir::control
