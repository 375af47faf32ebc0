// API keys in an SQLite file: for one machine, written by `weir key` and read by the gateway's feed, which sees other
// processes' changes by SQLite's own counter. Every call blocks: the command line may, the gateway calls it by
// io/offload. One thread at a time. sqlite3.h stops here.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "identity/key_store.h"

struct sqlite3;

namespace weir::adapters::sqlite {

class KeyFile final : public identity::KeyStore {
 public:
  enum class Mode : std::uint8_t {
    create,    // makes the file if there is none, readable by its owner only
    existing,  // the file must be there; read-only if it cannot be written
  };
  static std::expected<std::unique_ptr<KeyFile>, std::string> open(const std::string& path, Mode mode);
  ~KeyFile() override;

  std::expected<std::vector<identity::KeyRecord>, std::string> all() override;
  std::expected<void, std::string> add(const identity::KeyRecord& record) override;
  std::expected<identity::KeyRecord, std::string> change(const std::string& id, const Change& change) override;

  // A number that differs from the last time exactly when another connection has changed the file since.
  std::expected<std::int64_t, std::string> version();

  // Sets last_used where it is older.
  struct Use {
    std::string id;
    std::int64_t at = 0;  // seconds
  };
  std::expected<void, std::string> note_uses(std::span<const Use> uses);

 private:
  class Statement;
  KeyFile(sqlite3* database, std::string path, bool writable);
  std::expected<void, std::string> set_up();
  std::expected<void, std::string> execute(const char* sql);
  std::expected<std::vector<identity::KeyRecord>, std::string> select(const char* sql, const std::string* id);
  std::expected<void, std::string> write(const identity::KeyRecord& record, const char* sql);
  std::string why(std::string_view what) const;

  sqlite3* database_;
  std::string path_;
  bool writable_;
};

}  // namespace weir::adapters::sqlite
