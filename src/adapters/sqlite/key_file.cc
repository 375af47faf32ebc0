#include "adapters/sqlite/key_file.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <cstring>

#include "crypto/digest.h"

namespace weir::adapters::sqlite {
namespace {

using identity::KeyRecord;

// How long one process waits for another's write: a write of ours takes milliseconds.
constexpr int kBusyMs = 5000;
// Told apart from other SQLite files, and from forms of this one that come later. "WEIR" as a number.
constexpr const char* kMark = "PRAGMA application_id = 1464158546; PRAGMA user_version = 1";
constexpr std::int64_t kForm = 1;

constexpr const char* kTable = R"(
CREATE TABLE IF NOT EXISTS api_keys (
  id TEXT NOT NULL PRIMARY KEY,
  consumer TEXT NOT NULL,
  custom_id TEXT NOT NULL,
  group_list TEXT NOT NULL,
  scope_list TEXT NOT NULL,
  created INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  last_used INTEGER NOT NULL,
  revoked INTEGER NOT NULL,
  disabled INTEGER NOT NULL,
  hash_1 BLOB, created_1 INTEGER, expires_1 INTEGER,
  hash_2 BLOB, created_2 INTEGER, expires_2 INTEGER
) STRICT, WITHOUT ROWID)";

constexpr const char* kColumns =
    "SELECT id, consumer, custom_id, group_list, scope_list, created, expires, last_used, revoked, disabled, "
    "hash_1, created_1, expires_1, hash_2, created_2, expires_2 FROM api_keys";
constexpr int kFirstSecret = 10;

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : " ").append(word);
  return out;
}

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t end = text.find(' ');
    if (end != 0) out.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return out;
}

}  // namespace

class KeyFile::Statement {
 public:
  Statement(sqlite3* database, const char* sql) {
    if (sqlite3_prepare_v2(database, sql, -1, &statement_, nullptr) != SQLITE_OK) statement_ = nullptr;
  }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;
  ~Statement() { sqlite3_finalize(statement_); }

  explicit operator bool() const noexcept { return statement_ != nullptr; }
  int step() { return sqlite3_step(statement_); }
  void reset() { sqlite3_reset(statement_); }

  void bind(int at, std::string_view text) {
    // Not SQLITE_STATIC's business where an empty view points to.
    sqlite3_bind_text(statement_, at, text.empty() ? "" : text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
  }
  void bind(int at, std::int64_t value) { sqlite3_bind_int64(statement_, at, value); }
  void bind(int at, const crypto::Digest& hash) {
    sqlite3_bind_blob(statement_, at, hash.data(), static_cast<int>(hash.size()), SQLITE_TRANSIENT);
  }

  std::string_view text(int column) {
    const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
    return bytes == nullptr
               ? std::string_view()
               : std::string_view(bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column)));
  }
  std::int64_t number(int column) { return sqlite3_column_int64(statement_, column); }
  bool hash(int column, crypto::Digest& out) {
    const void* bytes = sqlite3_column_blob(statement_, column);
    if (bytes == nullptr || sqlite3_column_bytes(statement_, column) != static_cast<int>(out.size())) return false;
    std::memcpy(out.data(), bytes, out.size());
    return true;
  }

  KeyRecord record() {
    KeyRecord out;
    out.id = text(0);
    out.consumer = text(1);
    out.custom_id = text(2);
    out.groups = split(text(3));
    out.scopes = split(text(4));
    out.created = number(5);
    out.expires = number(6);
    out.last_used = number(7);
    out.revoked = number(8);
    out.disabled = number(9) != 0;
    for (std::size_t i = 0; i < identity::kMostSecrets; ++i) {
      const int at = kFirstSecret + 3 * static_cast<int>(i);
      KeyRecord::Secret secret;
      if (!hash(at, secret.hash)) continue;
      secret.created = number(at + 1);
      secret.expires = number(at + 2);
      out.secrets.push_back(secret);
    }
    return out;
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
};

KeyFile::KeyFile(sqlite3* database, std::string path, bool writable)
    : database_(database), path_(std::move(path)), writable_(writable) {
  sqlite3_busy_timeout(database_, kBusyMs);
}

KeyFile::~KeyFile() { sqlite3_close_v2(database_); }

std::string KeyFile::why(std::string_view what) const {
  return path_ + ": " + std::string(what) + ": " + sqlite3_errmsg(database_);
}

std::expected<std::unique_ptr<KeyFile>, std::string> KeyFile::open(const std::string& path, Mode mode) {
  const mode_t before = mode == Mode::create ? ::umask(0077) : 0;  // SQLite makes the file readable by everybody
  sqlite3* database = nullptr;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | (mode == Mode::create ? SQLITE_OPEN_CREATE : 0);
  int result = sqlite3_open_v2(path.c_str(), &database, flags, nullptr);
  if (mode == Mode::create) ::umask(before);
  bool writable = result == SQLITE_OK && sqlite3_db_readonly(database, "main") == 0;
  std::unique_ptr<KeyFile> out(new KeyFile(database, path, writable));
  if (result != SQLITE_OK) return std::unexpected(out->why("cannot be opened"));
  if (auto ready = out->set_up(); !ready) return std::unexpected(std::move(ready.error()));
  return out;
}

