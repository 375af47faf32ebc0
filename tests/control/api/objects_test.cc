// Promise: two who edit at once lose nothing; a request sent twice is done once; a dry run leaves nothing; secrets
// never come back.
#include "tests/control/api/scene.h"

namespace weir::control::api {
namespace {

TEST_F(Scene, an_object_from_birth_to_death) {
  const auto made = post("/v1/routes", kRoute);
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(header(made, "Location"), "/v1/routes/orders");
  const std::string first = header(made, "ETag");
  EXPECT_EQ(header(get("/v1/routes/orders"), "ETag"), first);
  EXPECT_EQ(get("/v1/routes/orders", {{"if-none-match", first}}).status, 304);
  EXPECT_EQ(post("/v1/routes", kRoute).status, 409);

  const auto patched = ask("PATCH", "/v1/routes/orders", R"({"priority":5,"tags":null})", {{"if-match", first}});
  ASSERT_EQ(patched.status, 200) << patched.body;
  EXPECT_EQ(json(patched).find("priority")->as_integer(), 5);
  EXPECT_EQ(json(patched).find("tags"), nullptr);
  EXPECT_NE(header(patched, "ETag"), first);
  EXPECT_EQ(json(patched).find("_meta")->find("updated_by")->as_string(), "admin");

  EXPECT_EQ(ask("DELETE", "/v1/routes/orders", {}, {{"if-match", first}}).status, 412);
  EXPECT_EQ(ask("DELETE", "/v1/routes/orders").status, 428);
  EXPECT_EQ(ask("DELETE", "/v1/routes/orders", {}, {{"if-match", header(patched, "ETag")}}).status, 204);
  EXPECT_EQ(get("/v1/routes/orders").status, 404);
}

TEST_F(Scene, put_says_what_it_has_seen) {
  EXPECT_EQ(ask("PUT", "/v1/routes/orders", kRoute, {{"if-match", "\"1\""}}).status, 412) << "it is not there";
  EXPECT_EQ(ask("PUT", "/v1/routes/orders", kRoute, {{"if-none-match", "*"}}).status, 201);
  EXPECT_EQ(ask("PUT", "/v1/routes/orders", kRoute, {{"if-none-match", "*"}}).status, 412);
  EXPECT_EQ(ask("PUT", "/v1/routes/orders", kRoute).status, 428);
  EXPECT_EQ(ask("PUT", "/v1/routes/orders", kRoute, {{"if-none-match", "\"1\""}}).status, 400);
  const auto seen = get("/v1/routes/orders");
  // What was read goes back as it is, `_meta` and all.
  EXPECT_EQ(ask("PUT", "/v1/routes/orders", seen.body, {{"if-match", header(seen, "ETag")}}).status, 200);
  EXPECT_EQ(ask("PUT", "/v1/routes/other", kRoute, {{"if-none-match", "*"}}).status, 422) << "another name";
}

TEST_F(Scene, of_two_who_saw_the_same_one_wins) {
  const std::string seen = header(post("/v1/routes", kRoute), "ETag");
  EXPECT_EQ(ask("PATCH", "/v1/routes/orders", R"({"priority":1})", {{"if-match", seen}}).status, 200);
  const auto second = ask("PATCH", "/v1/routes/orders", R"({"priority":2})", {{"if-match", seen}});
  EXPECT_EQ(second.status, 412);
  EXPECT_EQ(header(second, "ETag"), header(get("/v1/routes/orders"), "ETag")) << "told what is there now";
  EXPECT_EQ(json(get("/v1/routes/orders")).find("priority")->as_integer(), 1);
}

TEST_F(Scene, names_may_hold_slashes) {
  const auto made =
      post("/v1/routes", R"({"route_id":"shop/orders","path_pattern":"/o","upstream_url":"http://a:1"})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_EQ(header(made, "Location"), "/v1/routes/shop%2Forders");
  EXPECT_EQ(get("/v1/routes/shop%2Forders").status, 200);
}

TEST_F(Scene, a_dry_run_leaves_nothing) {
  const auto made = post("/v1/routes?dry_run=true", kRoute);
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(header(made, "ETag"), "") << "there is no such version";
  EXPECT_EQ(get("/v1/routes/orders").status, 404);
  EXPECT_EQ(post("/v1/routes?dry_run=true&publish=true", kRoute).published, std::nullopt);
  EXPECT_EQ(json(get("/v1/revisions")).find("items")->items().size(), 0u);
}

TEST_F(Scene, pages_are_stable_while_others_write) {
  for (int i = 0; i < 10; ++i)
    ASSERT_EQ(post("/v1/groups", R"({"name":"g)" + std::to_string(i) + R"("})").status, 201);
  std::vector<std::string> seen;
  std::string cursor;
  do {
    const Json page = json(get("/v1/groups?limit=3" + cursor));
    for (const Json& one : page.find("items")->items()) seen.emplace_back(one.find("name")->as_string());
    const Json* next = page.find("next_cursor");
    cursor = next ? "&cursor=" + std::string(next->as_string()) : "";
    // Behind, before and at the place of the cursor.
    post("/v1/groups", R"({"name":"a)" + std::to_string(seen.size()) + R"("})");
    ask("DELETE", "/v1/groups/" + seen.back(), {}, {{"if-match", "*"}});
  } while (!cursor.empty());
  EXPECT_EQ(seen, (std::vector<std::string>{"g0", "g1", "g2", "g3", "g4", "g5", "g6", "g7", "g8", "g9"}));
}

TEST_F(Scene, lists_are_narrowed_by_tag_and_text) {
  for (const char* body : {R"({"name":"shop-a","tags":["team:shop"]})", R"({"name":"shop-b"})", R"({"name":"pay"})"})
    ASSERT_EQ(post("/v1/groups", body).status, 201);
  const auto names = [&](std::string_view query) {
    std::string out;
    for (const Json& one : json(get("/v1/groups?" + std::string(query))).find("items")->items())
      out.append(one.find("name")->as_string()).append(" ");
    return out;
  };
  EXPECT_EQ(names("tag=team:shop"), "shop-a ");
  EXPECT_EQ(names("tag=team%3Ashop"), "shop-a ");
  EXPECT_EQ(names("q=SHOP"), "shop-a shop-b ");
  EXPECT_EQ(names("q=100%25"), "");
  EXPECT_EQ(get("/v1/routes?cursor=" + make_cursor("groups", "a")).status, 400) << "another list's";
}

TEST_F(Scene, a_request_sent_twice_is_done_once) {
  const Headers headers = {{"idempotency-key", "4f1c"}};
  const auto first = post("/v1/routes", kRoute, headers);
  const auto again = post("/v1/routes", kRoute, headers);
  EXPECT_EQ(first.status, 201);
  EXPECT_EQ(again.status, 201);
  EXPECT_EQ(again.body, first.body);
  EXPECT_EQ(header(again, "ETag"), header(first, "ETag"));
  EXPECT_EQ(header(again, "Location"), header(first, "Location"));
  EXPECT_EQ(header(again, "Idempotent-Replayed"), "true");
  EXPECT_EQ(json(get("/v1/audit")).find("items")->items()[0].find("seq")->as_integer(),
            json(get("/v1/audit?limit=1")).find("items")->items()[0].find("seq")->as_integer());
  const auto other =
      post("/v1/routes", R"({"route_id":"x","path_pattern":"/","upstream_url":"http://a:1"})", headers);
  EXPECT_EQ(other.status, 422);
  EXPECT_EQ(field_of(other), "Idempotency-Key");
  EXPECT_EQ(post("/v1/routes", kRoute, {{"idempotency-key", ""}}).status, 400);
}

TEST_F(Scene, what_failed_may_be_sent_again_under_its_key) {
  const Headers headers = {{"idempotency-key", "again"}};
  fragile.error = StoreError{StoreError::Kind::read_only, "it is a standby"};
  EXPECT_EQ(post("/v1/routes", kRoute, headers).status, 503);
  fragile.error.reset();
  EXPECT_EQ(post("/v1/routes", kRoute, headers).status, 201);
}

TEST_F(Scene, secrets_never_come_back) {
  ASSERT_EQ(post("/v1/secrets", R"({"name":"hmac","value":"open sesame"})").status, 201);
  for (const char* target : {"/v1/secrets", "/v1/secrets/hmac", "/v1/secrets/hmac?sealed=true", "/v1/draft",
                             "/v1/audit", "/v1/secrets?sealed=true"})
    EXPECT_EQ(get(target).body.find("sesame"), std::string::npos) << target;
  EXPECT_EQ(json(get("/v1/secrets/hmac")).find("value"), nullptr);
  EXPECT_TRUE(json(get("/v1/secrets/hmac?sealed=true")).find("value")->as_string().starts_with("sealed:v1:"));
  ASSERT_EQ(post("/v1/publish", R"({"force":true})").status, 201);
  EXPECT_EQ(get("/v1/revisions/latest/document").body.find("sesame"), std::string::npos);
  token = login("vera", "viewer");
  EXPECT_EQ(get("/v1/revisions/latest/document").body.find("sealed:v1:"), std::string::npos);
}

TEST_F(Scene, a_batch_is_one_transaction) {
  const auto good = post("/v1/batch", R"({"operations":[
      {"op":"put","kind":"upstream","name":"shop","body":{"name":"shop","targets":[{"address":"127.0.0.1:9"}]}},
      {"op":"put","kind":"route","name":"orders","body":)" +
                                          kRoute + R"(}]})");
  ASSERT_EQ(good.status, 200) << good.body;
  EXPECT_EQ(json(good).find("changes")->find("created")->as_integer(), 2);
  const auto bad = post("/v1/batch", R"({"operations":[
      {"op":"delete","kind":"route","name":"orders"},
      {"op":"put","kind":"route","name":"x","body":{"route_id":"x"}}]})");
  EXPECT_EQ(bad.status, 422) << bad.body;
  EXPECT_EQ(json(bad).find("errors")->items()[0].find("name")->as_string(), "x");
  EXPECT_EQ(get("/v1/routes/orders").status, 200) << "the first operation was undone";
  EXPECT_EQ(post("/v1/batch", R"({"operations":[{"op":"put","kind":"route","name":"x"}]})").status, 422);
  EXPECT_EQ(post("/v1/batch", R"({"operations":[{"op":"put","kind":"rout","name":"x","body":{}}]})").status, 422);
  const auto pruned = post("/v1/batch", R"({"prune":true,"operations":[{"op":"put","kind":"upstream","name":"shop",
      "body":{"name":"shop","targets":[{"address":"127.0.0.1:9"}]}}]})");
  EXPECT_EQ(json(pruned).find("changes")->find("removed")->as_integer(), 1) << pruned.body;
}

