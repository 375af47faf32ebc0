// The audit log: who changed what, when, from where, before and after; each entry holds the hash of the one before,
// so that one that was changed, left out or put in shows. Whoever can write the database can make a whole new chain:
// keep the head's hash elsewhere (`weir audit verify` prints it). Used by everything that changes something. Blocking
// where it takes a store; any thread.
#pragma once

#include <string>

#include "control/store.h"

namespace weir::control {

// The end of the chain, for whoever appends many entries and nobody else between them.
struct AuditTail {
  bool keep = false;
  std::uint64_t seq = 0;
  std::string hash{};  // empty: not known yet
};

// `entry` without seq, previous and hash, which it gets. In the transaction of what it tells of.
StoreResult<void> append_audit(StoreWriter& writer, AuditEntry entry, AuditTail* tail = nullptr);

// SHA-256 of the canonical JSON of everything but `hash`, hex.
std::string hash_of(const AuditEntry& entry);
// With the hash; for the API.
Json to_json(const AuditEntry& entry);

struct AuditVerdict {
  bool ok = true;
  std::uint64_t entries = 0;    // that hold
  std::string head;             // hash of the last of them
  std::uint64_t broken_at = 0;  // seq of the first that does not
  std::string reason;           // a sentence
};
// Reads all of it, page by page, each in a view of its own.
StoreResult<AuditVerdict> verify_audit(Store& store);

// What may be seen of a body: sealed texts, keys of certificates, values of secrets and hashes of passwords become
// "sha256:…", so that a change of one still shows.
Json redacted(Kind kind, Json body);

inline const std::string kNoHash(64, '0');  // `previous` of the first entry

}  // namespace weir::control
