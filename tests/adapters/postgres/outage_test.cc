// The store in Postgres when Postgres is killed, stopped, read-only, promoted or held by somebody else: what is said,
// how soon, and that no acknowledged change is lost.
#include <atomic>
#include <condition_variable>
#include <mutex>

#include "tests/adapters/postgres/shared_server.h"
#include "tests/control/sql/samples.h"

namespace weir::adapters::postgres {

using control::entry;
using control::Kind;
using control::route;
using control::Store;
using control::StoreError;
using control::StoreResult;
using control::StoreView;
using control::StoreWriter;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

namespace {

constexpr milliseconds kPatience{1000};
// Over the patience: undoing (half a second at most) and a busy test machine.
constexpr milliseconds kMargin{2500};

std::unique_ptr<Store> store_at(const std::string& url, milliseconds patience = kPatience) {
  auto store = open(url, patience);
  EXPECT_TRUE(store.has_value()) << store.error().message;
  return store ? std::move(*store) : nullptr;
}

StoreResult<void> add(Store& store, const std::string& name) {
  return store.write([&](StoreWriter& writer) -> StoreResult<void> {
    if (auto put = writer.put(route(name)); !put) return std::unexpected(put.error());
    return {};
  });
}

StoreResult<bool> has(Store& store, const std::string& name) {
  bool found = false;
  auto done = store.read([&](StoreView& view) -> StoreResult<void> {
    auto object = view.object(Kind::route, name);
    if (!object) return std::unexpected(object.error());
    found = object->has_value();
    return {};
  });
  if (!done) return std::unexpected(done.error());
  return found;
}

std::string message_of(const StoreResult<void>& result) { return result ? "" : result.error().message; }

// Tries until it works: how long a database takes to come back is not what is tested.
template <class Work>
bool soon(Work work) {
  const auto deadline = steady_clock::now() + std::chrono::seconds(30);
  while (steady_clock::now() < deadline) {
    if (work()) return true;
    std::this_thread::sleep_for(milliseconds(50));
  }
  return false;
}

}  // namespace

TEST(PostgresOutage, killed_in_a_transaction_keeps_nothing_and_heals) {
  Server mine;
  mine.sql("CREATE DATABASE weir");
  ASSERT_TRUE(migrate(mine.url("weir")).has_value());
  const auto store = store_at(mine.url("weir"));
  ASSERT_EQ(message_of(add(*store, "kept")), "");

  const auto done = store->write([&](StoreWriter& writer) -> StoreResult<void> {
    EXPECT_TRUE(writer.put(route("lost")).has_value());
    mine.kill();
    // Its processes notice within a moment that the first of them is gone.
    StoreError error;
    soon([&] {
      auto object = writer.object(Kind::route, "lost");
      if (!object) error = object.error();
      return !object.has_value();
    });
    return std::unexpected(error);
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().kind, StoreError::Kind::unavailable) << done.error().message;
  EXPECT_EQ(done.error().message.find("not known"), std::string::npos) << done.error().message;

  const auto away = has(*store, "kept");
  ASSERT_FALSE(away.has_value());
  EXPECT_EQ(away.error().kind, StoreError::Kind::unavailable);
  mine.start();
  EXPECT_TRUE(soon([&] { return has(*store, "kept").value_or(false); }));
  EXPECT_FALSE(has(*store, "lost").value_or(true));
  EXPECT_EQ(message_of(add(*store, "after")), "");
}

TEST(PostgresOutage, connections_that_died_while_idle_are_replaced_unnoticed) {
  const std::string database = new_migrated_database();
  const auto store = store_at(server().url(database));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(message_of(add(*store, "a")), "");
    EXPECT_EQ(server().sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '" +
                           database + "' AND pid <> pg_backend_pid() LIMIT 1"),
              "t");
    EXPECT_TRUE(has(*store, "a").has_value());
  }
}

TEST(PostgresOutage, a_stopped_server_is_given_up_within_the_patience) {
  Server mine;
  mine.sql("CREATE DATABASE weir");
  ASSERT_TRUE(migrate(mine.url("weir")).has_value());
  const auto known = store_at(mine.url("weir"));
  const auto fresh = store_at(mine.url("weir"));
  ASSERT_EQ(message_of(add(*known, "a")), "");
  mine.stop();
  for (Store* store : {known.get(), fresh.get()}) {
    for (const bool writing : {false, true}) {
      const auto start = steady_clock::now();
      const auto done = writing ? add(*store, "b") : store->read([](StoreView&) { return StoreResult<void>(); });
      ASSERT_FALSE(done.has_value());
      EXPECT_EQ(done.error().kind, StoreError::Kind::unavailable) << done.error().message;
      EXPECT_NE(done.error().message.find("answer"), std::string::npos) << done.error().message;
      EXPECT_LT(steady_clock::now() - start, kPatience + kMargin);
    }
  }
  mine.resume();
  EXPECT_TRUE(soon([&] { return has(*known, "a").value_or(false); }));
  EXPECT_FALSE(has(*fresh, "b").value_or(true));
  EXPECT_TRUE(soon([&] { return add(*fresh, "b").has_value(); }));
}

