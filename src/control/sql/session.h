// One connection to a database that speaks SQL, as the store needs it: transactions and statements with the
// parameters $1, $2, …, which both Postgres and SQLite understand. Made by adapters/postgres and adapters/sqlite,
// held by pool.h. One thread at a time; every call blocks, within the patience its transaction was begun with.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "control/store.h"

namespace weir::control::sql {

// Texts must be UTF-8 without NUL bytes (storable()); they are only read during the call.
using Value = std::variant<std::int64_t, std::string_view>;
using Row = std::vector<std::string>;  // the columns as text; NULL is ""
using Rows = std::vector<Row>;

enum class Mode : std::uint8_t {
  read,   // one consistent view
  write,  // the same, and no other writer of this database until the end
};

class Session {
 public:
  virtual ~Session() = default;
  // All waiting of the transaction, up to commit(), together takes no longer than `patience`. After an error nothing
  // has begun.
  virtual StoreResult<void> begin(Mode mode, std::chrono::milliseconds patience) = 0;
  virtual StoreResult<Rows> run(const std::string& statement, std::span<const Value> values = {}) = 0;
  // The same for a statement whose rows do not matter. It may be sent only with the next run() or commit(), which
  // then has its error: 2,000 objects are not 2,000 round trips.
  virtual StoreResult<void> later(const std::string& statement, std::span<const Value> values) = 0;
  // After an error the transaction is undone, unless the message says that this is not known.
  virtual StoreResult<void> commit() = 0;
  virtual void rollback() noexcept = 0;
  // False: the connection is gone, or what it is good for has changed. Throw the session away.
  virtual bool usable() const noexcept = 0;
  // A condition on the parameter `number`: the column `tags`, a JSON array of strings, has it among its items.
  virtual std::string has_tag(int number) const = 0;
};

// What both databases can keep and compare as text.
bool storable(std::string_view text) noexcept;

}  // namespace weir::control::sql
