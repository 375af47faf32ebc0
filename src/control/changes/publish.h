// The draft becomes a revision: assembled, compiled by the code that gateways run, linted, guarded, numbered, signed,
// stored. Used by the admin API and by seeding. It announces nothing: whoever called does. Blocking: seconds for
// 2,000 routes and 50,000 consumers are fine, the store's lock is held only for what must be under it.
#pragma once

#include <string>

#include "control/changes/changes.h"
#include "control/checks/rules.h"
#include "control/objection.h"
#include "revision/delta.h"
#include "revision/signed.h"

namespace weir::control {

struct PublishOptions {
  std::string message{};
  bool force = false;              // past the guards, never past an error or a rule that blocks
  bool dry_run = false;            // everything but keeping it
  std::uint64_t rollback_to = 0;   // the draft becomes this revision's document first; 0: as it is
  std::uint64_t number_floor = 0;  // the highest number known elsewhere (Redis): the new one is above
};

struct Published {
  revision::Signed revision;  // the last one, if nothing changed
  RevisionInfo info;
  bool unchanged = false;  // the draft is what the last revision is: there is no new one
  Findings warnings;
  revision::Extent changes;
  // Upstreams that are still to be probed, by warn_of_unreachable(), once the lock is let go.
  std::vector<ProbeTarget> unprobed{};
};

// What check() and a publication say of a document. No revision without it.
struct Proof {
  std::uint64_t base = 0;  // the last revision, that it was compared with; 0: none
  std::string text;        // canonical
  std::string digest;
  Findings findings;  // all but those ignored; the guards' too
  revision::Extent changes;
  std::vector<ProbeTarget> unprobed{};
  bool publishable(bool force) const noexcept;
};
// Of the draft, or of the document of a revision. Reads the store, and compiles and probes when it has let go of it.
Agreed<Proof> check(Store& store, const Rules& rules, std::uint64_t rollback_to = 0);

// Whom a revision names and who takes no connection; nothing if upstreams are not probed. For seconds: never inside a
// transaction.
Findings warn_of_unreachable(const Rules& rules, const std::vector<ProbeTarget>& targets);

// Inside a transaction of the caller's, behind changes of its own (?publish=true). A dry run is the caller's to undo.
// `proof`, if it is of the same document, spares compiling under the lock. Otherwise it is compiled there, but nobody
// is probed: `unprobed` says whom the caller asks afterwards, which can only warn. Objections: forbidden,
// unpublishable, absent (rollback_to), store.
Agreed<Published> publish(StoreWriter& writer, const Rules& rules, const revision::SigningKey& key,
                          const Author& author, const PublishOptions& options, const Proof* proof = nullptr);
// As a transaction of its own: proves first, then takes the lock.
Agreed<Published> publish(Store& store, const Rules& rules, const revision::SigningKey& key, const Author& author,
                          const PublishOptions& options);

// The draft becomes the last revision's document again; what was undone. Forbidden to whoever may not discard.
Agreed<std::vector<Changed>> discard(StoreWriter& writer, const Rules& rules, const Author& author);

// The published parts of a file become the draft and revision 1, if there is nothing in the store at all: neither
// objects nor revisions. nullopt: there was something. Findings of lint do not stand in the way.
Agreed<std::optional<Published>> seed(Store& store, const Rules& rules, const revision::SigningKey& key,
                                      const Json& document, std::uint64_t number_floor = 0);

// The revision that somebody has in use becomes the draft and the next revision, if there is nothing in the store at
// all: a database that was lost does not take routes from those who still serve them. nullopt: there was something.
Agreed<std::optional<Published>> restore(Store& store, const Rules& rules, const revision::SigningKey& key,
                                         const revision::Signed& in_use, std::uint64_t number_floor = 0);

// The last revision once more under the next number, if the key has changed since it was signed: gateways that know
// the new key refuse it as it is. nullopt: nothing to do.
Agreed<std::optional<Published>> sign_again(Store& store, const Rules& rules, const revision::SigningKey& key,
                                            std::uint64_t number_floor = 0);

}  // namespace weir::control
