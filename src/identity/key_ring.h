// The API keys a worker answers from: a whole table, a small one of what has changed since, and the pepper. The feed
// on the control thread makes a KeySet and posts it to the workers; each has a ring of its own, so a swap takes no
// lock and no key is half old. The worker's thread only.
#pragma once

#include <memory>

#include "crypto/digest.h"
#include "identity/key_table.h"
#include "ports/credential_store.h"

namespace weir::identity {

// Immutable, shared by all workers.
struct KeySet {
  std::shared_ptr<const KeyTable> all;
  std::shared_ptr<const KeyTable> changed;  // wins over `all`; nullptr: nothing has changed
  std::shared_ptr<const crypto::Mac> pepper;
};

// How many keys there are of each state, at `now` in seconds: those a request would meet.
struct KeyStates {
  std::uint64_t live = 0, disabled = 0, revoked = 0, expired = 0;
};
KeyStates states_of(const KeySet& keys, std::int64_t now) noexcept;

class KeyRing final : public ports::CredentialStore {
 public:
  void replace(std::shared_ptr<const KeySet> keys) noexcept { keys_ = std::move(keys); }
  Answer api_key(std::string_view id, std::string_view secret, std::int64_t now) override;
  void note_malformed() noexcept override { ++counters_.malformed; }
  Counters counters() const noexcept override { return counters_; }

 private:
  Answer look_up(std::string_view id, std::string_view secret, std::int64_t now) const;

  std::shared_ptr<const KeySet> keys_;  // nullptr: not loaded yet
  Counters counters_;
};

}  // namespace weir::identity
