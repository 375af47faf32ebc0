// The store in an SQLite file: the suite of all stores, and what only a file does.
#include "adapters/sqlite/store.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/control/sql/store_suite.h"

namespace weir::control {

using Kind_ = StoreError::Kind;

// A file that goes away with the process's test folder.
class Folder {
 public:
  Folder() {
    char pattern[] = "/tmp/weir-store-XXXXXX";
    path_ = ::mkdtemp(pattern);
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  std::string file(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

class FileStore final : public Store {
 public:
  FileStore() : store_(std::move(*adapters::sqlite::open(folder_.file("control.db")))) {}
  StoreResult<void> read(const Reading<void>& work) override { return store_->read(work); }
  StoreResult<void> write(const Writing& work) override { return store_->write(work); }
  StoreResult<void> note_token_use(std::string_view id, std::int64_t at) override {
    return store_->note_token_use(id, at);
  }

 private:
  Folder folder_;
  std::unique_ptr<Store> store_;
};

INSTANTIATE_TEST_SUITE_P(sqlite, StoreSuite, testing::Values([] { return std::make_unique<FileStore>(); }),
                         [](const auto&) { return "file"; });

StoreResult<void> add_route(Store& store, const std::string& name) {
  return store.write([&](StoreWriter& writer) -> StoreResult<void> {
    if (auto put = writer.put(route(name)); !put) return std::unexpected(put.error());
    return {};
  });
}

bool has_route(Store& store, const std::string& name) {
  bool found = false;
  EXPECT_TRUE(store
                  .read([&](StoreView& view) -> StoreResult<void> {
                    found = view.object(Kind::route, name).value_or(std::nullopt).has_value();
                    return {};
                  })
                  .has_value());
  return found;
}

// Runs statements as another program would, and returns SQLite's message, or the first column of the first row.
std::string run_sql(const std::string& file, const std::string& statement) {
  sqlite3* database = nullptr;
  EXPECT_EQ(sqlite3_open(file.c_str(), &database), SQLITE_OK);
  std::string out;
  char* error = nullptr;
  const auto take = [](void* to, int, char** columns, char**) {
    auto& text = *static_cast<std::string*>(to);
    if (text.empty() && columns[0] != nullptr) text = columns[0];
    return 0;
  };
  if (sqlite3_exec(database, statement.c_str(), take, &out, &error) != SQLITE_OK) out = error;
  sqlite3_free(error);
  sqlite3_close(database);
  return out;
}

TEST(SqliteStore, lives_in_memory_without_a_file) {
  auto store = adapters::sqlite::open(":memory:");
  ASSERT_TRUE(store.has_value()) << store.error().message;
  ASSERT_TRUE(add_route(**store, "a").has_value());
  EXPECT_TRUE(has_route(**store, "a"));
  EXPECT_FALSE(std::filesystem::exists(":memory:"));
}

TEST(SqliteStore, is_readable_by_its_owner_only_and_stays) {
  const Folder folder;
  const std::string file = folder.file("c.db");
  {
    auto store = adapters::sqlite::open(file);
    ASSERT_TRUE(store.has_value()) << store.error().message;
    ASSERT_TRUE(add_route(**store, "a").has_value());
    for (const char* suffix : {"", "-wal", "-shm"}) {
      struct stat about{};
      ASSERT_EQ(::stat((file + suffix).c_str(), &about), 0) << suffix;
      EXPECT_EQ(about.st_mode & 0777, 0600U) << suffix;
    }
  }
  auto again = adapters::sqlite::open(file);
  ASSERT_TRUE(again.has_value()) << again.error().message;
  EXPECT_TRUE(has_route(**again, "a"));
}

// SQLite itself would go on, and lose all of it at the end.
TEST(SqliteStore, a_file_that_was_removed_or_replaced_takes_and_tells_nothing) {
  const Folder folder;
  const std::string file = folder.file("c.db");
  auto store = adapters::sqlite::open(file);
  ASSERT_TRUE(store.has_value()) << store.error().message;
  ASSERT_TRUE(add_route(**store, "a").has_value());
  const auto refused = [&](std::string_view why) {
    for (const auto& done :
         {add_route(**store, "b"), (*store)->read([](StoreView&) { return StoreResult<void>(); })}) {
      ASSERT_FALSE(done.has_value());
      EXPECT_EQ(done.error().kind, Kind_::unavailable);
      EXPECT_NE(done.error().message.find(why), std::string::npos) << done.error().message;
    }
  };
  std::filesystem::rename(file, folder.file("away.db"));
  refused("was removed");
  ASSERT_TRUE(adapters::sqlite::open(folder.file("other.db")).has_value());
  std::filesystem::rename(folder.file("other.db"), file);
  refused("was replaced");
  std::filesystem::rename(folder.file("away.db"), file);
  EXPECT_TRUE(add_route(**store, "b").has_value()) << "it is back";
  EXPECT_TRUE(has_route(**store, "a"));
}

TEST(SqliteStore, a_file_that_goes_before_the_commit_is_no_commit) {
  const Folder folder;
  const std::string file = folder.file("c.db");
  auto store = adapters::sqlite::open(file);
  ASSERT_TRUE(store.has_value()) << store.error().message;
  const auto done = (*store)->write([&](StoreWriter& writer) -> StoreResult<void> {
    EXPECT_TRUE(writer.put(route("a")).has_value());
    std::filesystem::remove(file);
    return {};
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().kind, Kind_::unavailable);
}

TEST(SqliteStore, two_programs_share_a_file) {
  const Folder folder;
  auto one = adapters::sqlite::open(folder.file("c.db"));
  auto two = adapters::sqlite::open(folder.file("c.db"));
  ASSERT_TRUE(one.has_value() && two.has_value());
  std::thread first([&] {
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(add_route(**one, "a" + std::to_string(i)).has_value());
  });
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(add_route(**two, "b" + std::to_string(i)).has_value());
  first.join();
  EXPECT_TRUE(has_route(**one, "b19"));
  EXPECT_TRUE(has_route(**two, "a19"));
}

TEST(SqliteStore, refuses_what_it_cannot_use_and_says_why) {
  const Folder folder;
  std::ofstream(folder.file("text")) << std::string(4096, 'x');
  auto text = adapters::sqlite::open(folder.file("text"));
  ASSERT_FALSE(text.has_value());
  EXPECT_EQ(text.error().kind, Kind_::broken);

  run_sql(folder.file("other"), "CREATE TABLE mine (x)");
  auto other = adapters::sqlite::open(folder.file("other"));
  ASSERT_FALSE(other.has_value());
  EXPECT_NE(other.error().message.find("another program"), std::string::npos);

  auto nowhere = adapters::sqlite::open(folder.file("no/such/folder"));
  ASSERT_FALSE(nowhere.has_value());
  EXPECT_EQ(nowhere.error().kind, Kind_::unavailable);

  ASSERT_TRUE(adapters::sqlite::open(folder.file("later")).has_value());
  run_sql(folder.file("later"), "PRAGMA user_version = 1000");
  auto later = adapters::sqlite::open(folder.file("later"));
  ASSERT_FALSE(later.has_value());
  EXPECT_EQ(later.error().kind, Kind_::outdated);
  EXPECT_NE(later.error().message.find("this weir is older"), std::string::npos);
}

TEST(SqliteStore, the_database_itself_protects_audit_and_revisions) {
  const Folder folder;
  const std::string file = folder.file("c.db");
  auto store = adapters::sqlite::open(file);
  ASSERT_TRUE(store.has_value());
  const auto revision = signed_revision(1);
  ASSERT_TRUE((*store)
                  ->write([&](StoreWriter& writer) -> StoreResult<void> {
                    if (auto added = writer.add_audit(entry(1)); !added) return added;
                    return writer.add_revision(info_of(revision), revision);
                  })
                  .has_value());
  EXPECT_EQ(run_sql(file, "UPDATE audit SET actor = 'eve'"), "the audit log only grows");
  EXPECT_EQ(run_sql(file, "DELETE FROM audit"), "the audit log only grows");
  EXPECT_EQ(run_sql(file, "UPDATE revisions SET document = '{}'"), "a revision is never changed");
}

TEST(SqliteStore, columns_are_made_from_the_body) {
  const Folder folder;
  const std::string file = folder.file("c.db");
  auto store = adapters::sqlite::open(file);
  ASSERT_TRUE(store.has_value());
  ASSERT_TRUE(add_route(**store, "a").has_value());
  EXPECT_EQ(run_sql(file, "SELECT path_pattern || ' ' || updated_at FROM routes WHERE route_id = 'a'"),
            "/a/{b} 2023-11-14T22:13:20.123Z");
}

}  // namespace weir::control
