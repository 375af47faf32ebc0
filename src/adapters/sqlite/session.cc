#include "adapters/sqlite/session.h"

#include <sqlite3.h>

#include "adapters/sqlite/tables.h"

namespace weir::adapters::sqlite {

using control::StoreError;
using control::StoreResult;
using control::sql::Mode;
using control::sql::Rows;
using control::sql::Value;

namespace {

// "WEIC" as a number: a control plane's file, told apart from other SQLite files and from those of API keys ("WEIR").
constexpr int kMark = 0x57454943;

StoreError::Kind kind_of(int code) {
  switch (code & 0xff) {
    case SQLITE_READONLY:
      return StoreError::Kind::read_only;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_IOERR:
    case SQLITE_FULL:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
    case SQLITE_NOMEM:
      return StoreError::Kind::unavailable;
    default:
      return StoreError::Kind::broken;
  }
}

void bind(sqlite3_stmt* statement, int at, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) {
    sqlite3_bind_int64(statement, at, *number);
    return;
  }
  const std::string_view text = std::get<std::string_view>(value);
  // Static: it outlives the statement. A null pointer would be NULL and not "".
  sqlite3_bind_text64(statement, at, text.empty() ? "" : text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

}  // namespace

std::optional<FileIdentity> FileIdentity::of(const std::string& path) noexcept {
  struct stat about{};
  if (::stat(path.c_str(), &about) != 0) return std::nullopt;
  return FileIdentity{about.st_dev, about.st_ino};
}

StoreResult<std::unique_ptr<control::sql::Session>> Session::open(const std::string& path,
                                                                  std::optional<FileIdentity> file,
                                                                  std::chrono::milliseconds patience) {
  sqlite3* database = nullptr;
  const int result = sqlite3_open_v2(path.c_str(), &database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<Session> session(new Session(database, path, file));
  if (auto same = session->look(); !same) return std::unexpected(std::move(same.error()));
  if (result != SQLITE_OK) return session->failed();
  sqlite3_busy_timeout(database, static_cast<int>(patience.count()));
  if (auto ready = session->set_up(); !ready) return std::unexpected(std::move(ready.error()));
  return session;
}

Session::~Session() { sqlite3_close_v2(database_); }

std::unexpected<StoreError> Session::failed() const {
  return std::unexpected(
      StoreError{kind_of(sqlite3_extended_errcode(database_)), path_ + ": " + sqlite3_errmsg(database_)});
}

StoreResult<void> Session::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return failed();
}

StoreResult<void> Session::set_up() {
  // FULL: what a commit has answered survives a power cut, which WAL alone does not promise.
  if (auto done = execute("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"); !done) return done;
  const auto pragma = [&](const char* statement) -> StoreResult<std::int64_t> {
    auto rows = run(statement, {});
    if (!rows) return std::unexpected(std::move(rows.error()));
    return rows->empty() ? 0 : std::stoll(rows->front()[0]);
  };
  const auto newest = static_cast<std::int64_t>(kTableSteps.size());
  auto form = pragma("PRAGMA user_version");
  if (!form) return std::unexpected(std::move(form.error()));
  const auto mark = pragma("PRAGMA application_id");
  if (!mark) return std::unexpected(mark.error());
  const auto tables = pragma("SELECT count(*) FROM sqlite_schema");
  if (!tables) return std::unexpected(tables.error());
  if (*mark != kMark && *tables != 0)
    return std::unexpected(StoreError{StoreError::Kind::broken, path_ + " is the database of another program"});
  if (*form > newest)
    return std::unexpected(StoreError{StoreError::Kind::outdated, path_ + ": this weir is older than the database"});
  if (*form == newest) return {};
  // WAL: readers and the one writer do not wait for each other.
  if (auto done = execute("PRAGMA journal_mode = WAL"); !done) return done;
  if (auto done = execute("BEGIN IMMEDIATE"); !done) return done;
  form = pragma("PRAGMA user_version");  // another process may have been quicker
  for (auto at = form.value_or(newest); at < newest; ++at) {
    if (auto done = execute(kTableSteps[static_cast<std::size_t>(at)]); !done) return done;
  }
  const std::string marks = "PRAGMA application_id = " + std::to_string(kMark) +
                            "; PRAGMA user_version = " + std::to_string(newest) + "; COMMIT";
  return execute(marks.c_str());
}

StoreResult<void> Session::look() const {
  if (!file_) return {};
  const auto now = FileIdentity::of(path_);
  if (now == file_) return {};
  return std::unexpected(StoreError{
      StoreError::Kind::unavailable,
      path_ + (now ? " was replaced while it was in use: restart, to use the file that is there now"
                   : " was removed while it was in use: put it back, or restart after restoring a backup")});
}

StoreResult<void> Session::begin(Mode mode, std::chrono::milliseconds patience) {
  if (auto same = look(); !same) return same;
  sqlite3_busy_timeout(database_, static_cast<int>(patience.count()));
  return execute(mode == Mode::write ? "BEGIN IMMEDIATE" : "BEGIN");
}

StoreResult<Rows> Session::run(const std::string& statement, std::span<const Value> values) {
  sqlite3_stmt* raw = nullptr;
  if (sqlite3_prepare_v2(database_, statement.data(), static_cast<int>(statement.size()), &raw, nullptr) != SQLITE_OK)
    return failed();
  const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> prepared(raw, sqlite3_finalize);
  // To SQLite $2 is a name: its place is that of its first use.
  for (int i = 1; i <= static_cast<int>(values.size()); ++i) {
    const int at = sqlite3_bind_parameter_index(raw, ("$" + std::to_string(i)).c_str());
    if (at != 0) bind(raw, at, values[static_cast<std::size_t>(i - 1)]);
  }
  Rows rows;
  int result = sqlite3_step(raw);
  for (; result == SQLITE_ROW; result = sqlite3_step(raw)) {
    auto& row = rows.emplace_back();
    for (int i = 0; i < sqlite3_column_count(raw); ++i) {
      const auto* text = reinterpret_cast<const char*>(sqlite3_column_text(raw, i));
      const auto size = static_cast<std::size_t>(sqlite3_column_bytes(raw, i));
      row.emplace_back(text == nullptr ? std::string() : std::string(text, size));
    }
  }
  if (result != SQLITE_DONE) return failed();
  return rows;
}

// There is no way to save by waiting.
StoreResult<void> Session::later(const std::string& statement, std::span<const Value> values) {
  auto done = run(statement, values);
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

StoreResult<void> Session::commit() {
  // An error such as a full disk may have undone the transaction already; then there is nothing to commit.
  if (sqlite3_get_autocommit(database_) != 0)
    return std::unexpected(StoreError{StoreError::Kind::broken, path_ + ": the change was undone by an error in it"});
  if (auto same = look(); !same) {
    rollback();
    return same;
  }
  auto done = execute("COMMIT");
  if (!done) rollback();
  return done;
}

void Session::rollback() noexcept {
  if (sqlite3_get_autocommit(database_) != 0) return;
  if (sqlite3_exec(database_, "ROLLBACK", nullptr, nullptr, nullptr) != SQLITE_OK) usable_ = false;
}

std::string Session::has_tag(int number) const {
  return "EXISTS (SELECT 1 FROM json_each(tags) WHERE json_each.value = $" + std::to_string(number) + ")";
}

}  // namespace weir::adapters::sqlite