TEST(PostgresOutage, a_commit_without_an_answer_is_told_as_unknown) {
  Server mine;
  mine.sql("CREATE DATABASE weir");
  ASSERT_TRUE(migrate(mine.url("weir")).has_value());
  const auto store = store_at(mine.url("weir"));
  const auto start = steady_clock::now();
  const auto done = store->write([&](StoreWriter& writer) -> StoreResult<void> {
    EXPECT_TRUE(writer.remember({.actor = "ada", .key = "k"}).has_value());  // sent, and answered
    mine.stop();
    return {};
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().kind, StoreError::Kind::unavailable);
  EXPECT_NE(done.error().message.find("not known"), std::string::npos) << done.error().message;
  EXPECT_LT(steady_clock::now() - start, kPatience + kMargin);
  mine.resume();
  EXPECT_TRUE(soon([&] { return add(*store, "b").has_value(); }));
}

TEST(PostgresOutage, read_only_answers_reads_and_says_so_to_writers) {
  const std::string database = new_migrated_database();
  const auto store = store_at(server().url(database));
  ASSERT_EQ(message_of(add(*store, "a")), "");
  server().sql("ALTER DATABASE " + database + " SET default_transaction_read_only = on");
  server().sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '" + database + "'");
  const auto done = add(*store, "b");
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().kind, StoreError::Kind::read_only) << done.error().message;
  EXPECT_TRUE(has(*store, "a").value_or(false));
  server().sql("ALTER DATABASE " + database + " SET default_transaction_read_only = off");
  EXPECT_EQ(message_of(add(*store, "b")), "");
}