std::expected<void, std::string> KeyFile::execute(const char* sql) {
  if (sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK) return {};
  return std::unexpected(why("cannot be used"));
}

std::expected<void, std::string> KeyFile::set_up() {
  std::int64_t form = 0;
  {
    Statement version(database_, "PRAGMA user_version");
    if (!version || version.step() != SQLITE_ROW) return std::unexpected(why("cannot be read"));
    form = version.number(0);
  }
  if (form > kForm) return std::unexpected(path_ + " was written by a later version of Weir");
  if (form == kForm || !writable_) return {};
  // WAL: the gateway reads while the command line writes.
  if (auto done = execute("PRAGMA journal_mode = WAL"); !done) return done;
  if (auto done = execute("BEGIN IMMEDIATE"); !done) return done;
  if (auto done = execute(kTable); !done) return done;
  if (auto done = execute(kMark); !done) return done;
  return execute("COMMIT");
}

std::expected<std::vector<KeyRecord>, std::string> KeyFile::select(const char* sql, const std::string* id) {
  Statement statement(database_, sql);
  if (!statement) return std::unexpected(why("cannot be read"));
  if (id != nullptr) statement.bind(1, *id);
  std::vector<KeyRecord> out;
  int result = statement.step();
  for (; result == SQLITE_ROW; result = statement.step()) out.push_back(statement.record());
  if (result != SQLITE_DONE) return std::unexpected(why("cannot be read"));
  return out;
}

std::expected<std::vector<KeyRecord>, std::string> KeyFile::all() { return select(kColumns, nullptr); }

std::expected<void, std::string> KeyFile::write(const KeyRecord& record, const char* sql) {
  Statement statement(database_, sql);
  if (!statement) return std::unexpected(why("cannot be written"));
  statement.bind(1, record.id);
  statement.bind(2, record.consumer);
  statement.bind(3, record.custom_id);
  statement.bind(4, joined(record.groups));
  statement.bind(5, joined(record.scopes));
  statement.bind(6, record.created);
  statement.bind(7, record.expires);
  statement.bind(8, record.last_used);
  statement.bind(9, record.revoked);
  statement.bind(10, std::int64_t{record.disabled ? 1 : 0});
  for (std::size_t i = 0; i < record.secrets.size() && i < identity::kMostSecrets; ++i) {
    const int at = kFirstSecret + 1 + 3 * static_cast<int>(i);
    statement.bind(at, record.secrets[i].hash);
    statement.bind(at + 1, record.secrets[i].created);
    statement.bind(at + 2, record.secrets[i].expires);
  }
  if (statement.step() == SQLITE_DONE) return {};
  return std::unexpected(why("cannot be written"));
}

std::expected<void, std::string> KeyFile::add(const KeyRecord& record) {
  return write(record, "INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
}

std::expected<KeyRecord, std::string> KeyFile::change(const std::string& id, const Change& change) {
  if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return std::unexpected(begun.error());
  const auto undone = [&](std::string error) -> std::unexpected<std::string> {
    (void)execute("ROLLBACK");
    return std::unexpected(std::move(error));
  };
  auto found = select((std::string(kColumns) + " WHERE id = ?").c_str(), &id);
  if (!found) return undone(found.error());
  if (found->empty()) return undone("there is no key with the id " + id);
  KeyRecord& record = found->front();
  if (auto changed = change(record); !changed) return undone(changed.error());
  auto written = write(record, "REPLACE INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  if (!written) return undone(written.error());
  if (auto done = execute("COMMIT"); !done) return undone(done.error());
  return std::move(record);
}

std::expected<std::int64_t, std::string> KeyFile::version() {
  Statement statement(database_, "PRAGMA data_version");
  if (statement && statement.step() == SQLITE_ROW) return statement.number(0);
  return std::unexpected(why("cannot be read"));
}

std::expected<void, std::string> KeyFile::note_uses(std::span<const Use> uses) {
  if (uses.empty() || !writable_) return {};
  if (auto begun = execute("BEGIN IMMEDIATE"); !begun) return begun;
  {
    Statement statement(database_, "UPDATE api_keys SET last_used = ?1 WHERE id = ?2 AND last_used < ?1");
    for (const Use& use : uses) {
      if (!statement) break;
      statement.bind(1, use.at);
      statement.bind(2, use.id);
      if (statement.step() != SQLITE_DONE) {
        std::string error = why("cannot be written");
        (void)execute("ROLLBACK");
        return std::unexpected(std::move(error));
      }
      statement.reset();
    }
  }
  return execute("COMMIT");
}

}  // namespace weir::adapters::sqlite
