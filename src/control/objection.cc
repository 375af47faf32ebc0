#include "control/objection.h"

namespace weir::control {

std::unexpected<Objection> object_to(Objection::Kind kind, std::string message, Findings findings) {
  return std::unexpected(Objection{.kind = kind, .message = std::move(message), .findings = std::move(findings)});
}

Objection objection_of(StoreError error) {
  return {.kind = Objection::Kind::store, .message = error.message, .store = std::move(error)};
}

Agreed<void> transact(Store& store, bool dry_run, const std::function<Agreed<void>(StoreWriter&)>& work) {
  // The store knows only errors of its own: what else ends a transaction is kept here meanwhile.
  Agreed<void> outcome;
  bool undone = false;
  const auto kept = store.write([&](StoreWriter& writer) -> StoreResult<void> {
    outcome = work(writer);
    undone = dry_run || !outcome;
    if (undone) return std::unexpected(StoreError{StoreError::Kind::broken, "undone"});
    return {};
  });
  if (undone) return outcome;
  return agreed(kept);
}

}  // namespace weir::control
