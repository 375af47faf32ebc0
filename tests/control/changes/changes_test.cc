#include "control/changes/changes.h"

#include "control/audit.h"
#include "identity/seal.h"
#include "tests/control/desk.h"

namespace weir::control {
namespace {

using Is = Objection::Kind;
using What = Changed::What;

constexpr std::string_view kCart =
    R"({"path_pattern": "/cart/**", "upstream_url": "http://shop", "tags": ["team:shop"]})";

TEST(Draft, AnObjectIsMadeWithItsNameItsTagsAndATime) {
  Desk desk;
  const auto made = desk.put(platform(), Kind::route, "cart", kCart, {Expected::Kind::absent});
  ASSERT_TRUE(made);
  EXPECT_EQ(made->what, What::created);
  const auto kept = desk.object(Kind::route, "cart");
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->version, made->object.version);
  EXPECT_EQ(kept->tags, std::vector<std::string>{"team:shop"});
  EXPECT_EQ(kept->updated_by, "ada");
  EXPECT_EQ(kept->body.find("route_id")->as_string(), "cart");
  EXPECT_EQ(kept->body.find("updated_at")->as_string(), "2026-01-31T12:00:00Z");
}

TEST(Draft, WhatIsExpectedIsHeldAgainstWhatIsThere) {
  Desk desk;
  EXPECT_EQ(kind_of_objection(desk.put(platform(), Kind::route, "cart", kCart, {Expected::Kind::present})),
            Is::stale);
  const auto first = desk.put(platform(), Kind::route, "cart", kCart, {Expected::Kind::unsaid});
  ASSERT_TRUE(first);
  const std::string_view other = R"({"path_pattern": "/basket", "upstream_url": "http://shop"})";
  EXPECT_EQ(kind_of_objection(desk.put(platform(), Kind::route, "cart", other, {Expected::Kind::unsaid})),
            Is::unconditional);
  EXPECT_EQ(kind_of_objection(desk.put(platform(), Kind::route, "cart", other, {Expected::Kind::absent})),
            Is::exists);
  const Expected right{Expected::Kind::version, first->object.version};
  const auto second = desk.put(platform(), Kind::route, "cart", other, right);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->what, What::replaced);
  EXPECT_GT(second->object.version, first->object.version);
  const auto late = desk.put(platform(), Kind::route, "cart", kCart, right);
  EXPECT_EQ(kind_of_objection(late), Is::stale);
  EXPECT_EQ(late.error().current, second->object.version);
  const auto gone = desk.change(platform(), [&](Draft& draft) { return draft.remove(Kind::route, "cart", right); });
  EXPECT_EQ(kind_of_objection(gone), Is::stale);
}

TEST(Draft, WhatSaysTheSameChangesNothing) {
  Desk desk;
  desk.set(Kind::route, "cart", kCart);
  const auto before = desk.object(Kind::route, "cart");
  const std::size_t lines = desk.audit().size();
  Author later = platform();
  later.at_ms += 1000;
  const auto again = desk.put(later, Kind::route, "cart",
                              R"({"tags": ["team:shop"], "upstream_url": "http://shop", "path_pattern": "/cart/**",
                                  "route_id": "cart"})");
  ASSERT_TRUE(again);
  EXPECT_EQ(again->what, What::unchanged);
  EXPECT_EQ(desk.object(Kind::route, "cart")->version, before->version);
  EXPECT_EQ(desk.audit().size(), lines);
}

TEST(Draft, MistakesNameTheFieldAndTheFix) {
  Desk desk;
  const auto slip =
      desk.put(platform(), Kind::route, "cart", R"({"path_patern": "/cart", "upstream_url": "http://shop"})");
  ASSERT_EQ(kind_of_objection(slip), Is::invalid);
  ASSERT_FALSE(slip.error().findings.empty());
  const Finding& finding = slip.error().findings[0];
  EXPECT_EQ(finding.kind, Kind::route);
  EXPECT_EQ(finding.name, "cart");
  EXPECT_EQ(finding.field, "path_patern");
  EXPECT_NE(finding.hint.find("path_pattern"), std::string::npos) << describe(finding);
  ASSERT_EQ(slip.error().findings.size(), 2u);
  EXPECT_EQ(slip.error().findings[1].field, "path_pattern");

  const auto filter = desk.put(platform(), Kind::route, "cart",
                               R"({"path_pattern": "/", "upstream_url": "http://shop",
                                   "plugin_chain": [{"name": "rate_limit", "config": {"limit": 3}}]})");
  ASSERT_EQ(kind_of_objection(filter), Is::invalid);
  EXPECT_EQ(filter.error().findings[0].field, "plugin_chain[0].config.limit");

  const auto name = desk.put(platform(), Kind::route, "cart", R"({"route_id": "basket", "path_pattern": "/"})");
  ASSERT_EQ(kind_of_objection(name), Is::invalid);
  EXPECT_EQ(name.error().findings[0].field, "route_id");
  EXPECT_EQ(desk.document(), Json::object());
}

TEST(Draft, APatchMergesAndNullTakesAway) {
  Desk desk;
  desk.set(Kind::route, "cart", kCart);
  const auto patched = desk.change(platform(), [&](Draft& draft) {
    return draft.patch(Kind::route, "cart", json(R"({"timeout": "3s", "tags": null})"), {Expected::Kind::any});
  });
  ASSERT_TRUE(patched);
  EXPECT_EQ(patched->object.body.find("timeout")->as_string(), "3s");
  EXPECT_EQ(patched->object.body.find("tags"), nullptr);
  EXPECT_EQ(patched->object.body.find("path_pattern")->as_string(), "/cart/**");
  const auto absent =
      desk.change(platform(), [&](Draft& draft) { return draft.patch(Kind::route, "x", json("{}")); });
  EXPECT_EQ(kind_of_objection(absent), Is::absent);
}

TEST(MergePatch, AsTheExamplesOfRfc7396) {
  const auto patched = [](std::string_view target, std::string_view patch) {
    return to_canonical(merge_patch(json(target), json(patch)));
  };
  EXPECT_EQ(patched(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(patched(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
  EXPECT_EQ(patched(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(patched(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), R"({"a":{"b":"d"}})");
  EXPECT_EQ(patched(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
  EXPECT_EQ(patched(R"(["a","b"])", R"(["c","d"])"), R"(["c","d"])");
  EXPECT_EQ(patched(R"({"a":"b"})", R"(["c"])"), R"(["c"])");
  EXPECT_EQ(patched(R"({"e":null})", R"({"a":1})"), R"({"a":1,"e":null})");
  EXPECT_EQ(patched(R"([1,2])", R"({"a":"b","c":null})"), R"({"a":"b"})");
  EXPECT_EQ(patched(R"({})", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
}

TEST(Draft, AFilterIsAttachedReplacedAndDetached) {
  Desk desk;
  desk.set(Kind::route, "cart",
           R"({"path_pattern": "/", "upstream_url": "http://shop", "plugin_chain": ["api_key"]})");
  const auto attach = [&](std::string_view filter, std::string_view config) {
    return desk.change(platform(),
                       [&](Draft& draft) { return draft.attach(Kind::route, "cart", filter, json(config)); });
  };
  ASSERT_TRUE(attach("body_limit", R"({"max": "1MiB"})"));
  const auto again = attach("body_limit", R"({"max": "2MiB"})");
  ASSERT_TRUE(again);
  EXPECT_EQ(to_canonical(*again->object.body.find("plugin_chain")),
            R"(["api_key",{"config":{"max":"2MiB"},"name":"body_limit"}])");
  EXPECT_EQ(kind_of_objection(attach("body_limt", "{}")), Is::unknown_filter);
  EXPECT_EQ(kind_of_objection(attach("body_limit", R"({"max": "much"})")), Is::invalid);
  const auto detach = [&](std::string_view filter) {
    return desk.change(platform(), [&](Draft& draft) { return draft.detach(Kind::route, "cart", filter); });
  };
  ASSERT_TRUE(detach("api_key"));
  const auto last = detach("body_limit");
  ASSERT_TRUE(last);
  EXPECT_EQ(last->object.body.find("plugin_chain"), nullptr);
  EXPECT_EQ(kind_of_objection(detach("body_limit")), Is::absent);
}

TEST(Draft, APolicyKeepsItsOrderWhenItsConfigIsReplaced) {
  Desk desk;
  desk.set(Kind::policy, "body_limit", R"({"config": {"max": "1MiB"}, "order": 7, "tags": ["edge"]})");
  const auto again = desk.change(platform(), [&](Draft& draft) {
    return draft.attach(Kind::policy, "", "body_limit", json(R"({"max": "2MiB"})"));
  });
  ASSERT_TRUE(again);
  EXPECT_EQ(to_canonical(again->object.body),
            R"({"config":{"max":"2MiB"},"name":"body_limit","order":7,"tags":["edge"]})");
}

TEST(Draft, ABatchIsDoneWholeOrNotAndTellsAllMistakes) {
  Desk desk;
  desk.set(Kind::route, "old", R"({"path_pattern": "/old", "upstream_url": "http://shop"})");
  const std::vector<Operation> wrong = {
      {.kind = Kind::route, .name = "a", .body = json(R"({"path_pattern": "/a", "upstream_url": "http://shop"})")},
      {.kind = Kind::route, .name = "b", .body = json(R"({"path_pattern": 3})")},
      {.kind = Kind::upstream, .name = "c", .body = json(R"({"targets": []})")}};
  const auto refused = desk.change(platform(), [&](Draft& draft) { return draft.batch(wrong, true); });
  ASSERT_FALSE(refused);
  ASSERT_GE(refused.error().findings.size(), 2u);
  EXPECT_EQ(refused.error().findings.front().name, "b");
  EXPECT_EQ(refused.error().findings.back().name, "c");
  EXPECT_FALSE(desk.object(Kind::route, "a"));

  const auto done =
      desk.change(platform(), [&](Draft& draft) { return draft.batch(std::span(wrong).first(1), true); });
  ASSERT_TRUE(done);
  ASSERT_EQ(done->size(), 2u);
  EXPECT_EQ((*done)[1].what, What::removed);
  EXPECT_FALSE(desk.object(Kind::route, "old"));
  EXPECT_TRUE(desk.object(Kind::route, "a"));
}

TEST(Draft, ADryRunLeavesNothing) {
  Desk desk;
  Agreed<Changed> would;
  const auto done = transact(*desk.store, true, [&](StoreWriter& writer) -> Agreed<void> {
    const Author author = platform();
    would = Draft(writer, desk.rules, author).put(Kind::route, "cart", json(kCart));
    return {};
  });
  EXPECT_TRUE(done);
  ASSERT_TRUE(would);
  EXPECT_EQ(would->what, What::created);
  EXPECT_FALSE(desk.object(Kind::route, "cart"));
  EXPECT_TRUE(desk.audit().empty());
}

TEST(Draft, DevelopersChangeWhatCarriesTheirTeamBeforeAndAfter) {
  Desk desk;
  const Author shop = developer("shop");
  EXPECT_TRUE(desk.put(shop, Kind::route, "cart", kCart));
  EXPECT_EQ(kind_of_objection(desk.put(shop, Kind::route, "b", R"({"path_pattern": "/b"})")), Is::forbidden);
  // Neither given away nor taken.
  EXPECT_EQ(kind_of_objection(desk.put(shop, Kind::route, "cart", R"({"path_pattern": "/", "tags": ["team:pay"]})")),
            Is::forbidden);
  EXPECT_EQ(kind_of_objection(
                desk.put(developer("pay"), Kind::route, "cart", R"({"path_pattern": "/", "tags": ["team:pay"]})")),
            Is::forbidden);
  EXPECT_EQ(
      kind_of_objection(desk.change(
          developer("pay"), [&](Draft& draft) { return draft.remove(Kind::route, "cart", {Expected::Kind::any}); })),
      Is::forbidden);
  EXPECT_EQ(kind_of_objection(desk.put(shop, Kind::policy, "api_key", R"({"tags": ["team:shop"]})")), Is::forbidden);
  EXPECT_EQ(kind_of_objection(desk.put(viewer(), Kind::route, "c", kCart)), Is::forbidden);
  EXPECT_TRUE(
      desk.change(shop, [&](Draft& draft) { return draft.remove(Kind::route, "cart", {Expected::Kind::any}); }));
}

TEST(Draft, DevelopersReachNeitherFilesNorSecretsOfOthers) {
  Desk desk;
  desk.set(Kind::secret, "theirs", R"({"value": "s3cret", "tags": ["team:pay"]})");
  desk.set(Kind::secret, "ours", R"({"value": "s3cret", "tags": ["team:shop"]})");
  const auto consumer = [](std::string_view credential) {
    return R"({"tags": ["team:shop"], "credentials": {"hmac": [{"key_id": "k", )" + std::string(credential) + "}]}}";
  };
  const Author shop = developer("shop");
  EXPECT_EQ(kind_of_objection(desk.put(shop, Kind::consumer, "c", consumer(R"("secret_env": "HOME")"))),
            Is::forbidden);
  EXPECT_EQ(kind_of_objection(desk.put(shop, Kind::consumer, "c", consumer(R"("secret_file": "/etc/passwd")"))),
            Is::forbidden);
  EXPECT_EQ(kind_of_objection(desk.put(shop, Kind::consumer, "c", consumer(R"("secret_name": "theirs")"))),
            Is::forbidden);
  EXPECT_EQ(kind_of_objection(desk.put(shop, Kind::consumer, "c", consumer(R"("secret_name": "later")"))),
            Is::forbidden);
  EXPECT_TRUE(desk.put(shop, Kind::consumer, "c", consumer(R"("secret_name": "ours")")));
  // What the platform gave it may stay.
  desk.set(Kind::consumer, "d", consumer(R"("secret_name": "theirs")"));
  const auto kept = desk.change(shop, [&](Draft& draft) {
    return draft.patch(Kind::consumer, "d", json(R"({"custom_id": "7"})"), {Expected::Kind::any});
  });
  EXPECT_TRUE(kept) << kept.error().message;
}

TEST(Draft, APruneByADeveloperLeavesWhatIsOthers) {
  Desk desk;
  desk.set(Kind::route, "theirs", R"({"path_pattern": "/t", "upstream_url": "http://x", "tags": ["team:pay"]})");
  desk.set(Kind::route, "ours", R"({"path_pattern": "/o", "upstream_url": "http://x", "tags": ["team:shop"]})");
  const auto done = desk.change(developer("shop"), [&](Draft& draft) { return draft.batch({}, true); });
  ASSERT_TRUE(done);
  ASSERT_EQ(done->size(), 1u);
  EXPECT_TRUE(desk.object(Kind::route, "theirs"));
  EXPECT_FALSE(desk.object(Kind::route, "ours"));
}

TEST(Draft, SecretsAreSealedAndNeverSeenInTheAuditLog) {
  Desk desk;
  desk.set(Kind::secret, "stripe", R"({"value": "sk_live_1"})");
  const std::string sealed(desk.object(Kind::secret, "stripe")->body.find("value")->as_string());
  EXPECT_TRUE(identity::is_sealed(sealed));
  EXPECT_EQ(identity::unseal(sealed, desk.rules.master_key, identity::about_secret("stripe")).value_or(""),
            "sk_live_1");
  // Said again: nothing changes, plain or sealed.
  for (const std::string& value : {std::string("sk_live_1"), sealed}) {
    const auto again = desk.put(platform(), Kind::secret, "stripe", R"({"value": ")" + value + "\"}");
    ASSERT_TRUE(again);
    EXPECT_EQ(again->what, What::unchanged);
  }
  desk.set(Kind::secret, "stripe", R"({"value": "sk_live_2"})");
  for (const AuditEntry& entry : desk.audit()) {
    const std::string line = to_canonical(to_json(entry));
    EXPECT_EQ(line.find("sk_live"), std::string::npos);
    EXPECT_EQ(line.find("sealed:"), std::string::npos);
    EXPECT_NE(line.find("sha256:"), std::string::npos);
  }
  // Of another name it does not open: no secret can be put in another's place.
  EXPECT_EQ(kind_of_objection(desk.put(platform(), Kind::secret, "other", R"({"value": ")" + sealed + "\"}")),
            Is::invalid);
  desk.rules.master_key.clear();
  EXPECT_EQ(kind_of_objection(desk.put(platform(), Kind::secret, "other", R"({"value": "x"})")), Is::invalid);
}

TEST(Draft, EveryChangeIsOneLineOfTheAuditLog) {
  Desk desk;
  desk.set(Kind::group, "gold", R"("gold")");
  desk.set(Kind::group, "gold", R"({"name": "gold", "tags": ["vip"]})");
  ASSERT_TRUE(
      desk.change(platform(), [](Draft& draft) { return draft.remove(Kind::group, "gold", {Expected::Kind::any}); }));
  const auto lines = desk.audit();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_EQ(lines[0].action, "put");
  EXPECT_TRUE(lines[0].before.is_null());
  EXPECT_EQ(to_canonical(lines[1].before), R"({"name":"gold"})");
  EXPECT_EQ(to_canonical(lines[1].after), R"({"name":"gold","tags":["vip"]})");
  EXPECT_EQ(lines[2].action, "delete");
  EXPECT_TRUE(lines[2].after.is_null());
  EXPECT_EQ(lines[2].actor, "ada");
  EXPECT_EQ(lines[2].from, "192.0.2.1");
}

}  // namespace
}  // namespace weir::control
