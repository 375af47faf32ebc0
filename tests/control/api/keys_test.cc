// Promise: there is no live key that the audit log does not know, and a developer's keys reach no further than their
// team; hashes of passwords are for who may write that very consumer.
#include "crypto/digest.h"
#include "tests/control/api/scene.h"

namespace weir::control::api {
namespace {

// Lets the audit line be seen at the moment the key is made.
struct KeyScene : Scene {
  std::vector<std::string> actions() {
    std::vector<std::string> out;
    const Json page = json(get("/v1/audit?limit=100"));
    for (const Json& one : page.find("items")->items())
      if (one.find("kind")->as_string() == "key") out.emplace_back(one.find("action")->as_string());
    return out;
  }
  Json last() { return json(get("/v1/audit?limit=1")).find("items")->items()[0]; }
};

TEST_F(KeyScene, the_log_knows_of_a_key_first) {
  ASSERT_EQ(post("/v1/consumers", R"({"name":"shop"})").status, 201);
  keys.away = "Redis does not answer";
  const auto lost = post("/v1/consumers/shop/keys");
  EXPECT_EQ(lost.status, 503);
  EXPECT_NE(lost.body.find("whether it was done is not known"), std::string::npos) << lost.body;
  EXPECT_EQ(actions(), (std::vector<std::string>{"create_key_failed", "create_key"})) << "the newest first";
  EXPECT_EQ(last().find("after")->find("outcome")->as_string(), "unknown");
  keys.away.clear();

  fragile.error = StoreError{StoreError::Kind::unavailable, "no connection"};
  EXPECT_EQ(post("/v1/consumers/shop/keys").status, 503);
  EXPECT_TRUE(keys.records.empty()) << "without a line no key";
  fragile.error.reset();

  const auto made = post("/v1/consumers/shop/keys");
  ASSERT_EQ(made.status, 201) << made.body;
  const std::string id(json(made).find("id")->as_string());
  EXPECT_EQ(last().find("name")->as_string(), id);
  const auto before = actions().size();
  EXPECT_EQ(ask("DELETE", "/v1/consumers/shop/keys/nosuchkey123").status, 404);
  EXPECT_EQ(actions().size(), before) << "what could not be done was not meant";
  EXPECT_EQ(ask("DELETE", "/v1/consumers/shop/keys/" + id).status, 204);
  EXPECT_EQ(last().find("action")->as_string(), "revoke_key");
  EXPECT_EQ(last().find("after")->find("state")->as_string(), "revoked");
}

TEST_F(KeyScene, a_developer_gives_keys_what_is_their_teams) {
  const std::string admin = token;
  ASSERT_EQ(post("/v1/consumers", R"({"name":"mine","tags":["team:web"]})").status, 201);
  ASSERT_EQ(post("/v1/groups", R"({"name":"readers","tags":["team:web"]})").status, 201);
  ASSERT_EQ(post("/v1/groups", R"({"name":"vip","tags":["team:pay"]})").status, 201);
  token = login("dora", "developer", R"(["web"])");
  const std::string target = "/v1/consumers/mine/keys";
  for (const char* body : {R"({"groups":["payments-admins"]})", R"({"groups":["vip"]})",
                           R"({"groups":["readers","vip"]})", R"({"scopes":["root"]})", R"({"custom_id":"7"})"})
    EXPECT_EQ(post(target, body).status, 403) << body;
  EXPECT_TRUE(keys.records.empty());
  const auto made = post(target, R"({"groups":["readers"],"expires_in":"1d"})");
  EXPECT_EQ(made.status, 201) << made.body;
  token = admin;
  EXPECT_EQ(post(target, R"({"groups":["payments-admins"],"scopes":["root"]})").status, 201);
}

TEST_F(KeyScene, a_name_that_keys_have_is_not_a_developers_to_take) {
  identity::KeyRecord legacy;
  legacy.id = "legacy000001";
  legacy.consumer = "legacy";
  legacy.groups = {"old"};
  legacy.secrets.push_back({crypto::sha256("x"), 1, 0});
  keys.records[legacy.id] = legacy;
  const std::string admin = token;
  const std::string dora = token = login("dora", "developer", R"(["web"])");
  EXPECT_EQ(post("/v1/consumers", R"({"name":"legacy","tags":["team:web"]})").status, 403);
  EXPECT_EQ(post("/v1/groups", R"({"name":"old","tags":["team:web"]})").status, 403);
  EXPECT_EQ(post("/v1/consumers", R"({"name":"another","tags":["team:web"]})").status, 201);
  keys.away = "Redis does not answer";
  EXPECT_EQ(post("/v1/consumers", R"({"name":"third","tags":["team:web"]})").status, 503) << "not known is not free";
  keys.away.clear();
  token = admin;
  ASSERT_EQ(post("/v1/consumers", R"({"name":"legacy","tags":["team:pay"]})").status, 201);
  token = dora;
  EXPECT_EQ(post("/v1/consumers/legacy/keys/legacy000001/rotate").status, 403);
  EXPECT_EQ(ask("DELETE", "/v1/consumers/legacy/keys/legacy000001").status, 403);
  EXPECT_EQ(keys.records.at("legacy000001"), legacy);
}

TEST_F(KeyScene, password_hashes_are_for_who_may_write_that_consumer) {
  const std::string hash = "$scrypt$ln=14,r=8,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
  const auto made = post("/v1/consumers", R"({"name":"theirs","tags":["team:pay"],"credentials":{"basic":[
      {"username":"u","password_hash":")" + hash +
                                              R"("}]}})");
  ASSERT_EQ(made.status, 201) << made.body;
  EXPECT_NE(get("/v1/consumers/theirs").body.find(hash), std::string::npos);
  const std::string web = login("dora", "developer", R"(["web"])"), pay = login("pia", "developer", R"(["pay"])");
  for (const char* target : {"/v1/consumers/theirs", "/v1/consumers"}) {
    token = web;
    EXPECT_EQ(get(target).body.find(hash), std::string::npos) << target;
    token = pay;
    EXPECT_NE(get(target).body.find(hash), std::string::npos) << target;
  }
}

TEST_F(KeyScene, a_token_of_ones_own_ends_with_the_one_it_was_made_with) {
  const auto brief = post("/v1/operators/admin/tokens", R"({"expires_in":"2m"})");
  ASSERT_EQ(brief.status, 201) << brief.body;
  token = json(brief).find("token")->as_string();
  now += 60'000;
  const auto next = post("/v1/operators/admin/tokens");
  ASSERT_EQ(next.status, 201) << next.body;
  EXPECT_EQ(json(next).find("expires")->as_string(), json(brief).find("expires")->as_string());
  EXPECT_EQ(post("/v1/operators/admin/tokens", R"({"expires_in":"1h"})").status, 422);
}

}  // namespace
}  // namespace weir::control::api
