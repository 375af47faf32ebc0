// One Postgres connection as a session of the store: made by store.cc, held by its pool. One thread at a time.
// Nothing is set for the session, only for transactions, so that a pooler between (PgBouncer) does no harm.
#pragma once

#include "adapters/postgres/servers.h"
#include "control/sql/session.h"

struct pg_result;

namespace weir::adapters::postgres {

class Session final : public control::sql::Session {
 public:
  static control::StoreResult<std::unique_ptr<Session>> connect(Servers& servers, std::chrono::milliseconds patience);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  control::StoreResult<void> begin(control::sql::Mode mode, std::chrono::milliseconds patience) override;
  control::StoreResult<control::sql::Rows> run(const std::string& statement,
                                               std::span<const control::sql::Value> values) override;
  // Several statements, without parameters; the rows of the last.
  control::StoreResult<control::sql::Rows> script(const std::string& statements);
  // Kept by libpq (its pipeline mode) until the next of the others.
  control::StoreResult<void> later(const std::string& statement,
                                   std::span<const control::sql::Value> values) override;
  control::StoreResult<void> commit() override;
  void rollback() noexcept override;
  bool usable() const noexcept override;
  std::string has_tag(int number) const override;

  // The highest step of tables.h that the database has; 0 without any. Errors: outdated when it has steps that this
  // program does not know. In a transaction.
  control::StoreResult<int> steps();

 private:
  struct FreeResult {
    void operator()(pg_result* result) const noexcept;
  };
  using Result = std::unique_ptr<pg_result, FreeResult>;

  explicit Session(Connection connection);
  // False: there is no whole result before `deadline`.
  bool ready(std::chrono::steady_clock::time_point deadline);
  // The last result of what was sent: the first that failed, if one did. Null: the server did not answer in time.
  Result await();
  bool send(const std::string& statement, std::span<const control::sql::Value> values);
  control::StoreResult<void> drain();  // has the results of later()
  control::StoreResult<control::sql::Rows> rows(bool sent);
  control::StoreError error_of(const pg_result* result) const;
  std::unexpected<control::StoreError> broke();

  Connection connection_;
  std::chrono::milliseconds left_{0};  // of the patience of this transaction
  bool pipelined_ = false;
  bool usable_ = true;
  bool warned_ = false;  // the server sent a warning since this was last set to false
};

}  // namespace weir::adapters::postgres