TEST_F(Scene, filters_are_listed_with_their_schemas) {
  const auto answer = get("/v1/filters");
  ASSERT_EQ(answer.status, 200);
  // What clients show as forms they ask for in one go; it must stay something to ask for often.
  EXPECT_LT(answer.body.size(), 300'000u);
  const Json body = json(answer);
  const Json& items = *body.find("items");
  ASSERT_EQ(items.items().size(), filters::table().size());
  for (const Json& one : items.items()) {
    const std::string name(one.find("name")->as_string());
    ASSERT_NE(one.find("schema"), nullptr) << name;
    EXPECT_EQ(to_canonical(*one.find("schema")), to_canonical(*json(get("/v1/filters/" + name)).find("schema")));
  }
  EXPECT_NE(answer.body.find("allow"), std::string::npos) << "ip_filter has a field of that name";
}

TEST_F(Scene, filters_are_attached_with_one_call) {
  ASSERT_EQ(post("/v1/routes", kRoute).status, 201);
  const auto put = ask("PUT", "/v1/routes/orders/filters/ip_filter", R"({"allow":["10.0.0.0/8"]})");
  ASSERT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(json(put).find("config")->find("allow")->items().size(), 1u);
  EXPECT_EQ(ask("PUT", "/v1/routes/orders/filters/request_id").status, 200) << "without a config";
  EXPECT_EQ(json(get("/v1/routes/orders")).find("plugin_chain")->items().size(), 2u);
  EXPECT_EQ(get("/v1/routes/orders/filters/ip_filter").status, 200);
  EXPECT_EQ(ask("PUT", "/v1/routes/orders/filters/ip_filter", R"({"alow":[]})").status, 422);
  EXPECT_EQ(ask("PUT", "/v1/routes/orders/filters/nonsense").status, 404);
  EXPECT_EQ(ask("PUT", "/v1/routes/nowhere/filters/ip_filter", R"({"allow":["10.0.0.0/8"]})").status, 404);
  EXPECT_EQ(ask("DELETE", "/v1/routes/orders/filters/ip_filter").status, 204);
  EXPECT_EQ(ask("DELETE", "/v1/routes/orders/filters/ip_filter").status, 404);
  EXPECT_EQ(get("/v1/routes/orders/filters/ip_filter").status, 404);
  EXPECT_EQ(get("/v1/filters/ip_filter").status, 200);
  EXPECT_NE(get("/v1/filters/ip_filtr").body.find("ip_filter"), std::string::npos);
}

}  // namespace
}  // namespace weir::control::api
