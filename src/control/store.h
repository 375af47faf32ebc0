// What the control plane needs of a database: the draft's objects, revisions, operators, the audit log. Behind it
// Postgres (adapters/postgres) or SQLite (adapters/sqlite). Blocking: called on offload threads, never on a loop. All
// calls may come from several threads at once.
//
// Degraded answer: StoreError::Kind::unavailable within kStorePatience, whatever the database does (down, hanging,
// promoted, read-only); the admin API makes 503 of it and gateways never notice.
#pragma once

#include <chrono>
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "control/model.h"

namespace weir::control {

// The longest a call may take before it is given up: an operator waits for it.
inline constexpr auto kStorePatience = std::chrono::seconds(5);

struct StoreError {
  enum class Kind : std::uint8_t {
    unavailable,  // away, hanging or starting: try again later
    read_only,    // a standby: it answers reads, takes no writes
    outdated,     // its schema is older or newer than this program: migrate
    broken,       // anything else, e.g. a damaged row
  };
  Kind kind = Kind::broken;
  std::string message;  // a sentence for operators, without passwords
};
template <class T>
using StoreResult = std::expected<T, StoreError>;

// A page of a list, ordered by name (by number or seq, newest first, of revisions and audit).
struct Page {
  std::size_t limit = 100;
  std::string after{};  // the last name of the page before; empty: from the start
  std::string tag{};    // only what carries it; empty: all
  std::string text{};   // only names that contain it (ASCII case-insensitive); empty: all
};

// One consistent view of the store. Lives inside Store::read() and Store::write().
class StoreView {
 public:
  virtual ~StoreView() = default;
  virtual StoreResult<std::optional<Object>> object(Kind kind, std::string_view name) = 0;
  virtual StoreResult<std::vector<Object>> objects(Kind kind, const Page& page) = 0;
  virtual StoreResult<std::vector<Object>> all_objects() = 0;  // ordered by kind, then name
  virtual StoreResult<std::uint64_t> last_change() = 0;        // the highest version given, removals count; 0: none
  virtual StoreResult<std::optional<RevisionInfo>> revision(std::uint64_t number) = 0;      // 0: the latest
  virtual StoreResult<std::optional<revision::Signed>> document(std::uint64_t number) = 0;  // 0: the latest
  // Newest first; those with a number below `before` (0: all).
  virtual StoreResult<std::vector<RevisionInfo>> revisions(std::uint64_t before, std::size_t limit) = 0;
  virtual StoreResult<std::optional<Operator>> find_operator(std::string_view name) = 0;
  virtual StoreResult<std::optional<Operator>> operator_by_token(std::string_view token_id) = 0;
  virtual StoreResult<std::vector<Operator>> operators() = 0;  // by name
  virtual StoreResult<std::optional<AuditEntry>> last_audit() = 0;
  // Oldest first; those with a seq above `after`.
  virtual StoreResult<std::vector<AuditEntry>> audit(std::uint64_t after, std::size_t limit) = 0;
  virtual StoreResult<std::optional<Remembered>> remembered(std::string_view actor, std::string_view key) = 0;
};

// Inside Store::write() only. Writers come one after the other, over all processes that share the database.
class StoreWriter : public StoreView {
 public:
  // Inserts or replaces; gives the object its version and returns it.
  virtual StoreResult<std::uint64_t> put(const Object& object) = 0;
  virtual StoreResult<bool> remove(Kind kind, std::string_view name) = 0;  // false: it was not there
  virtual StoreResult<void> add_revision(const RevisionInfo& info, const revision::Signed& revision) = 0;
  virtual StoreResult<void> put_operator(Operator& changed) = 0;  // gives it its version
  // Forgets the answers to its requests too: who has the name later does not inherit them.
  virtual StoreResult<bool> remove_operator(std::string_view name) = 0;
  virtual StoreResult<void> add_audit(const AuditEntry& entry) = 0;  // seq must be the last one's + 1
  virtual StoreResult<void> remember(const Remembered& answer) = 0;  // also forgets those older than 24 h
};

class Store {
 public:
  virtual ~Store() = default;
  // `work` is run once; an error of it, or of the commit, leaves the store as it was. When write() returns a value
  // the change is durable (of Postgres: as durable as its synchronous_commit and standbys make it).
  template <class T>
  using Reading = std::function<StoreResult<T>(StoreView&)>;
  virtual StoreResult<void> read(const Reading<void>& work) = 0;
  using Writing = std::function<StoreResult<void>(StoreWriter&)>;
  virtual StoreResult<void> write(const Writing& work) = 0;
  // Token uses, told now and then; lost ones do not matter.
  virtual StoreResult<void> note_token_use(std::string_view token_id, std::int64_t at) = 0;
};

}  // namespace weir::control
