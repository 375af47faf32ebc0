// Promise: what is published is told exactly; what cannot be is refused with the object, the field and the fix, and
// then nothing of the request is kept. Keys of consumers hold without publishing.
#include "tests/control/api/scene.h"

namespace weir::control::api {
namespace {

constexpr auto kForce = R"({"force":true,"message":"first"})";

TEST_F(Scene, draft_publish_rollback) {
  ASSERT_EQ(post("/v1/routes", kRoute).status, 201);
  const Json draft = json(get("/v1/draft"));
  EXPECT_TRUE(draft.find("changed")->as_boolean());
  EXPECT_EQ(draft.find("base")->as_integer(), 0);
  EXPECT_EQ(draft.find("changes")->find("added")->as_integer(), 1);

  const auto first = post("/v1/publish", kForce);
  ASSERT_EQ(first.status, 201) << first.body;
  ASSERT_TRUE(first.published);
  EXPECT_EQ(header(first, "Location"), "/v1/revisions/" + std::to_string(*first.published));
  EXPECT_EQ(json(get("/v1/revisions/latest")).find("message")->as_string(), "first");
  EXPECT_FALSE(json(get("/v1/draft")).find("changed")->as_boolean());
  const auto again = post("/v1/publish");
  EXPECT_EQ(again.status, 200);
  EXPECT_TRUE(json(again).find("unchanged")->as_boolean());
  EXPECT_FALSE(again.published) << "gateways have it";

  ASSERT_EQ(ask("PATCH", "/v1/routes/orders", R"({"priority":3})", {{"if-match", "*"}}).status, 200);
  const auto second = post("/v1/publish");
  ASSERT_EQ(second.status, 201) << second.body;
  const Json diff = json(get("/v1/revisions/latest/diff"));
  EXPECT_EQ(diff.find("changes")->find("changed")->as_integer(), 1);
  EXPECT_EQ(diff.find("differences")->items()[0].find("name")->as_string(), "orders");

  const std::string one = "/v1/revisions/" + std::to_string(*first.published);
  const auto back = post(one + "/rollback");
  ASSERT_EQ(back.status, 201) << back.body;
  EXPECT_GT(*back.published, *second.published);
  EXPECT_EQ(get("/v1/revisions/latest/document").body, get(one + "/document").body);
  EXPECT_EQ(json(get("/v1/revisions/latest")).find("rolled_back_to")->as_integer(),
            static_cast<std::int64_t>(*first.published));
  EXPECT_EQ(get("/v1/revisions/99").status, 404);
  EXPECT_EQ(get("/v1/revisions/0").status, 404);
  EXPECT_EQ(post("/v1/revisions/99/rollback").status, 404);
}

// A probe takes seconds, a transaction keeps all other writers out.
TEST_F(Scene, nobody_is_probed_inside_a_transaction) {
  int probes = 0;
  rules.probe = [&](const std::vector<ProbeTarget>& targets) {
    ++probes;
    EXPECT_EQ(fragile.inside, 0);
    return std::vector<std::string>(targets.size(), "Connection refused");
  };
  const auto warned = [](const Json* revision) {
    const std::string text = revision ? to_canonical(*revision->find("warnings")) : "";
    const std::string_view word = "127.0.0.1:9: Connection refused";
    const std::size_t at = text.find(word);
    return at != std::string::npos && text.find(word, at + 1) == std::string::npos;
  };
  const auto behind = post("/v1/routes?publish=true", kRoute, {{"idempotency-key", "k"}});
  ASSERT_EQ(behind.status, 201) << behind.body;
  const Json created = json(behind);
  EXPECT_TRUE(warned(created.find("_revision"))) << behind.body;
  EXPECT_EQ(probes, 1);
  EXPECT_EQ(post("/v1/routes?publish=true", kRoute, {{"idempotency-key", "k"}}).status, 201);
  EXPECT_EQ(probes, 1) << "a repetition asks nobody";

  const auto dry =
      ask("PATCH", "/v1/routes/orders?publish=true&dry_run=true", R"({"priority":3})", {{"if-match", "*"}});
  ASSERT_EQ(dry.status, 200) << dry.body;
  const Json rehearsed = json(dry);
  EXPECT_TRUE(warned(rehearsed.find("_revision"))) << dry.body;

  ASSERT_EQ(ask("PATCH", "/v1/routes/orders", R"({"priority":3})", {{"if-match", "*"}}).status, 200);
  const Json checked = json(post("/v1/draft/check"));
  EXPECT_NE(to_canonical(checked).find("Connection refused"), std::string::npos);
  const auto published = post("/v1/publish");
  ASSERT_EQ(published.status, 201) << published.body;
  const Json second = json(published);
  EXPECT_TRUE(warned(&second)) << published.body;
  const auto back = post("/v1/revisions/1/rollback");
  ASSERT_EQ(back.status, 201) << back.body;
  const Json third = json(back);
  EXPECT_TRUE(warned(&third)) << back.body;
  EXPECT_EQ(probes, 5);
}

TEST_F(Scene, a_draft_that_changes_while_it_is_probed_is_probed_again_behind_the_lock) {
  ASSERT_EQ(post("/v1/routes", kRoute).status, 201);
  int probes = 0;
  rules.probe = [&](const std::vector<ProbeTarget>& targets) {
    EXPECT_EQ(fragile.inside, 0);
    if (++probes == 1) {
      EXPECT_EQ(
          ask("PATCH", "/v1/routes/orders", R"({"upstream_url":"http://127.0.0.1:10"})", {{"if-match", "*"}}).status,
          200);
    }
    return std::vector<std::string>(targets.size(), "Connection refused");
  };
  const auto published = post("/v1/publish", kForce);
  ASSERT_EQ(published.status, 201) << published.body;
  EXPECT_EQ(probes, 2);
  EXPECT_NE(published.body.find("127.0.0.1:10: Connection refused"), std::string::npos) << published.body;
  EXPECT_EQ(published.body.find("127.0.0.1:9: "), std::string::npos) << "that is not what was published";
}

TEST_F(Scene, a_typo_cannot_be_published) {
  ASSERT_EQ(post("/v1/upstreams", R"({"name":"orders","targets":[{"address":"127.0.0.1:9"}]})").status, 201);
  const auto typo =
      post("/v1/routes?publish=true", R"({"route_id":"typo","path_pattern":"/t","upstream_url":"http://ordres"})");
  EXPECT_EQ(typo.status, 422);
  const Json error = json(typo).find("errors")->items()[0];
  EXPECT_EQ(error.find("kind")->as_string(), "route");
  EXPECT_EQ(error.find("name")->as_string(), "typo");
  EXPECT_EQ(error.find("field")->as_string(), "upstream_url");
  EXPECT_NE(error.find("hint")->as_string().find("orders"), std::string_view::npos) << typo.body;
  EXPECT_EQ(get("/v1/routes/typo").status, 404) << "nothing of it is kept";
  EXPECT_NE(get("/metrics").body.find("weir_control_publishes_total{result=\"refused\"} 1"), std::string::npos);
}

TEST_F(Scene, change_and_publish_are_one) {
  const auto made = post("/v1/routes?publish=true", kRoute);
  ASSERT_EQ(made.status, 201) << made.body;
  ASSERT_TRUE(made.published);
  EXPECT_EQ(json(made).find("_revision")->find("number")->as_integer(), static_cast<std::int64_t>(*made.published));
  const auto gone = ask("DELETE", "/v1/routes/orders?publish=true", {}, {{"if-match", "*"}});
  EXPECT_EQ(gone.status, 422) << "an empty config is guarded: " << gone.body;
  EXPECT_EQ(get("/v1/routes/orders").status, 200);
}

TEST_F(Scene, discard) {
  ASSERT_EQ(post("/v1/routes?publish=true", kRoute).status, 201);
  ASSERT_EQ(ask("PATCH", "/v1/routes/orders", R"({"priority":3})", {{"if-match", "*"}}).status, 200);
  const auto done = post("/v1/draft/discard");
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(json(done).find("undone")->items().size(), 1u);
  EXPECT_FALSE(json(get("/v1/draft")).find("changed")->as_boolean());
}

TEST_F(Scene, check_tells_and_changes_nothing) {
  ASSERT_EQ(post("/v1/routes", kRoute).status, 201);
  const auto answer = post("/v1/draft/check");
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_TRUE(json(answer).find("publishable")->as_boolean()) << answer.body;
  EXPECT_FALSE(json(answer).find("findings")->items().empty()) << "no auth, no limit";
  EXPECT_EQ(json(get("/v1/revisions")).find("items")->items().size(), 0u);
}

TEST_F(Scene, lists_of_revisions_and_audit_are_paged) {
  for (int i = 1; i <= 5; ++i) {
    post("/v1/routes", kRoute);
    ask("PATCH", "/v1/routes/orders", R"({"priority":)" + std::to_string(i) + "}", {{"if-match", "*"}});
    ASSERT_EQ(post("/v1/publish", kForce).status, 201);
  }
  for (const auto& [list, member] : {std::pair{"/v1/revisions", "number"}, {"/v1/audit", "seq"}}) {
    std::vector<std::int64_t> seen;
    std::string cursor;
    do {
      const Json page = json(get(list + std::string("?limit=2") + cursor));
      for (const Json& one : page.find("items")->items()) seen.push_back(one.find(member)->as_integer());
      const Json* next = page.find("next_cursor");
      cursor = next ? "&cursor=" + std::string(next->as_string()) : "";
    } while (!cursor.empty());
    ASSERT_GE(seen.size(), 5u) << list;
    for (std::size_t i = 1; i < seen.size(); ++i) EXPECT_EQ(seen[i], seen[i - 1] - 1) << list;
    EXPECT_EQ(seen.back(), 1) << list;
  }
  EXPECT_TRUE(json(get("/v1/audit/verify")).find("ok")->as_boolean());
}

TEST_F(Scene, keys_of_consumers) {
  EXPECT_EQ(post("/v1/consumers/shop/keys").status, 404) << "no such consumer";
  ASSERT_EQ(post("/v1/consumers", R"({"name":"shop","tags":["team:shop"]})").status, 201);
  const auto made = post("/v1/consumers/shop/keys", R"({"scopes":["orders:read"],"expires_in":"90d"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string text(json(made).find("key")->as_string());
  const std::string id(json(made).find("id")->as_string());
  EXPECT_TRUE(text.starts_with("weir_" + id));
  for (const char* target : {"/v1/consumers/shop/keys", "/v1/audit"})
    EXPECT_EQ(get(target).body.find(text), std::string::npos);
  const auto rotated = post("/v1/consumers/shop/keys/" + id + "/rotate", R"({"grace":"1h"})");
  EXPECT_EQ(rotated.status, 200) << rotated.body;
  EXPECT_EQ(post("/v1/consumers/shop/keys/" + id + "/rotate").status, 422) << "two secrets are enough";
  EXPECT_EQ(post("/v1/consumers/shop/keys", "", {{"idempotency-key", "a"}}).status, 400);
  EXPECT_EQ(ask("DELETE", "/v1/consumers/shop/keys/" + id).status, 204);
  EXPECT_NE(keys.records.at(id).revoked, 0);
  EXPECT_EQ(ask("DELETE", "/v1/consumers/shop/keys/nosuchkey123").status, 404);
  token = login("dora", "developer", R"(["pay"])");
  EXPECT_EQ(post("/v1/consumers/shop/keys").status, 403) << "another team's";
}

TEST_F(Scene, status_is_left_to_the_loop) {
  ASSERT_EQ(post("/v1/routes?publish=true", kRoute).status, 201);
  const auto answer = get("/v1/revisions/latest/status?wait=quorum&timeout=250ms");
  ASSERT_TRUE(answer.wait);
  EXPECT_EQ(answer.wait->what, StatusWait::For::quorum);
  EXPECT_EQ(answer.wait->timeout, std::chrono::milliseconds(250));
  EXPECT_EQ(get("/v1/revisions/latest/status?wait=some").status, 400);
  EXPECT_EQ(get("/v1/revisions/latest/status?timeout=2m").status, 400);
}

}  // namespace
}  // namespace weir::control::api
