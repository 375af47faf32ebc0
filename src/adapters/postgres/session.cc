#include "adapters/postgres/session.h"

#include <libpq-fe.h>
#include <poll.h>

#include <algorithm>
#include <cstring>

#include "adapters/postgres/tables.h"

namespace weir::adapters::postgres {

using control::StoreError;
using control::StoreResult;
using control::sql::Mode;
using control::sql::Rows;
using control::sql::Value;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

namespace {

// One lock for all writers of a database: "weirctrl" as a number.
constexpr const char* kLock = "8603398603176964716";
// The server's own limits end a little before ours, so that its answer comes and the connection can be used again;
// that of locks first, since its message says more.
constexpr milliseconds kServerAhead{150};
constexpr milliseconds kLockAhead{300};
// How long undoing may take; then the connection is closed, which undoes as well.
constexpr milliseconds kUndoPatience{500};
// After which a server gives up on a program that was stopped in a transaction, and with it the lock of all writers.
constexpr const char* kIdleLimit = "30s";

constexpr const char* kUnknown = ": whether the change was kept is not known; read it again before repeating it";

// Classes and codes: Postgres's manual, appendix A.
StoreError::Kind kind_of(std::string_view state) {
  using enum StoreError::Kind;
  if (state == "25006") return read_only;
  if (state == "42P01" || state == "42703" || state == "42883" || state == "3F000") return outdated;
  for (const std::string_view unavailable_class : {"08", "53", "57", "58"})
    if (state.starts_with(unavailable_class)) return unavailable;
  // Serialization failure, deadlock, lock timeout, idle in a transaction; and no code at all: the connection broke.
  for (const std::string_view code : {"40001", "40P01", "55P03", "25P03", ""})
    if (state == code) return unavailable;
  return broken;
}

bool has_nul(std::span<const Value> values) {
  return std::ranges::any_of(values, [](const Value& value) {
    const auto* text = std::get_if<std::string_view>(&value);
    return text != nullptr && text->find('\0') != std::string_view::npos;
  });
}

StoreError undone() { return {StoreError::Kind::broken, "Postgres: the change was undone by an error in it"}; }

StoreError nul() { return {StoreError::Kind::broken, "Postgres cannot keep a text with a NUL byte"}; }

}  // namespace

void Session::FreeResult::operator()(pg_result* result) const noexcept { PQclear(result); }

Session::Session(Connection connection) : connection_(std::move(connection)) {
  // Without one libpq writes notices to standard error.
  PQsetNoticeReceiver(
      connection_.get(),
      [](void* self, const PGresult* notice) {
        const char* severity = PQresultErrorField(notice, PG_DIAG_SEVERITY_NONLOCALIZED);
        if (severity != nullptr && std::strcmp(severity, "WARNING") == 0) static_cast<Session*>(self)->warned_ = true;
      },
      this);
}

StoreResult<std::unique_ptr<Session>> Session::connect(Servers& servers, milliseconds patience) {
  auto connection = servers.connect(patience);
  if (!connection) return std::unexpected(std::move(connection.error()));
  return std::unique_ptr<Session>(new Session(std::move(*connection)));
}

bool Session::usable() const noexcept {
  return usable_ && PQstatus(connection_.get()) == CONNECTION_OK &&
         PQtransactionStatus(connection_.get()) == PQTRANS_IDLE;
}

std::string Session::has_tag(int number) const { return "tags ? $" + std::to_string(number); }

StoreError Session::error_of(const pg_result* result) const {
  if (result == nullptr) return {StoreError::Kind::unavailable, "Postgres does not answer"};
  const char* state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
  const char* primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
  const std::string_view code = state == nullptr ? "" : state;
  if (code == "55P03")
    return {StoreError::Kind::unavailable, "Postgres: another program's change is still being written; try again"};
  return {kind_of(code), "Postgres: " + sentence(primary == nullptr ? PQresultErrorMessage(result) : primary)};
}

bool Session::ready(Clock::time_point deadline) {
  for (;;) {
    const int flushing = PQflush(connection_.get());
    // A connection that broke is never busy: PQgetResult says so.
    if (flushing < 0 || (flushing == 0 && PQisBusy(connection_.get()) == 0)) return true;
    if (!wait_for(connection_.get(), flushing == 1 ? POLLIN | POLLOUT : POLLIN, deadline)) {
      usable_ = false;
      return false;
    }
    if (PQconsumeInput(connection_.get()) == 0) {
      usable_ = false;
      return true;
    }
  }
}

Session::Result Session::await() {
  const auto start = Clock::now();
  const auto deadline = start + left_;
  Result out;
  for (bool whole = false; !whole;) {
    if (!ready(deadline)) {
      out = nullptr;
      break;
    }
    Result next(PQgetResult(connection_.get()));
    whole = next == nullptr;
    const bool failed = out && PQresultStatus(out.get()) == PGRES_FATAL_ERROR;
    if (next && !failed) out = std::move(next);
  }
  left_ -= std::min(left_, std::chrono::duration_cast<milliseconds>(Clock::now() - start));
  return out;
}

std::unexpected<StoreError> Session::broke() {
  usable_ = false;
  return std::unexpected(
      StoreError{StoreError::Kind::unavailable, "Postgres: " + sentence(PQerrorMessage(connection_.get()))});
}

StoreResult<void> Session::drain() {
  if (!pipelined_) return {};
  pipelined_ = false;
  if (PQpipelineSync(connection_.get()) != 1) return broke();
  const auto start = Clock::now();
  const auto deadline = start + left_;
  StoreResult<void> out;
  for (;;) {
    if (!ready(deadline)) return std::unexpected(error_of(nullptr));
    const Result next(PQgetResult(connection_.get()));
    const auto status = next ? PQresultStatus(next.get()) : PGRES_EMPTY_QUERY;  // null: the end of one statement's
    if (status == PGRES_FATAL_ERROR && out) out = std::unexpected(error_of(next.get()));
    if (PQstatus(connection_.get()) != CONNECTION_OK) return out ? broke() : out;
    if (status == PGRES_PIPELINE_SYNC) break;
  }
  left_ -= std::min(left_, std::chrono::duration_cast<milliseconds>(Clock::now() - start));
  if (PQexitPipelineMode(connection_.get()) != 1) return broke();
  return out;
}

StoreResult<Rows> Session::rows(bool sent) {
  if (!sent) return broke();
  const Result result = await();
  const auto status = result ? PQresultStatus(result.get()) : PGRES_FATAL_ERROR;
  if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK && status != PGRES_EMPTY_QUERY)
    return std::unexpected(error_of(result.get()));
  Rows out;
  const int columns = PQnfields(result.get());
  out.reserve(static_cast<std::size_t>(PQntuples(result.get())));
  for (int i = 0; i < PQntuples(result.get()); ++i) {
    auto& row = out.emplace_back();
    for (int k = 0; k < columns; ++k)
      row.emplace_back(PQgetvalue(result.get(), i, k), static_cast<std::size_t>(PQgetlength(result.get(), i, k)));
  }
  return out;
}

