#include "control/audit.h"

#include <sqlite3.h>
#include <sys/stat.h>

#include <filesystem>

#include "tests/control/desk.h"

namespace weir::control {
namespace {

class Tampered : public testing::Test {
 protected:
  Tampered() {
    char pattern[] = "/tmp/weir-audit-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    open();
    // The database refuses to change the log; who owns it can make it obey.
    alter("DROP TRIGGER audit_stays; DROP TRIGGER audit_is_kept");
    for (int i = 0; i < 5; ++i) add("route-" + std::to_string(i));
  }
  ~Tampered() override { std::filesystem::remove_all(folder_); }

  void open() { store_ = std::move(*adapters::sqlite::open(folder_ + "/control.db")); }

  void add(std::string name) {
    const auto done = store_->write([&](StoreWriter& writer) {
      AuditEntry entry;
      entry.actor = "ada";
      entry.action = "put";
      entry.name = name;
      entry.after = Json(name);
      return append_audit(writer, std::move(entry));
    });
    ASSERT_TRUE(done) << done.error().message;
  }

  // As somebody would who has the database, but not what was printed of it.
  void alter(const std::string& statement) {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open((folder_ + "/control.db").c_str(), &db), SQLITE_OK);
    char* error = nullptr;
    EXPECT_EQ(sqlite3_exec(db, statement.c_str(), nullptr, nullptr, &error), SQLITE_OK) << error;
    sqlite3_close(db);
  }

  AuditVerdict verdict() { return verify_audit(*store_).value(); }

  std::string folder_;
  std::unique_ptr<Store> store_;
};

TEST_F(Tampered, AChainThatNobodyTouchedHolds) {
  const AuditVerdict good = verdict();
  EXPECT_TRUE(good.ok);
  EXPECT_EQ(good.entries, 5u);
  EXPECT_EQ(good.head.size(), 64u);
  EXPECT_NE(good.head, kNoHash);
}

TEST_F(Tampered, AChangedEntryShowsAtItsPlace) {
  for (const std::string column : {"actor", "action", "name", "kind", "from_address"}) {
    alter("UPDATE audit SET " + column + " = " + column + " || 'x' WHERE seq = 3");
    const AuditVerdict bad = verdict();
    EXPECT_FALSE(bad.ok) << column;
    EXPECT_EQ(bad.broken_at, 3u);
    EXPECT_EQ(bad.entries, 2u);
    EXPECT_NE(bad.reason.find("changed"), std::string::npos) << bad.reason;
    alter("UPDATE audit SET " + column + " = substr(" + column + ", 1, length(" + column + ") - 1) WHERE seq = 3");
    EXPECT_TRUE(verdict().ok) << column;
  }
}

TEST_F(Tampered, AMissingEntryShows) {
  alter("DELETE FROM audit WHERE seq = 2");
  const AuditVerdict bad = verdict();
  EXPECT_FALSE(bad.ok);
  EXPECT_EQ(bad.broken_at, 2u);
  EXPECT_NE(bad.reason.find("missing"), std::string::npos) << bad.reason;
}

TEST_F(Tampered, AnEntryThatWasHashedAnewShowsAtTheNextOne) {
  AuditEntry third;
  ASSERT_TRUE(store_->read([&](StoreView& view) -> StoreResult<void> {
    third = view.audit(2, 1).value().at(0);
    return {};
  }));
  third.actor = "mallory";
  alter("UPDATE audit SET actor = 'mallory', hash = '" + hash_of(third) + "' WHERE seq = 3");
  const AuditVerdict bad = verdict();
  EXPECT_FALSE(bad.ok);
  EXPECT_EQ(bad.broken_at, 4u);
}

TEST(Audit, LongChainsAreReadInPages) {
  Desk desk;
  const auto done = desk.store->write([](StoreWriter& writer) -> StoreResult<void> {
    for (int i = 0; i < 1203; ++i)
      if (auto added = append_audit(writer, {.action = "put", .name = std::to_string(i)}); !added) return added;
    return {};
  });
  ASSERT_TRUE(done);
  const AuditVerdict verdict = verify_audit(*desk.store).value();
  EXPECT_TRUE(verdict.ok) << verdict.reason;
  EXPECT_EQ(verdict.entries, 1203u);
}

TEST(Redacted, HashesOfPasswordsAreNotShownAndTheirChangeIs) {
  const auto shown = [](std::string_view hash) {
    return to_canonical(redacted(Kind::consumer, json(R"({"name": "a", "credentials": {"basic": [{"username": "u",
                                                      "password_hash": ")" +
                                                      std::string(hash) + R"("}]}})")));
  };
  EXPECT_EQ(shown("$scrypt$1").find("scrypt"), std::string::npos);
  EXPECT_NE(shown("$scrypt$1"), shown("$scrypt$2"));
  EXPECT_NE(shown("$scrypt$1").find("\"username\":\"u\""), std::string::npos);
  const std::string key =
      to_canonical(redacted(Kind::certificate, json(R"({"name": "c", "cert_pem": "P", "key": "K3Y"})")));
  EXPECT_EQ(key.find("K3Y"), std::string::npos);
  EXPECT_NE(key.find("\"cert_pem\":\"P\""), std::string::npos);
}

}  // namespace
}  // namespace weir::control
