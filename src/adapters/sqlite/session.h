// One SQLite connection as a session of the store: made by store.cc, held by its pool. One thread at a time.
#pragma once

#include <sys/stat.h>

#include <memory>
#include <optional>

#include "control/sql/session.h"

struct sqlite3;

namespace weir::adapters::sqlite {

// Which file a path named when the store was opened. SQLite goes on with a file that has been removed or replaced,
// and all that is written is gone with the last connection: transactions look, and refuse.
struct FileIdentity {
  dev_t device;
  ino_t inode;
  static std::optional<FileIdentity> of(const std::string& path) noexcept;  // nullopt: nothing is there
  bool operator==(const FileIdentity&) const noexcept = default;
};

class Session final : public control::sql::Session {
 public:
  // Opens the database, which must be there, and brings its tables up to date. `file`: the only one it may be;
  // nullopt: it is in memory.
  static control::StoreResult<std::unique_ptr<control::sql::Session>> open(const std::string& path,
                                                                           std::optional<FileIdentity> file,
                                                                           std::chrono::milliseconds patience);
  ~Session() override;
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  control::StoreResult<void> begin(control::sql::Mode mode, std::chrono::milliseconds patience) override;
  control::StoreResult<control::sql::Rows> run(const std::string& statement,
                                               std::span<const control::sql::Value> values) override;
  control::StoreResult<void> later(const std::string& statement,
                                   std::span<const control::sql::Value> values) override;
  control::StoreResult<void> commit() override;
  void rollback() noexcept override;
  bool usable() const noexcept override { return usable_; }
  std::string has_tag(int number) const override;

 private:
  Session(sqlite3* database, std::string path, std::optional<FileIdentity> file) noexcept
      : database_(database), path_(std::move(path)), file_(file) {}
  control::StoreResult<void> set_up();
  control::StoreResult<void> look() const;
  control::StoreResult<void> execute(const char* sql);
  std::unexpected<control::StoreError> failed() const;

  sqlite3* database_;
  std::string path_;
  std::optional<FileIdentity> file_;
  bool usable_ = true;
};

}  // namespace weir::adapters::sqlite
