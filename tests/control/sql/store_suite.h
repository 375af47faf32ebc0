// What every store must do, run on each database: tests/adapters/{sqlite,postgres}/store_test.cc instantiate it with
// a maker of empty stores. In one file per program.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <thread>

#include "tests/control/sql/samples.h"

namespace weir::control {

using StoreMaker = std::function<std::unique_ptr<Store>()>;

class StoreSuite : public testing::TestWithParam<StoreMaker> {
 protected:
  std::unique_ptr<Store> store = GetParam()();

  void SetUp() override { ASSERT_NE(store, nullptr); }

  template <class Work>
  void write(Work work) {
    auto done = store->write([&](StoreWriter& writer) -> StoreResult<void> {
      work(writer);
      return {};
    });
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
  template <class Work>
  void read(Work work) {
    auto done = store->read([&](StoreView& view) -> StoreResult<void> {
      work(view);
      return {};
    });
    ASSERT_TRUE(done.has_value()) << done.error().message;
  }
  void put(const Object& object) {
    write([&](StoreWriter& writer) { ASSERT_TRUE(writer.put(object).has_value()); });
  }
  static std::vector<std::string> names(const StoreResult<std::vector<Object>>& objects) {
    std::vector<std::string> out;
    if (!objects) ADD_FAILURE() << objects.error().message;
    if (objects)
      for (const Object& object : *objects) out.push_back(object.name);
    return out;
  }
};

inline StoreError gone_wrong() { return {StoreError::Kind::broken, "no"}; }

using Names = std::vector<std::string>;

TEST_P(StoreSuite, an_object_comes_back_as_it_was_put) {
  Object object = route("orders", {"team:shop", "a\"b"});
  object.body.set("text", "NUL \x01, ünïcode, ' and \\u0000")
      .set("rate", 1.5)
      .set("deep", Json::object().set("x", Json()));
  object.body.set("nul", std::string("a\0b", 3));
  std::uint64_t version = 0;
  write([&](StoreWriter& writer) { version = writer.put(object).value_or(0); });
  EXPECT_GT(version, 0);
  read([&](StoreView& view) {
    const auto found = view.object(Kind::route, "orders");
    ASSERT_TRUE(found.has_value()) << found.error().message;
    ASSERT_TRUE(found->has_value());
    EXPECT_EQ(to_canonical((*found)->body), to_canonical(object.body));
    EXPECT_EQ((*found)->tags, object.tags);
    EXPECT_EQ((*found)->version, version);
    EXPECT_EQ((*found)->updated_at, object.updated_at);
    EXPECT_EQ((*found)->updated_by, "ada");
    EXPECT_EQ(view.last_change().value_or(0), version);
    const auto other = view.object(Kind::upstream, "orders");
    EXPECT_TRUE(other.has_value() && !other->has_value());
  });
}

TEST_P(StoreSuite, every_kind_has_its_table_and_odd_bodies_are_kept) {
  write([&](StoreWriter& writer) {
    for (int i = 0; i < kKindCount; ++i) {
      Object object;
      object.kind = static_cast<Kind>(i);
      object.name = "n";
      // Columns made from the body must not refuse a body that compile() would refuse with a better message.
      for (const char* field : {"hosts", "http_methods", "rate_limit_rps", "canary_weight", "auth_required",
                                "targets", "groups", "order", "plugin_chain", "custom_id", "cert_pem", "updated_at"})
        object.body.set(field, Json::object().set("odd", true));
      ASSERT_TRUE(writer.put(object).has_value()) << word(object.kind);
      object.body = Json::object();
      ASSERT_TRUE(writer.put(object).has_value()) << word(object.kind);
    }
  });
  read([&](StoreView& view) {
    const auto all = view.all_objects();
    ASSERT_TRUE(all.has_value());
    ASSERT_EQ(all->size(), kKindCount);
    for (int i = 0; i < kKindCount; ++i) EXPECT_EQ((*all)[static_cast<std::size_t>(i)].kind, static_cast<Kind>(i));
  });
}

TEST_P(StoreSuite, pages_are_ordered_by_bytes_and_filtered) {
  for (const char* name : {"b", "B", "a", "a-1", "a_1", "ä", "Z"}) put(route(name, {std::string("t:") + name}));
  read([&](StoreView& view) {
    EXPECT_EQ(names(view.objects(Kind::route, {})), (Names{"B", "Z", "a", "a-1", "a_1", "b", "ä"}));
    EXPECT_EQ(names(view.objects(Kind::route, {.limit = 2})), (Names{"B", "Z"}));
    EXPECT_EQ(names(view.objects(Kind::route, {.limit = 2, .after = "Z"})), (Names{"a", "a-1"}));
    EXPECT_EQ(names(view.objects(Kind::route, {.tag = "t:b"})), (Names{"b"}));
    EXPECT_EQ(names(view.objects(Kind::route, {.tag = "t"})), (Names{}));
    EXPECT_EQ(names(view.objects(Kind::route, {.text = "b"})), (Names{"B", "b"}));
    EXPECT_EQ(names(view.objects(Kind::route, {.text = "A_1"})), (Names{"a_1"}));
    EXPECT_EQ(names(view.objects(Kind::route, {.after = "B", .tag = "t:b", .text = "B"})), (Names{"b"}));
    EXPECT_EQ(names(view.all_objects()), (Names{"B", "Z", "a", "a-1", "a_1", "b", "ä"}));
  });
}

TEST_P(StoreSuite, what_no_database_can_keep_is_not_found) {
  put(route("a"));
  write([&](StoreWriter& writer) {
    for (const std::string& name : {std::string("a\0", 2), std::string("\xff"), std::string("a\xc3")}) {
      const auto found = writer.object(Kind::route, name);
      EXPECT_TRUE(found.has_value() && !found->has_value());
      EXPECT_EQ(names(writer.objects(Kind::route, {.text = name})), Names{});
      EXPECT_FALSE(writer.remove(Kind::route, name).value_or(true));
      EXPECT_FALSE(writer.find_operator(name).value_or(Operator()).has_value());
      EXPECT_FALSE(writer.operator_by_token(name).value_or(Operator()).has_value());
      EXPECT_FALSE(writer.remembered("ada", name).value_or(Remembered()).has_value());
    }
  });
}

TEST_P(StoreSuite, versions_rise_over_all_objects_and_removals) {
  std::uint64_t first = 0;
  std::uint64_t second = 0;
  write([&](StoreWriter& writer) {
    first = writer.put(route("a")).value_or(0);
    second = writer.put(route("a")).value_or(0);
    EXPECT_TRUE(writer.remove(Kind::route, "a").value_or(false));
    EXPECT_FALSE(writer.remove(Kind::route, "a").value_or(true));
    Operator ada{.name = "ada"};
    ASSERT_TRUE(writer.put_operator(ada).has_value());
    EXPECT_GT(ada.version, second + 1);
    EXPECT_EQ(writer.last_change().value_or(0), ada.version);
  });
  EXPECT_GT(second, first);
}

TEST_P(StoreSuite, an_error_undoes_everything_and_is_handed_on) {
  put(route("kept"));
  const auto done = store->write([&](StoreWriter& writer) -> StoreResult<void> {
    EXPECT_TRUE(writer.put(route("lost")).has_value());
    EXPECT_TRUE(writer.remove(Kind::route, "kept").value_or(false));
    return std::unexpected(gone_wrong());
  });
  ASSERT_FALSE(done.has_value());
  EXPECT_EQ(done.error().message, "no");
  read([&](StoreView& view) {
    EXPECT_EQ(names(view.objects(Kind::route, {})), Names{"kept"});
    EXPECT_EQ(view.last_change().value_or(0), 1U);
  });
}

TEST_P(StoreSuite, revisions_rise_and_come_back_signed) {
  const auto first = signed_revision(3);
  const auto second = signed_revision(7, R"({"routes":[{"path_pattern":"/\u0000é"}]})");
  write([&](StoreWriter& writer) {
    EXPECT_FALSE(writer.revision(0).value_or(RevisionInfo()).has_value());
    EXPECT_FALSE(writer.document(0).value_or(revision::Signed()).has_value());
    ASSERT_TRUE(writer.add_revision(info_of(first), first).has_value());
    RevisionInfo info = info_of(second);
    info.rolled_back_to = 3;
    ASSERT_TRUE(writer.add_revision(info, second).has_value());
  });
  for (const std::uint64_t number : {std::uint64_t{7}, std::uint64_t{5}}) {
    const auto again = signed_revision(number);
    EXPECT_FALSE(
        store->write([&](StoreWriter& writer) { return writer.add_revision(info_of(again), again); }).has_value());
  }
  read([&](StoreView& view) {
    const auto latest = view.document(0);
    ASSERT_TRUE(latest.has_value() && latest->has_value());
    EXPECT_EQ((*latest)->document, second.document);
    EXPECT_EQ((*latest)->number, 7U);
    EXPECT_EQ((*latest)->digest, second.digest);
    EXPECT_EQ((*latest)->made_at, second.made_at);
    EXPECT_EQ((*latest)->signature, second.signature);
    const auto info = view.revision(7);
    ASSERT_TRUE(info.has_value() && info->has_value());
    EXPECT_EQ((*info)->message, info_of(second).message);
    EXPECT_EQ((*info)->rolled_back_to, 3U);
    EXPECT_EQ((*info)->changes, info_of(second).changes);
    EXPECT_FALSE(view.revision(5).value_or(RevisionInfo()).has_value());
    const auto numbers = [&](std::uint64_t before, std::size_t limit) {
      std::vector<std::uint64_t> out;
      if (const auto found = view.revisions(before, limit))
        for (const auto& each : *found) out.push_back(each.number);
      return out;
    };
    EXPECT_EQ(numbers(0, 10), (std::vector<std::uint64_t>{7, 3}));
    EXPECT_EQ(numbers(7, 10), (std::vector<std::uint64_t>{3}));
    EXPECT_EQ(numbers(0, 1), (std::vector<std::uint64_t>{7}));
  });
}

TEST_P(StoreSuite, operators_keep_their_teams_and_tokens) {
  Operator ada{.name = "ada",
               .role = Role::developer,
               .teams = {"shop", "a,b"},
               .tokens = {{"t1", "h1", 5, 9, 0}, {"t2", "h2", 6, 0, 0}}};
  Operator bob{.name = "bob", .role = Role::auditor, .disabled = true};
  write([&](StoreWriter& writer) {
    ASSERT_TRUE(writer.put_operator(bob).has_value());
    ASSERT_TRUE(writer.put_operator(ada).has_value());
  });
  ASSERT_TRUE(store->note_token_use("t2", 77).has_value());
  ASSERT_TRUE(store->note_token_use("t2", 70).has_value());
  ASSERT_TRUE(store->note_token_use("nobody's", 70).has_value());
  read([&](StoreView& view) {
    const auto all = view.operators();
    ASSERT_TRUE(all.has_value());
    ASSERT_EQ(all->size(), 2U);
    EXPECT_EQ((*all)[1].name, "bob");
    EXPECT_TRUE((*all)[1].disabled);
    EXPECT_EQ((*all)[1].role, Role::auditor);
    const auto found = view.operator_by_token("t2");
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ((*found)->name, "ada");
    EXPECT_EQ((*found)->teams, ada.teams);
    EXPECT_FALSE((*found)->disabled);
    EXPECT_EQ((*found)->version, ada.version);
    ASSERT_EQ((*found)->tokens.size(), 2U);
    EXPECT_EQ((*found)->tokens[0].hash, "h1");
    EXPECT_EQ((*found)->tokens[0].expires, 9);
    EXPECT_EQ((*found)->tokens[1].last_used, 77);
  });
  ada.tokens.erase(ada.tokens.begin());
  write([&](StoreWriter& writer) {
    ASSERT_TRUE(writer.put_operator(ada).has_value());
    EXPECT_TRUE(writer.remove_operator("bob").value_or(false));
    EXPECT_FALSE(writer.remove_operator("bob").value_or(true));
  });
  read([&](StoreView& view) {
    EXPECT_FALSE(view.operator_by_token("t1").value_or(Operator()).has_value());
    EXPECT_FALSE(view.find_operator("bob").value_or(Operator()).has_value());
    EXPECT_TRUE(view.find_operator("ada").value_or(std::nullopt).has_value());
  });
  write([&](StoreWriter& writer) { EXPECT_TRUE(writer.remove_operator("ada").value_or(false)); });
  read([&](StoreView& view) { EXPECT_FALSE(view.operator_by_token("t2").value_or(Operator()).has_value()); });
}

TEST_P(StoreSuite, the_audit_log_grows_without_gaps) {
  write([&](StoreWriter& writer) {
    EXPECT_FALSE(writer.last_audit().value_or(AuditEntry()).has_value());
    for (std::uint64_t seq = 1; seq <= 3; ++seq) ASSERT_TRUE(writer.add_audit(entry(seq)).has_value());
  });
  for (const std::uint64_t seq : {3U, 5U})
    EXPECT_FALSE(store->write([&](StoreWriter& writer) { return writer.add_audit(entry(seq)); }).has_value());
  read([&](StoreView& view) {
    const auto last = view.last_audit();
    ASSERT_TRUE(last.has_value() && last->has_value());
    EXPECT_EQ((*last)->seq, 3U);
    EXPECT_TRUE((*last)->before.is_null());
    EXPECT_EQ((*last)->after, entry(3).after);
    EXPECT_EQ((*last)->at_ms, entry(3).at_ms);
    EXPECT_EQ((*last)->previous, entry(3).previous);
    const auto some = view.audit(1, 1);
    ASSERT_TRUE(some.has_value());
    ASSERT_EQ(some->size(), 1U);
    EXPECT_EQ(some->front().seq, 2U);
  });
}

TEST_P(StoreSuite, answers_are_remembered_for_a_day) {
  const std::int64_t now = 1'700'000'000'000;
  const Remembered old{.actor = "ada",
                       .key = "k",
                       .request = "r",
                       .status = 201,
                       .body = "{}",
                       .etag = "\"1\"",
                       .location = "/x",
                       .at_ms = now};
  write([&](StoreWriter& writer) { ASSERT_TRUE(writer.remember(old).has_value()); });
  read([&](StoreView& view) {
    const auto found = view.remembered("ada", "k");
    ASSERT_TRUE(found.has_value() && found->has_value());
    EXPECT_EQ((*found)->status, 201);
    EXPECT_EQ((*found)->request, "r");
    EXPECT_EQ((*found)->location, "/x");
    EXPECT_FALSE(view.remembered("bob", "k").value_or(Remembered()).has_value());
  });
  write([&](StoreWriter& writer) {
    ASSERT_TRUE(writer.remember({.actor = "ada", .key = "k2", .at_ms = now + 24 * 3600 * 1000 + 1}).has_value());
  });
  read([&](StoreView& view) { EXPECT_FALSE(view.remembered("ada", "k").value_or(Remembered()).has_value()); });
}

TEST_P(StoreSuite, who_has_the_name_later_inherits_no_answers) {
  const auto make = [](StoreWriter& writer) {
    Operator ada{.name = "ada", .role = Role::platform};
    ASSERT_TRUE(writer.put_operator(ada).has_value());
  };
  write([&](StoreWriter& writer) {
    make(writer);
    ASSERT_TRUE(writer.remember({.actor = "ada", .key = "k"}).has_value());
    ASSERT_TRUE(writer.remember({.actor = "bob", .key = "k"}).has_value());
  });
  write([&](StoreWriter& writer) { EXPECT_TRUE(writer.remove_operator("ada").value_or(false)); });
  write(make);
  read([&](StoreView& view) {
    const auto found = view.remembered("ada", "k");
    EXPECT_TRUE(found.has_value() && !found->has_value());
    EXPECT_TRUE(view.remembered("bob", "k").value_or(std::nullopt).has_value());
  });
}

TEST_P(StoreSuite, a_large_change_is_one_change) {
  constexpr int kMany = 2000;
  std::uint64_t last = 0;
  write([&](StoreWriter& writer) {
    for (int i = 0; i < kMany; ++i) {
      Object object = route("r" + std::to_string(i));
      object.body.set("text", std::string(2000, 'x'));
      const auto version = writer.put(object);
      ASSERT_TRUE(version.has_value()) << version.error().message;
      EXPECT_GT(*version, last);
      last = *version;
      const auto before = writer.last_audit();
      ASSERT_TRUE(before.has_value());
      ASSERT_TRUE(writer.add_audit(entry(before->has_value() ? (*before)->seq + 1 : 1)).has_value());
    }
    // What was put is seen by its writer.
    EXPECT_EQ(names(writer.objects(Kind::route, {.limit = 1, .after = "r1998"})), Names{"r1999"});
    EXPECT_EQ(writer.last_change().value_or(0), last);
  });
  read([&](StoreView& view) {
    const auto all = view.all_objects();
    ASSERT_TRUE(all.has_value());
    EXPECT_EQ(all->size(), kMany);
    EXPECT_EQ(view.last_change().value_or(0), last);
    EXPECT_EQ(view.last_audit().value_or(std::nullopt).value_or(AuditEntry()).seq, kMany);
  });
  std::uint64_t next = 0;
  write([&](StoreWriter& writer) { next = writer.put(route("next")).value_or(0); });
  EXPECT_EQ(next, last + 1);
}

TEST_P(StoreSuite, a_read_sees_one_moment) {
  put(route("a"));
  read([&](StoreView& view) {
    EXPECT_EQ(names(view.objects(Kind::route, {})), Names{"a"});
    std::thread([&] { put(route("b")); }).join();
    EXPECT_EQ(names(view.objects(Kind::route, {})), Names{"a"});
  });
}

TEST_P(StoreSuite, writers_come_one_after_the_other) {
  constexpr int kThreads = 6;
  constexpr int kEach = 15;
  std::vector<std::thread> threads;
  for (int i = 0; i < kThreads; ++i)
    threads.emplace_back([&, i] {
      for (int n = 0; n < kEach; ++n) {
        const auto done = store->write([&](StoreWriter& writer) -> StoreResult<void> {
          // Reads, then writes what follows from it: loses an update unless nobody writes in between.
          auto counter = writer.object(Kind::route, "counter");
          if (!counter) return std::unexpected(counter.error());
          Object next = route("counter");
          const Json* count = counter->has_value() ? (*counter)->body.find("count") : nullptr;
          next.body.set("count", (count != nullptr ? count->as_integer() : 0) + 1);
          if (auto put = writer.put(next); !put) return std::unexpected(put.error());
          auto last = writer.last_audit();
          if (!last) return std::unexpected(last.error());
          return writer.add_audit(entry(last->has_value() ? (*last)->seq + 1 : 1));
        });
        EXPECT_TRUE(done.has_value()) << i << ": " << done.error().message;
      }
    });
  for (std::thread& thread : threads) thread.join();
  read([&](StoreView& view) {
    const auto counter = view.object(Kind::route, "counter");
    ASSERT_TRUE(counter.has_value() && counter->has_value());
    EXPECT_EQ((*counter)->body.find("count")->as_integer(), kThreads * kEach);
    const auto last = view.last_audit();
    ASSERT_TRUE(last.has_value() && last->has_value());
    EXPECT_EQ((*last)->seq, kThreads * kEach);
  });
}

}  // namespace weir::control