StoreResult<Rows> Session::script(const std::string& statements) {
  if (auto drained = drain(); !drained) return std::unexpected(std::move(drained.error()));
  return rows(PQsendQuery(connection_.get(), statements.c_str()) == 1);
}

bool Session::send(const std::string& statement, std::span<const Value> values) {
  std::vector<std::string> texts;  // libpq wants an end of each
  texts.reserve(values.size());
  for (const Value& value : values) {
    const auto* number = std::get_if<std::int64_t>(&value);
    texts.push_back(number != nullptr ? std::to_string(*number) : std::string(std::get<std::string_view>(value)));
  }
  std::vector<const char*> pointers;
  pointers.reserve(texts.size());
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  return PQsendQueryParams(connection_.get(), statement.c_str(), static_cast<int>(pointers.size()), nullptr,
                           pointers.data(), nullptr, nullptr, 0) == 1;
}

StoreResult<Rows> Session::run(const std::string& statement, std::span<const Value> values) {
  if (has_nul(values)) return std::unexpected(nul());
  if (auto drained = drain(); !drained) return std::unexpected(std::move(drained.error()));
  return rows(send(statement, values));
}

StoreResult<void> Session::later(const std::string& statement, std::span<const Value> values) {
  if (has_nul(values)) return std::unexpected(nul());
  if (PQtransactionStatus(connection_.get()) == PQTRANS_INERROR) return std::unexpected(undone());
  if (!pipelined_ && PQenterPipelineMode(connection_.get()) != 1) return broke();
  pipelined_ = true;
  if (!send(statement, values)) return broke();
  return {};
}

