// Promise: every refusal is a problem that names the field and the fix; nobody gets further than the role allows;
// whatever the store does, the answer says so and nothing else happens.
#include "tests/control/api/scene.h"

namespace weir::control::api {
namespace {

TEST_F(Scene, says_who_is_asking) {
  const auto answer = get("/v1/whoami");
  EXPECT_EQ(answer.status, 200);
  EXPECT_EQ(json(answer).find("name")->as_string(), "admin");
  EXPECT_EQ(json(answer).find("role")->as_string(), "platform");
}

TEST_F(Scene, who_may_not_send_it_is_refused_before_the_body_is_read) {
  auto request = *api_request("POST", "/v1/batch");
  request.from = "127.0.0.1";
  request.fields = {{"host", "localhost"}, {"authorization", "Bearer x"}};
  const auto stranger = api.refuse_early(request);
  ASSERT_TRUE(stranger);
  EXPECT_EQ(stranger->status, 401);
  request.fields.back().second = "Bearer " + token;
  EXPECT_FALSE(api.refuse_early(request));
  request.fields.front().second = "evil.example";
  ASSERT_TRUE(api.refuse_early(request));
}

TEST_F(Scene, without_a_token_is_401) {
  token.clear();
  const auto answer = get("/v1/routes");
  EXPECT_EQ(answer.status, 401);
  EXPECT_EQ(answer.type, "application/problem+json");
  EXPECT_EQ(header(answer, "WWW-Authenticate"), "Bearer realm=\"weir\"");
  for (const char* open : {"/livez", "/readyz", "/metrics", "/openapi.yaml"})
    EXPECT_EQ(get(open).status, 200) << open;
}

// A script whose variable is empty must not write what it only wanted to try, nor be guessed at.
TEST_F(Scene, a_flag_is_true_alone_and_nothing_with_nothing_behind_it) {
  EXPECT_EQ(post("/v1/routes?dry_run", kRoute).status, 201);
  EXPECT_EQ(get("/v1/routes/orders").status, 404) << "nothing was written";
  for (const char* wrong : {"/v1/routes?dry_run=", "/v1/routes?publish=", "/v1/routes?dry_run=1"}) {
    const auto answer = post(wrong, kRoute);
    EXPECT_EQ(answer.status, 400) << wrong;
    EXPECT_NE(answer.body.find("expected true or false"), std::string::npos) << answer.body;
  }
  EXPECT_EQ(get("/v1/routes/orders").status, 404);
}

TEST_F(Scene, unknown_parameters_are_told_with_the_nearest) {
  const auto answer = post("/v1/routes?dry_rum=true", kRoute);
  EXPECT_EQ(answer.status, 400);
  EXPECT_EQ(field_of(answer), "?dry_rum");
  EXPECT_NE(answer.body.find("did you mean \\\"dry_run\\\"?"), std::string::npos) << answer.body;
  EXPECT_EQ(get("/v1/routes/orders").status, 404) << "nothing was written";
  EXPECT_EQ(get("/v1/routes?limit=0").status, 400);
  EXPECT_EQ(get("/v1/routes?limit=1001").status, 400);
  EXPECT_EQ(get("/v1/routes?limit=1&limit=2").status, 400);
  EXPECT_EQ(get("/v1/routes?cursor=zz").status, 400);
}

TEST_F(Scene, paths_and_methods) {
  EXPECT_EQ(get("/v1/rutes").status, 404);
  EXPECT_EQ(get("/v1/routes/").status, 404);
  const auto answer = ask("DELETE", "/v1/routes");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(header(answer, "Allow"), "GET, HEAD, POST");
  EXPECT_EQ(ask("HEAD", "/v1/routes").status, 200);
}

TEST_F(Scene, bodies) {
  EXPECT_EQ(post("/v1/routes", kRoute, {{"content-type", "application/x-www-form-urlencoded"}}).status, 415);
  EXPECT_EQ(post("/v1/routes", "{").status, 400);
  EXPECT_EQ(post("/v1/routes", "[]").status, 422);
  EXPECT_EQ(post("/v1/routes").status, 415) << "no type, no body";
  EXPECT_EQ(post("/v1/draft/check", "{}").status, 400) << "takes no body";
  EXPECT_EQ(post("/v1/routes", kRoute, {{"content-type", "Application/JSON; charset=utf-8"}}).status, 201);
}

TEST_F(Scene, mistakes_name_the_field) {
  const auto answer = post("/v1/routes", R"({"route_id":"orders","path_patern":"/","upstream_url":"http://a"})");
  EXPECT_EQ(answer.status, 422);
  EXPECT_NE(answer.body.find("path_pattern"), std::string::npos) << answer.body;
  EXPECT_EQ(field_of(post("/v1/routes", R"({"path_pattern":"/"})")), "route_id");
}

TEST_F(Scene, only_by_names_of_this_host) {
  EXPECT_EQ(get("/v1/whoami", {{"host", "127.0.0.1:9081"}}).status, 200);
  EXPECT_EQ(get("/v1/whoami", {{"host", "[::1]:9081"}}).status, 200);
  EXPECT_EQ(get("/v1/whoami", {{"host", "weir.example.com"}}).status, 200);
  const auto answer = get("/v1/whoami", {{"host", "attacker.example"}});
  EXPECT_EQ(answer.status, 403);
  EXPECT_EQ(field_of(answer), "Host");
  EXPECT_EQ(get("/metrics", {{"host", "attacker.example"}}).status, 403);
  EXPECT_EQ(get("/v1/whoami", {{"host", "127.0.0.1.attacker.example"}}).status, 403);
}

TEST_F(Scene, only_pages_of_its_own) {
  const std::string own = "localhost:9081";
  EXPECT_EQ(get("/v1/whoami", {{"host", own}, {"origin", "http://localhost:9081"}}).status, 200);
  for (const char* other : {"http://attacker.example", "null", "http://localhost", "https://localhost:9081", ""})
    EXPECT_EQ(get("/v1/whoami", {{"host", own}, {"origin", other}}).status, 403) << other;
}

TEST_F(Scene, wrong_tokens_are_counted_by_address) {
  const std::string good = token;
  token = "weirop_000000000000_" + std::string(43, 'x');
  for (int i = 0; i < Throttle::kFailures; ++i) EXPECT_EQ(get("/v1/whoami").status, 401);
  const auto answer = get("/v1/whoami");
  EXPECT_EQ(answer.status, 429);
  EXPECT_EQ(header(answer, "Retry-After"), "60");
  from = "192.0.2.2";
  EXPECT_EQ(get("/v1/whoami").status, 401) << "another address";
  from = "192.0.2.1";
  now += Throttle::kWindowMs;
  EXPECT_EQ(get("/v1/whoami").status, 401) << "a minute later";
  token = good;
  const auto audit = get("/v1/audit?limit=100");
  EXPECT_NE(audit.body.find("login_failed"), std::string::npos);
  EXPECT_EQ(audit.body.find(std::string(43, 'x')), std::string::npos) << "the guess itself is not kept";
}

TEST_F(Scene, a_token_that_has_held_is_not_locked_out_by_strangers) {
  const std::string good = token;
  EXPECT_EQ(get("/v1/whoami").status, 200);
  token = "weirop_000000000000_" + std::string(43, 'x');
  for (int i = 0; i < Throttle::kFailures; ++i) get("/v1/whoami");
  token = good;
  EXPECT_EQ(get("/v1/whoami").status, 200);
  // Who knows its id may go on guessing, but cannot fill the log.
  token.back() = token.back() == 'x' ? 'y' : 'x';
  const auto seq = [&] {
    const std::string wrong = std::exchange(token, good);
    const auto last = json(get("/v1/audit?limit=1")).find("items")->items()[0].find("seq")->as_integer();
    token = wrong;
    return last;
  };
  const auto before = seq();
  for (int i = 0; i < 5; ++i) EXPECT_EQ(get("/v1/whoami").status, 401);
  EXPECT_EQ(seq(), before);
}

TEST_F(Scene, a_store_that_is_away_is_503_and_says_that_traffic_goes_on) {
  fragile.error = StoreError{StoreError::Kind::unavailable, "no connection to the database"};
  for (const auto& answer : {get("/v1/routes"), post("/v1/routes", kRoute), post("/v1/publish")}) {
    EXPECT_EQ(answer.status, 503);
    EXPECT_EQ(header(answer, "Retry-After"), "5");
    EXPECT_NE(answer.body.find("traffic is not affected"), std::string::npos);
  }
  EXPECT_EQ(get("/readyz").status, 503);
  EXPECT_EQ(get("/livez").status, 200);
  EXPECT_NE(get("/metrics").body.find("weir_control_store_errors_total{kind=\"unavailable\"} 3"), std::string::npos);
  fragile.error.reset();
  EXPECT_EQ(get("/v1/routes").status, 200);
}

TEST_F(Scene, roles) {
  const std::string admin = token;
  const std::string viewer = login("vera", "viewer");
  const std::string auditor = login("otto", "auditor");
  const std::string developer = login("dora", "developer", R"(["shop"])");
  struct Row {
    const char* method;
    const char* target;
    const char* body;
    int viewer, developer, auditor, platform;
  };
  const Row rows[] = {
      {"GET", "/v1/routes", "", 200, 200, 200, 200},
      {"POST", "/v1/routes?dry_run=true",
       R"({"route_id":"y","path_pattern":"/y","upstream_url":"http://a:1","tags":["team:shop"]})", 403, 201, 403,
       201},
      {"POST", "/v1/routes?dry_run=true", kRoute.c_str(), 403, 403, 403, 201},
      {"POST", "/v1/routes?dry_run=true", R"({"route_id":"x","path_pattern":"/x","upstream_url":"http://a:1"})", 403,
       403, 403, 201},
      {"POST", "/v1/policies?dry_run=true", R"({"name":"request_id"})", 403, 403, 403, 201},
      {"POST", "/v1/secrets?dry_run=true", R"({"name":"s","value":"v"})", 403, 403, 403, 201},
      {"POST", "/v1/publish?dry_run=true", R"({"force":true})", 403, 200, 403, 200},
      {"GET", "/v1/operators", "", 403, 403, 200, 200},
      {"POST", "/v1/operators?dry_run=true", R"({"name":"n","role":"viewer"})", 403, 403, 403, 201},
      {"GET", "/v1/audit", "", 403, 403, 200, 200},
      {"GET", "/v1/secrets?sealed=true", "", 403, 403, 403, 200},
      {"POST", "/v1/operators/admin/tokens", "", 403, 403, 403, 201},
  };
  for (const Row& row : rows) {
    token = viewer;
    EXPECT_EQ(ask(row.method, row.target, row.body).status, row.viewer) << row.target;
    token = developer;
    EXPECT_EQ(ask(row.method, row.target, row.body).status, row.developer) << row.target << row.body;
    token = auditor;
    EXPECT_EQ(ask(row.method, row.target, row.body).status, row.auditor) << row.target;
    token = admin;
    EXPECT_EQ(ask(row.method, row.target, row.body).status, row.platform) << row.target;
  }
}

TEST_F(Scene, disabling_an_operator_ends_their_tokens) {
  const std::string admin = token;
  const std::string viewer = login("vera", "viewer");
  EXPECT_EQ(ask("PATCH", "/v1/operators/vera", R"({"disabled":true})", {{"if-match", "*"}}).status, 200);
  token = viewer;
  EXPECT_EQ(get("/v1/whoami").status, 401);
  token = admin;
  EXPECT_EQ(ask("PATCH", "/v1/operators/admin", R"({"role":"viewer"})", {{"if-match", "*"}}).status, 422)
      << "the last one who can";
}

}  // namespace
}  // namespace weir::control::api