TEST(PostgresOutage, a_writer_that_holds_the_lock_makes_others_wait_then_give_up) {
  const std::string url = server().url(new_migrated_database());
  const auto slow = store_at(url, milliseconds(20'000));
  const auto hasty = store_at(url, milliseconds(1500));
  const auto patient = store_at(url, milliseconds(20'000));
  std::mutex mutex;
  std::condition_variable changed;
  bool held = false;
  bool release = false;
  std::thread holder([&] {
    EXPECT_EQ(message_of(slow->write([&](StoreWriter& writer) -> StoreResult<void> {
                EXPECT_TRUE(writer.put(route("first")).has_value());
                std::unique_lock lock(mutex);
                held = true;
                changed.notify_all();
                changed.wait(lock, [&] { return release; });
                return {};
              })),
              "");
  });
  {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&] { return held; });
  }
  const auto done = add(*hasty, "hasty");
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().kind, StoreError::Kind::unavailable);
  EXPECT_NE(done.error().message.find("still being written"), std::string::npos) << done.error().message;
  EXPECT_FALSE(has(*hasty, "first").value_or(true));  // readers do not wait, and see nothing unfinished

  bool saw_first = false;
  std::thread waiter([&] {
    EXPECT_EQ(message_of(patient->write([&](StoreWriter& writer) -> StoreResult<void> {
                saw_first = writer.object(Kind::route, "first").value_or(std::nullopt).has_value();
                return {};
              })),
              "");
  });
  {
    const std::lock_guard lock(mutex);
    release = true;
  }
  changed.notify_all();
  holder.join();
  waiter.join();
  EXPECT_TRUE(saw_first);
  EXPECT_EQ(message_of(add(*hasty, "hasty")), "");
}

TEST(PostgresOutage, two_programs_lose_and_interleave_nothing) {
  const std::string database = new_migrated_database();
  constexpr int kEach = 60;
  std::vector<std::thread> programs;
  for (int program = 0; program < 2; ++program)
    programs.emplace_back([&, program] {
      const auto store = store_at(server().url(database), milliseconds(20'000));
      for (int i = 0; i < kEach; ++i)
        EXPECT_EQ(message_of(store->write([&](StoreWriter& writer) -> StoreResult<void> {
                    auto last = writer.last_audit();
                    if (!last) return std::unexpected(last.error());
                    auto next = entry(last->has_value() ? (*last)->seq + 1 : 1);
                    next.actor = "program " + std::to_string(program);
                    next.name = std::to_string(i);
                    auto put = writer.put(route(next.actor + next.name));
                    if (!put) return std::unexpected(put.error());
                    next.revision = *put;
                    return writer.add_audit(next);
                  })),
                  "");
    });
  for (std::thread& program : programs) program.join();
  EXPECT_EQ(
      server().sql("SELECT count(*) || ' ' || max(seq) || ' ' || count(DISTINCT revision) FROM audit", database),
      "120 120 120");
  EXPECT_EQ(server().sql("SELECT count(*) || ' ' || count(DISTINCT version) FROM routes", database), "120 120");
  // In the order of the log, versions only rise.
  EXPECT_EQ(
      server().sql("SELECT count(*) FROM (SELECT revision < lag(revision) OVER (ORDER BY seq) AS back FROM audit) x "
                   "WHERE back",
                   database),
      "0");
}

// A primary that waits for its standby with each commit, and that standby.
class Pair {
 public:
  Pair() {
    primary.sql("CREATE DATABASE weir");
    EXPECT_TRUE(migrate(primary.url("weir")).has_value());
    standby = std::make_unique<Server>(&primary, "second");
    primary.sql("ALTER SYSTEM SET synchronous_standby_names = 'second'");
    primary.sql("SELECT pg_reload_conf()");
    EXPECT_TRUE(soon([&] { return primary.sql("SELECT sync_state FROM pg_stat_replication") == "sync"; }));
  }
  std::string url() const {
    return "postgres://postgres@127.0.0.1:" + std::to_string(primary.port) +
           ",127.0.0.1:" + std::to_string(standby->port) + "/weir";
  }
  Server primary;
  std::unique_ptr<Server> standby;
};

TEST(PostgresOutage, a_promoted_standby_has_every_acknowledged_change) {
  Pair pair;
  const auto store = store_at(pair.url(), milliseconds(3000));
  std::vector<std::string> acknowledged;
  std::atomic<bool> promoted = false;
  std::atomic<int> before = 0;
  std::atomic<int> after = 0;
  std::thread writer([&] {
    const auto deadline = steady_clock::now() + std::chrono::seconds(60);
    for (int i = 0; after < 20 && steady_clock::now() < deadline; ++i) {
      const std::string name = "r" + std::to_string(i);
      const bool late = promoted;
      if (!add(*store, name)) continue;
      acknowledged.push_back(name);
      ++(late ? after : before);
    }
  });
  EXPECT_TRUE(soon([&] { return before >= 50; }));
  pair.primary.kill();
  pair.standby->promote();
  promoted = true;
  writer.join();
  EXPECT_GE(after, 20);
  int missing = 0;
  for (const std::string& name : acknowledged) missing += has(*store, name).value_or(false) ? 0 : 1;
  EXPECT_EQ(missing, 0) << "of " << acknowledged.size();
  // Versions went on rising on the new primary.
  EXPECT_EQ(pair.standby->sql("SELECT count(*) = count(DISTINCT version) FROM routes", "weir"), "t");
}

TEST(PostgresOutage, a_standby_that_does_not_confirm_makes_the_outcome_unknown) {
  Pair pair;
  pair.standby->stop();
  // An administrator who ends the waiting makes Postgres say yes, with a warning.
  const auto patient = store_at(pair.url(), milliseconds(20'000));
  std::thread administrator([&] {
    EXPECT_TRUE(soon([&] {
      return pair.primary.sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") ==
             "t";
    }));
  });
  const auto cancelled = add(*patient, "a");
  administrator.join();
  ASSERT_FALSE(cancelled.has_value());
  EXPECT_EQ(cancelled.error().kind, StoreError::Kind::unavailable);
  EXPECT_NE(cancelled.error().message.find("no standby confirmed"), std::string::npos) << cancelled.error().message;

  const auto silent = add(*store_at(pair.url()), "b");
  ASSERT_FALSE(silent.has_value());
  EXPECT_EQ(silent.error().kind, StoreError::Kind::unavailable);
  EXPECT_NE(silent.error().message.find("not known"), std::string::npos) << silent.error().message;
}

TEST(PostgresOutage, a_first_server_that_hangs_does_not_hide_the_second) {
  Server hanging;
  hanging.stop();
  const std::string database = new_migrated_database();
  const auto store = store_at("postgres://postgres@127.0.0.1:" + std::to_string(hanging.port) +
                                  ",127.0.0.1:" + std::to_string(server().port) + "/" + database,
                              milliseconds(6000));
  EXPECT_EQ(message_of(add(*store, "a")), "");
  // From then on it is asked first.
  server().sql("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = '" + database + "'");
  const auto start = steady_clock::now();
  EXPECT_EQ(message_of(add(*store, "b")), "");
  EXPECT_LT(steady_clock::now() - start, milliseconds(2500))
      << "one that hangs and is asked first costs half of the patience";
}

}  // namespace weir::adapters::postgres
