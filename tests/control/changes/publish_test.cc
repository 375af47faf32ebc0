#include "control/changes/publish.h"

#include "control/audit.h"
#include "tests/control/desk.h"

namespace weir::control {
namespace {

using Is = Objection::Kind;

const Finding* find_rule(const Findings& findings, std::string_view rule) {
  for (const Finding& finding : findings)
    if (finding.rule == rule) return &finding;
  return nullptr;
}

TEST(Publish, TheDraftBecomesASignedRevision) {
  Desk desk;
  desk.two_routes();
  const auto done = desk.publish({.message = "first"});
  ASSERT_TRUE(done) << done.error().message;
  EXPECT_EQ(done->revision.number, 1u);
  EXPECT_TRUE(revision::verify(done->revision, desk.key.public_key()));
  EXPECT_EQ(done->revision.document, to_canonical(desk.document()));
  EXPECT_EQ(done->changes.added, 3u);
  desk.look([&](StoreView& view) {
    const auto info = view.revision(0).value();
    ASSERT_TRUE(info);
    EXPECT_EQ(info->number, 1u);
    EXPECT_EQ(info->made_by, "ada");
    EXPECT_EQ(info->message, "first");
    EXPECT_EQ(to_canonical(info->changes), R"({"added":3,"changed":0,"removed":0})");
  });
  EXPECT_EQ(desk.audit().back().action, "publish");
  EXPECT_EQ(desk.audit().back().revision, 1u);
}

TEST(Publish, TheSameAgainIsNoRevision) {
  Desk desk;
  desk.two_routes();
  ASSERT_TRUE(desk.publish());
  const auto again = desk.publish();
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->unchanged);
  EXPECT_EQ(again->revision.number, 1u);
  // Unless a higher number is out already, by whoever.
  const auto above = desk.publish({.number_floor = 41});
  ASSERT_TRUE(above);
  EXPECT_FALSE(above->unchanged);
  EXPECT_EQ(above->revision.number, 42u);
}

TEST(Publish, TheSameAgainIsSignedAgainWithAnotherKey) {
  Desk desk;
  desk.two_routes();
  ASSERT_TRUE(desk.publish());
  EXPECT_EQ(sign_again(*desk.store, desk.rules, desk.key).value(), std::nullopt);
  desk.key = revision::SigningKey::generate();
  const auto published = desk.publish();
  ASSERT_TRUE(published);
  EXPECT_FALSE(published->unchanged);
  EXPECT_EQ(published->revision.number, 2u);
  EXPECT_TRUE(revision::verify(published->revision, desk.key.public_key()));

  // At a start, without anybody's wish: the last document to the byte, whatever the draft is now.
  desk.set(Kind::route, "pay", R"({"path_pattern": "/pay/**", "upstream_url": "http://shpo"})");
  desk.key = revision::SigningKey::generate();
  const auto again = sign_again(*desk.store, desk.rules, desk.key, 7);
  ASSERT_TRUE(again && *again);
  EXPECT_EQ((*again)->revision.number, 8u);
  EXPECT_EQ((*again)->revision.document, published->revision.document);
  EXPECT_TRUE(revision::verify((*again)->revision, desk.key.public_key()));
  EXPECT_EQ(desk.audit().back().actor, "system");
}

TEST(Publish, ATypoInAnUpstreamUrlCannotBePublished) {
  Desk desk;
  desk.two_routes();
  ASSERT_TRUE(desk.publish());
  desk.set(Kind::route, "pay", R"({"path_pattern": "/pay/**", "upstream_url": "http://shpo"})");
  const auto refused = desk.publish({.force = true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Is::unpublishable);
  const Finding& finding = refused.error().findings.at(0);
  EXPECT_EQ(finding.severity, Severity::error);
  EXPECT_EQ(finding.kind, Kind::route);
  EXPECT_EQ(finding.name, "pay");
  EXPECT_EQ(finding.field, "upstream_url");
  EXPECT_NE(finding.hint.find("shop"), std::string::npos) << describe(finding);
  desk.look([](StoreView& view) { EXPECT_EQ(view.revision(0).value()->number, 1u); });
}

TEST(Publish, AnUpstreamThatRoutesUseIsMissedByCheckAtOnce) {
  Desk desk;
  desk.two_routes();
  ASSERT_TRUE(desk.change(platform(),
                          [](Draft& draft) { return draft.remove(Kind::upstream, "shop", {Expected::Kind::any}); }));
  const auto proof = check(*desk.store, desk.rules);
  ASSERT_TRUE(proof);
  EXPECT_FALSE(proof->publishable(true));
  ASSERT_EQ(proof->findings.size(), 2u);
  EXPECT_EQ(proof->findings[0].name, "cart");
  EXPECT_EQ(proof->findings[1].name, "pay");
}

TEST(Publish, AnEmptyConfigNeedsForce) {
  Desk desk;
  desk.rules.instance.set("control", json(R"({"database": "x.db"})"));
  desk.two_routes();
  ASSERT_TRUE(desk.publish());
  ASSERT_TRUE(desk.change(platform(), [](Draft& draft) { return draft.batch({}, true); }));
  const auto refused = desk.publish();
  ASSERT_FALSE(refused);
  EXPECT_NE(find_rule(refused.error().findings, "empty_config"), nullptr);
  const auto forced = desk.publish({.force = true});
  ASSERT_TRUE(forced) << forced.error().message << describe(forced.error().findings.at(0));
  EXPECT_EQ(forced->revision.document, "{}");
  EXPECT_EQ(forced->changes.removed, 3u);
  ASSERT_NE(find_rule(forced->warnings, "empty_config"), nullptr);
}

TEST(Publish, AShrunkenConfigNeedsForce) {
  Desk desk;
  desk.two_routes();
  for (int i = 0; i < 8; ++i) desk.set(Kind::consumer, "c" + std::to_string(i), "{}");
  ASSERT_TRUE(desk.publish());
  const auto remove = [&](int i) {
    return desk.change(platform(), [&](Draft& draft) {
      return draft.remove(Kind::consumer, "c" + std::to_string(i), {Expected::Kind::any});
    });
  };
  for (int i = 0; i < 4; ++i) ASSERT_TRUE(remove(i));
  EXPECT_TRUE(desk.publish({.dry_run = true}));  // half is not more than half
  ASSERT_TRUE(remove(4));
  const auto refused = desk.publish();
  ASSERT_FALSE(refused);
  EXPECT_NE(find_rule(refused.error().findings, "shrunken")->message.find("5 of 8 consumers"), std::string::npos);
  EXPECT_TRUE(desk.publish({.force = true}));
}

TEST(Publish, ADryRunKeepsNothing) {
  Desk desk;
  desk.two_routes();
  const std::size_t lines = desk.audit().size();
  const auto done = desk.publish({.dry_run = true});
  ASSERT_TRUE(done);
  EXPECT_EQ(done->revision.number, 1u);
  desk.look([](StoreView& view) { EXPECT_FALSE(view.revision(0).value()); });
  EXPECT_EQ(desk.audit().size(), lines);
}

TEST(Publish, ARollbackIsANewRevisionOfTheOldDocument) {
  Desk desk;
  desk.two_routes();
  desk.set(Kind::policy, "body_limit", R"({"config": {"max": "1MiB"}, "order": 3, "tags": ["edge"]})");
  const auto first = desk.publish();
  ASSERT_TRUE(first);
  desk.set(Kind::route, "pay", R"({"path_pattern": "/payments/**", "upstream_url": "http://shop"})");
  desk.set(Kind::policy, "body_limit", R"({"config": {"max": "2MiB"}, "order": 3, "tags": ["edge"]})");
  ASSERT_TRUE(desk.publish());
  const auto back = desk.publish({.rollback_to = 1});
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(back->revision.number, 3u);
  EXPECT_EQ(back->revision.digest, first->revision.digest);
  EXPECT_EQ(back->info.rolled_back_to, 1u);
  EXPECT_EQ(desk.object(Kind::route, "pay")->body.find("path_pattern")->as_string(), "/pay/**");
  EXPECT_EQ(desk.object(Kind::policy, "body_limit")->tags, std::vector<std::string>{"edge"});
  EXPECT_TRUE(desk.publish()->unchanged);
  EXPECT_EQ(desk.publish({.rollback_to = 9}).error().kind, Is::absent);
  EXPECT_EQ(desk.publish({.rollback_to = 1}, developer("shop")).error().kind, Is::forbidden);
  EXPECT_EQ(desk.publish({}, viewer()).error().kind, Is::forbidden);
}

TEST(Publish, ADiscardedDraftIsTheLastRevision) {
  Desk desk;
  desk.two_routes();
  const auto first = desk.publish();
  desk.set(Kind::route, "new", R"({"path_pattern": "/new", "upstream_url": "http://shop"})");
  const auto discard_by = [&](const Author& author) {
    return transact(*desk.store, false, [&](StoreWriter& writer) -> Agreed<void> {
      auto done = discard(writer, desk.rules, author);
      if (!done) return std::unexpected(done.error());
      return {};
    });
  };
  EXPECT_FALSE(discard_by(developer("shop")));
  ASSERT_TRUE(discard_by(platform()));
  EXPECT_EQ(to_canonical(desk.document()), first->revision.document);
}

TEST(Publish, ARuleThatBlocksStandsInTheWayEvenOfForce) {
  Desk desk;
  desk.rules.lint["no_timeout"] = Severity::block;
  desk.two_routes();
  const auto refused = desk.publish({.force = true});
  ASSERT_FALSE(refused);
  const Finding* finding = find_rule(refused.error().findings, "no_timeout");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->severity, Severity::block);
  EXPECT_EQ(finding->field, "timeout");
}

TEST(Publish, AChangeAndItsPublicationAreOneTransaction) {
  Desk desk;
  desk.two_routes();
  ASSERT_TRUE(desk.publish());
  const Author author = platform();
  const auto together = [&](std::string_view body) {
    return transact(*desk.store, false, [&](StoreWriter& writer) -> Agreed<void> {
      if (auto put = Draft(writer, desk.rules, author).put(Kind::route, "pay", json(body), {Expected::Kind::any});
          !put)
        return std::unexpected(put.error());
      if (auto done = publish(writer, desk.rules, desk.key, author, {}); !done) return std::unexpected(done.error());
      return {};
    });
  };
  EXPECT_FALSE(together(R"({"path_pattern": "/pay", "upstream_url": "http://nobody"})"));
  EXPECT_EQ(desk.object(Kind::route, "pay")->body.find("path_pattern")->as_string(), "/pay/**");
  EXPECT_TRUE(together(R"({"path_pattern": "/pay", "upstream_url": "http://shop"})"));
  desk.look([](StoreView& view) { EXPECT_EQ(view.revision(0).value()->number, 2u); });
}

TEST(Publish, ProbesSayWhatCannotBeReached) {
  Desk desk;
  desk.two_routes();
  std::vector<ProbeTarget> asked;
  desk.rules.probe = [&](const std::vector<ProbeTarget>& targets) {
    asked = targets;
    return std::vector<std::string>(targets.size(), "Connection refused");
  };
  const auto done = desk.publish();
  ASSERT_TRUE(done);
  ASSERT_EQ(asked.size(), 1u);
  const Finding* finding = find_rule(done->warnings, "unreachable_upstream");
  ASSERT_NE(finding, nullptr);
  EXPECT_EQ(finding->name, "shop");
  EXPECT_EQ(finding->message, "127.0.0.1:9001: Connection refused");
}

constexpr std::string_view kFile = R"({
  "upstreams": [{"name": "shop", "targets": [{"address": "127.0.0.1:9001"}]}],
  "routes": [{"route_id": "pay", "path_pattern": "/pay", "upstream_url": "http://shop"},
             {"route_id": "cart", "path_pattern": "/cart", "upstream_url": "http://shop"}],
  "plugin_chain": ["request_id", {"name": "body_limit", "config": {"max": "1MiB"}}],
  "groups": ["gold"]})";

TEST(Seed, TheFileOfAnEmptyStoreIsRevisionOne) {
  Desk desk;
  desk.rules.lint["no_timeout"] = Severity::block;
  const auto seeded = seed(*desk.store, desk.rules, desk.key, json(kFile));
  ASSERT_TRUE(seeded) << seeded.error().message << describe(seeded.error().findings.at(0));
  ASSERT_TRUE(*seeded);
  EXPECT_EQ((*seeded)->revision.number, 1u);
  EXPECT_EQ(to_canonical(*json((*seeded)->revision.document).find("plugin_chain")),
            R"([{"name":"request_id"},{"config":{"max":"1MiB"},"name":"body_limit"}])");
  EXPECT_EQ(desk.audit().back().actor, "system");
  const auto again = seed(*desk.store, desk.rules, desk.key, json(kFile));
  ASSERT_TRUE(again);
  EXPECT_FALSE(*again);
}

TEST(Seed, AFileThatDoesNotCompileLeavesTheStoreEmpty) {
  Desk desk;
  const auto refused =
      seed(*desk.store, desk.rules, desk.key,
           json(R"({"routes": [{"route_id": "a", "path_pattern": "/", "upstream_url": "http://x"}]})"));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().findings.at(0).name, "a");
  EXPECT_EQ(desk.document(), Json::object());
  EXPECT_TRUE(desk.audit().empty());
}

TEST(Restore, WhatIsInUseIsTheNextRevisionOfAnEmptyStore) {
  Desk lost;
  ASSERT_TRUE(seed(*lost.store, lost.rules, lost.key, json(kFile), 6));
  const auto in_use = lost.publish({.force = true});
  ASSERT_TRUE(in_use);
  ASSERT_EQ(in_use->revision.number, 7u);

  Desk desk;
  const auto restored = restore(*desk.store, desk.rules, desk.key, in_use->revision);
  ASSERT_TRUE(restored) << restored.error().message;
  ASSERT_TRUE(*restored);
  EXPECT_EQ((*restored)->revision.number, 8u);
  EXPECT_EQ((*restored)->revision.document, in_use->revision.document);
  EXPECT_TRUE(revision::verify((*restored)->revision, desk.key.public_key()));
  EXPECT_EQ(to_canonical(desk.document()), in_use->revision.document);
  EXPECT_FALSE(seed(*desk.store, desk.rules, desk.key, json(kFile)).value());
}

TEST(Restore, AStoreThatHasSomethingStaysAsItIs) {
  Desk desk;
  desk.two_routes();
  const auto restored =
      restore(*desk.store, desk.rules, desk.key, desk.key.sign(5, R"({"groups":["gold"]})", 1'769'860'800));
  ASSERT_TRUE(restored) << restored.error().message;
  EXPECT_FALSE(*restored);
  EXPECT_TRUE(desk.object(Kind::route, "pay"));
  EXPECT_FALSE(desk.object(Kind::group, "gold"));
}

TEST(Restore, ADamagedDocumentIsSaid) {
  Desk desk;
  EXPECT_FALSE(restore(*desk.store, desk.rules, desk.key, desk.key.sign(5, "{", 1'769'860'800)));
}

TEST(Assemble, ADocumentAndItsObjectsAreTheSame) {
  for (const std::string_view text :
       {std::string_view("{}"), kFile,
        std::string_view(R"({"plugin_chain": ["cors", "api_key", {"name": "access_log", "disabled": true}],
                             "groups": [{"name": "a", "tags": ["x"]}, "b"], "consumers": [{"name": "z"}, {"name": "y"}],
                             "secrets": [{"name": "s", "value": "sealed:v1:x"}],
                             "certificates": [{"name": "c", "cert_pem": "x", "key": "sealed:v1:y"}]})")}) {
    const Json once = assemble(objects_of(json(text)));
    const Json twice = assemble(objects_of(once));
    EXPECT_EQ(to_canonical(once), to_canonical(twice));
    EXPECT_EQ(objects_of(json(text)).size(), objects_of(once).size());
  }
}

TEST(Assemble, PoliciesStandByTheirOrderThenTheirName) {
  Desk desk;
  desk.set(Kind::policy, "headers", R"({"order": 5})");
  desk.set(Kind::policy, "cors", R"({"order": 9, "config": {"allow_origins": ["https://a.example"]}})");
  desk.set(Kind::policy, "api_key", "{}");
  desk.set(Kind::policy, "access_log", "{}");
  std::vector<std::string> names;
  const Json document = desk.document();
  for (const Json& entry : document.find("plugin_chain")->items())
    names.emplace_back(entry.find("name")->as_string());
  EXPECT_EQ(names, (std::vector<std::string>{"access_log", "api_key", "headers", "cors"}));
}

}  // namespace
}  // namespace weir::control
