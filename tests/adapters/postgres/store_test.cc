// The store in Postgres: the suite of all stores, the tables, and what it says when it cannot be used. Faults are in
// outage_test.cc.
#include "adapters/postgres/store.h"

#include "tests/adapters/postgres/shared_server.h"
#include "tests/control/sql/store_suite.h"

namespace weir::adapters::postgres {

using control::entry;
using control::info_of;
using control::Kind;
using control::Object;
using control::route;
using control::signed_revision;
using control::Store;
using control::StoreError;
using control::StoreResult;
using control::StoreView;
using control::StoreWriter;

std::string nothing(Store& store) {
  const auto done = store.read([](StoreView&) { return StoreResult<void>(); });
  return done ? "" : done.error().message;
}

TEST(PostgresStore, without_tables_it_says_how_to_make_them) {
  const std::string database = new_database();
  auto store = open(server().url(database));
  ASSERT_TRUE(store.has_value());
  EXPECT_EQ(nothing(**store), "the database has no tables of Weir yet: run weir control --migrate");
  EXPECT_EQ((*store)->read([](StoreView&) { return StoreResult<void>(); }).error().kind, StoreError::Kind::outdated);
  EXPECT_EQ(migrate(server().url(database)).value_or(-1), 1);
  EXPECT_EQ(nothing(**store), "");
  EXPECT_EQ(migrate(server().url(database)).value_or(-1), 0);
  EXPECT_EQ(server().sql("SELECT number || ' ' || name FROM weir_migrations", database), "1 the control plane");
}

TEST(PostgresStore, one_of_many_migrates_and_the_others_wait) {
  const std::string url = server().url(new_database());
  std::vector<std::thread> threads;
  std::atomic<int> steps = 0;
  std::atomic<int> done = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      const auto result = migrate(url);
      EXPECT_TRUE(result.has_value()) << result.error().message;
      steps += result.value_or(100);
      ++done;
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(steps, 1);
  EXPECT_EQ(done, 4);
}

TEST(PostgresStore, later_tables_are_left_alone) {
  const std::string database = new_database();
  ASSERT_TRUE(migrate(server().url(database)).has_value());
  server().sql("INSERT INTO weir_migrations VALUES (1000, 'x')", database);
  auto store = open(server().url(database));
  ASSERT_TRUE(store.has_value());
  EXPECT_EQ(nothing(**store), "this weir is older than the database's tables");
  const auto migrated = migrate(server().url(database));
  ASSERT_FALSE(migrated.has_value());
  EXPECT_EQ(migrated.error().kind, StoreError::Kind::outdated);
}

TEST(PostgresStore, no_message_has_the_password) {
  server().sql("CREATE ROLE secretive LOGIN PASSWORD 'right'");
  const std::string port = std::to_string(server().port);
  const std::string urls[] = {
      "postgres://secretive:hunter2@127.0.0.1:" + port + "/postgres",
      "postgres://secretive:hunter2@127.0.0.1:1/postgres",
      "postgres://secretive:hunter2@no-such-host.invalid/postgres",
      "postgres://secretive:hunter2@127.0.0.1:99999/postgres",
      "postgres://secretive:hunter2/x@127.0.0.1/postgres",
      "postgres://secretive:12@hunter2@127.0.0.1/postgres",
      "postgres://secretive:hunter2%zz@127.0.0.1/postgres",
      "postgres://secretive:hunter2@127.0.0.1:" + port + "/postgres?no_such=1",
      "hunter2",
      "host=127.0.0.1 password=hunter2 password",
  };
  for (const std::string& url : urls) {
    auto store = open(url);
    const std::string message = store ? nothing(**store) : store.error().message;
    EXPECT_NE(message, "") << url;
    EXPECT_EQ(message.find("hunter2"), std::string::npos) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    const auto migrated = migrate(url);
    ASSERT_FALSE(migrated.has_value()) << url;
    EXPECT_EQ(migrated.error().message.find("hunter2"), std::string::npos) << migrated.error().message;
  }
}

TEST(PostgresStore, columns_are_made_from_the_body) {
  const std::string database = new_migrated_database();
  auto store = open(server().url(database));
  ASSERT_TRUE(store.has_value());
  const auto written = (*store)->write([&](StoreWriter& writer) -> StoreResult<void> {
    Object object = route("orders", {"team:shop"});
    object.body.set("http_methods", Json::array().push("GET").push("PUT"))
        .set("auth_required", true)
        .set("rate_limit_rps", 2.5)
        .set("upstream_url", std::string("http://a\0b", 10))
        .set("plugin_chain", Json::array().push(Json::object().set("name", "cors")));
    if (auto put = writer.put(object); !put) return std::unexpected(put.error());
    Object upstream{.kind = Kind::upstream, .name = "u", .body = {}, .tags = {}, .updated_by = "ada"};
    upstream.body.set("targets", Json::array().push(Json::object().set("address", "h:1").set("weight", 3)));
    if (auto put = writer.put(upstream); !put) return std::unexpected(put.error());
    return {};
  });
  ASSERT_TRUE(written.has_value()) << written.error().message;
  EXPECT_EQ(server().sql("SELECT http_methods::text || auth_required || rate_limit_rps || path_pattern || "
                         "upstream_url || (plugin_chain -> 0 ->> 'name') || updated_at::date FROM routes",
                         database),
            "{GET,PUT}true2.5/a/{b}http://a\xef\xbf\xbd"
            "bcors2023-11-14");
  EXPECT_EQ(server().sql("SELECT upstream || address || weight FROM targets", database), "uh:13");
}

TEST(PostgresStore, the_database_itself_protects_audit_and_revisions) {
  const std::string database = new_migrated_database();
  auto store = open(server().url(database));
  ASSERT_TRUE(store.has_value());
  const auto revision = signed_revision(1);
  ASSERT_TRUE((*store)
                  ->write([&](StoreWriter& writer) -> StoreResult<void> {
                    if (auto added = writer.add_audit(entry(1)); !added) return added;
                    return writer.add_revision(info_of(revision), revision);
                  })
                  .has_value());
  for (const char* statement : {"UPDATE audit SET actor = 'eve'", "DELETE FROM audit", "TRUNCATE audit"})
    EXPECT_EQ(server().sql(statement, database), "ERROR:  the audit log only grows");
  EXPECT_EQ(server().sql("UPDATE revisions SET document = '{}'", database), "ERROR:  a revision is never changed");
}

TEST(PostgresStore, an_error_that_was_overlooked_keeps_nothing) {
  const std::string database = new_migrated_database();
  auto store = open(server().url(database));
  ASSERT_TRUE(store.has_value());
  const auto done = (*store)->write([&](StoreWriter& writer) -> StoreResult<void> {
    EXPECT_TRUE(writer.put(route("lost")).has_value());
    control::Operator one{.name = "a", .tokens = {{.id = "same"}, {.id = "same"}}};
    EXPECT_FALSE(writer.put_operator(one).has_value());
    return {};
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_NE(done.error().message.find("undone"), std::string::npos) << done.error().message;
  EXPECT_EQ(server().sql("SELECT count(*) FROM routes", database), "0");
  EXPECT_EQ(nothing(**store), "");
}

// What put() sends is answered only at the end: the error must not get lost on the way.
TEST(PostgresStore, an_error_that_comes_late_undoes_everything) {
  const std::string database = new_migrated_database();
  server().sql("ALTER TABLE routes ADD CHECK (route_id <> 'bad')", database);
  auto store = open(server().url(database));
  ASSERT_TRUE(store.has_value());
  for (const bool look : {false, true}) {
    const auto done = (*store)->write([&](StoreWriter& writer) -> StoreResult<void> {
      for (const char* name : {"good", "bad", "good too"}) EXPECT_TRUE(writer.put(route(name)).has_value());
      if (look) EXPECT_FALSE(writer.object(Kind::route, "good").has_value());
      return {};
    });
    ASSERT_FALSE(done.has_value());
    EXPECT_EQ(done.error().kind, StoreError::Kind::broken);
    EXPECT_EQ(done.error().message.find("not known"), std::string::npos) << done.error().message;
    EXPECT_EQ(server().sql("SELECT count(*) FROM routes", database), "0");
  }
  // The connection is still good: one backend served all of it.
  EXPECT_EQ(nothing(**store), "");
  EXPECT_EQ(server().sql("SELECT count(*) FROM pg_stat_activity WHERE datname = '" + database +
                             "' AND pid <> pg_backend_pid()",
                         database),
            "1");
}

TEST(PostgresStore, a_database_of_another_encoding_is_refused) {
  server().sql("CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
  auto store = open(server().url("latin"));
  ASSERT_TRUE(store.has_value());
  EXPECT_NE(nothing(**store).find("encoding"), std::string::npos) << nothing(**store);
}

}  // namespace weir::adapters::postgres

namespace weir::control {

INSTANTIATE_TEST_SUITE_P(postgres, StoreSuite, testing::Values([]() -> std::unique_ptr<Store> {
                           using namespace adapters::postgres;
                           auto store = open(server().url(new_migrated_database()));
                           return store ? std::move(*store) : nullptr;
                         }),
                         [](const auto&) { return "server"; });

}  // namespace weir::control