StoreResult<void> Session::begin(Mode mode, milliseconds patience) {
  left_ = patience;
  const auto limit = [&](milliseconds ahead) {
    return std::to_string(std::max(patience - ahead, milliseconds(1)).count());
  };
  std::string statements = mode == Mode::read ? "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
                                              // A new snapshot for each statement, so that those after the lock see
                                              // all that was written before it was had.
                                              : "BEGIN ISOLATION LEVEL READ COMMITTED";
  statements += "; SET LOCAL statement_timeout = " + limit(kServerAhead);
  if (mode == Mode::write)
    statements += "; SET LOCAL lock_timeout = " + limit(kLockAhead) +
                  "; SET LOCAL idle_in_transaction_session_timeout = '" + kIdleLimit +
                  "'; SELECT pg_advisory_xact_lock(" + kLock + "); SELECT current_setting('transaction_read_only')";
  auto begun = script(statements);
  if (!begun) {
    rollback();
    return std::unexpected(std::move(begun.error()));
  }
  if (mode == Mode::write && !begun->empty() && begun->front()[0] == "on") {
    rollback();
    usable_ = false;  // the next connection may find the server that has been promoted
    return std::unexpected(
        StoreError{StoreError::Kind::read_only,
                   "Postgres: the database is read-only now, e.g. a standby that was not promoted"});
  }
  return {};
}

StoreResult<void> Session::commit() {
  if (auto drained = drain(); !drained) {
    rollback();
    return drained;
  }
  warned_ = false;
  const bool sent = PQsendQuery(connection_.get(), "COMMIT") == 1;
  const Result result = sent ? await() : nullptr;
  const bool said = result != nullptr && PQstatus(connection_.get()) == CONNECTION_OK;
  if (!said) {
    usable_ = false;
    return std::unexpected(StoreError{StoreError::Kind::unavailable, error_of(result.get()).message + kUnknown});
  }
  if (PQresultStatus(result.get()) != PGRES_COMMAND_OK) return std::unexpected(error_of(result.get()));
  if (std::strcmp(PQcmdStatus(result.get()), "COMMIT") != 0) return std::unexpected(undone());
  // "canceling wait for synchronous replication": kept here, but perhaps not on the standby, and so not as promised.
  if (warned_)
    return std::unexpected(StoreError{StoreError::Kind::unavailable,
                                      std::string("Postgres: no standby confirmed the change") + kUnknown});
  return {};
}

void Session::rollback() noexcept {
  left_ = kUndoPatience;
  (void)drain();
  const auto status = PQtransactionStatus(connection_.get());
  if (status == PQTRANS_IDLE) return;
  // Still busy: it did not answer. Closing undoes too.
  if (status == PQTRANS_ACTIVE || !script("ROLLBACK")) usable_ = false;
}

StoreResult<int> Session::steps() {
  auto there = run("SELECT to_regclass('weir_migrations')", {});
  if (!there) return std::unexpected(std::move(there.error()));
  if (there->front()[0].empty()) return 0;
  auto found = run("SELECT coalesce(max(number), 0) FROM weir_migrations", {});
  if (!found) return std::unexpected(std::move(found.error()));
  const int number = std::stoi(found->front()[0]);
  if (number > static_cast<int>(kTableSteps.size()))
    return std::unexpected(StoreError{StoreError::Kind::outdated, "this weir is older than the database's tables"});
  return number;
}

}  // namespace weir::adapters::postgres
