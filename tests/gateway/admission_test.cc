// What is settled before any filter sees a request.
#include "gateway/admission.h"

#include "tests/gateway/scene.h"

namespace weir::gateway {
namespace {

const snapshot::Snapshot& config() {
  static const auto kSnapshot = snapshot_of(R"(
    "trusted_proxies": ["10.0.0.0/8"],
    "routes": [
      {"route_id": "users", "path_pattern": "/users/{id}", "http_methods": ["GET", "PUT"],
       "upstream_url": "http://127.0.0.1:9", "timeout": "3s"},
      {"route_id": "files", "path_pattern": "/files/**", "upstream_url": "http://127.0.0.1:9",
       "allow_encoded_slash": true},
      {"route_id": "shared", "path_pattern": "/shared", "http_methods": ["PUT"],
       "upstream_url": "http://127.0.0.1:9", "plugin_chain": [{"name": "first", "config": {"says": "preflight"}}]},
      {"route_id": "unshared", "path_pattern": "/unshared", "http_methods": ["PUT"],
       "upstream_url": "http://127.0.0.1:9"}
    ])");
  return *kSnapshot;
}

std::string_view word(const Result<void>& result) { return info(result ? Reason::ok : result.error().reason).word; }

// The reason, or the id of the route that takes it.
std::string judged(Scene& scene) {
  if (auto admitted = admit(scene.exchange, config()); !admitted) return std::string(word(admitted));
  if (auto matched = match(scene.exchange, config()); !matched) return std::string(word(matched));
  return scene.exchange.route->id;
}
std::string judged(std::string text) {
  Scene scene(std::move(text));
  return judged(scene);
}

TEST(Admit, OneCanonicalPathAndHost) {
  Scene scene("GET /users/%41/../b%2eC?x=%41&y HTTP/1.1\r\nHost: SHOP.example.com:8080\r\n\r\n");
  ASSERT_EQ(word(admit(scene.exchange, config())), "ok");
  EXPECT_EQ(scene.exchange.path, "/users/b.C");
  EXPECT_EQ(scene.exchange.upstream_path, scene.exchange.path);
  EXPECT_EQ(scene.exchange.query, "x=%41&y");
  EXPECT_EQ(scene.exchange.upstream_query, "x=%41&y");
  EXPECT_TRUE(scene.exchange.has_query);
  EXPECT_EQ(scene.exchange.host, "shop.example.com");
}

TEST(Admit, WhatCouldBeReadTwoWaysEndsTheConnection) {
  for (const std::string_view target : {"/a%00b", "/a%zz", "/../a", "/a%"}) {
    Scene scene(get(target));
    EXPECT_EQ(word(admit(scene.exchange, config())), "bad_path") << target;
    EXPECT_EQ(scene.exchange.path, target) << "for the log";
    EXPECT_FALSE(scene.exchange.writer.keep_alive()) << target;
  }
}

TEST(Admit, WhatTheParserRefusedKeepsWhatCouldBeRead) {
  Scene scene("GET /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: x\r\n\r\n");
  EXPECT_EQ(word(admit(scene.exchange, config())), "bad_request");
  EXPECT_EQ(scene.exchange.path, "/a");
  EXPECT_EQ(scene.exchange.client.to_string(), "192.0.2.7");
}

TEST(Admit, ConnectAndTraceAreNotServed) {
  Scene trace(get("/users/1", "", "TRACE"));
  EXPECT_EQ(word(admit(trace.exchange, config())), "unsupported_method");
  EXPECT_FALSE(trace.exchange.writer.keep_alive());
  Scene tunnel("CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n");
  EXPECT_EQ(word(admit(tunnel.exchange, config())), "unsupported_method");
}

TEST(Admit, ARequestThatGoesRoundIsStopped) {
  std::string nine = "Via: 1.1 weir", more;
  for (int i = 0; i < 8; ++i) nine += ", 1.1 weir";
  EXPECT_EQ(judged(get("/users/1", nine + "\r\n")), "users");
  EXPECT_EQ(judged(get("/users/1", nine + "\r\nVia: 1.1 weir\r\n")), "loop_detected");
  for (int i = 0; i < 20; ++i) more += "Via: 1.1 cdn\r\n";
  EXPECT_EQ(judged(get("/users/1", more)), "users") << "others' hops are others' business";
}

TEST(Admit, OnlyTrustedPeersSayWhoTheClientIsAndHowItCame) {
  const std::string fields = "X-Forwarded-For: 203.0.113.5\r\nX-Forwarded-Proto: https\r\n";
  Scene through(get("/users/1", fields), "10.1.2.3");
  ASSERT_TRUE(admit(through.exchange, config()));
  EXPECT_TRUE(through.exchange.peer_trusted);
  EXPECT_EQ(through.exchange.client.to_string(), "203.0.113.5");
  EXPECT_TRUE(through.exchange.secure);
  Scene direct(get("/users/1", fields));
  ASSERT_TRUE(admit(direct.exchange, config()));
  EXPECT_FALSE(direct.exchange.peer_trusted);
  EXPECT_EQ(direct.exchange.client.to_string(), "192.0.2.7");
  EXPECT_FALSE(direct.exchange.secure);
  Scene tls(get("/users/1", "X-Forwarded-Proto: http\r\n"), "10.1.2.3", true);
  ASSERT_TRUE(admit(tls.exchange, config()));
  EXPECT_TRUE(tls.exchange.secure) << "what we see ourselves is not to be talked down";
}

TEST(Admit, IdentityAndHopByHopFieldsAreStripped) {
  Scene scene(get("/users/1", "X-User-Id: root\r\nConnection: X-Hop\r\nX-Hop: 1\r\nAccept: */*\r\n"), "10.1.2.3");
  ASSERT_TRUE(admit(scene.exchange, config()));
  EXPECT_EQ(scene.request("X-User-Id"), "-") << "trusted or not";
  EXPECT_EQ(scene.request("X-Hop"), "-");
  EXPECT_EQ(scene.request("Connection"), "-");
  EXPECT_EQ(scene.request("Accept"), "*/*");
}

TEST(Match, FindsTheRouteItsCapturesAndItsDeadline) {
  Scene scene(get("/users/42"));
  ASSERT_EQ(judged(scene), "users");
  ASSERT_EQ(scene.exchange.captures.count, 1);
  EXPECT_EQ(scene.exchange.captures.items[0].name, "id");
  EXPECT_EQ(scene.exchange.captures.items[0].value, "42");
  EXPECT_EQ(scene.exchange.deadline, scene.exchange.started + std::chrono::seconds(3));
  EXPECT_EQ(scene.exchange.chain, &scene.exchange.route->chain);
}

TEST(Match, NoRouteAndWrongMethod) {
  EXPECT_EQ(judged(get("/nowhere")), "no_route");
  Scene scene(get("/users/1", "", "DELETE"));
  EXPECT_EQ(judged(scene), "method_not_allowed");
  const std::string allow = scene.response("Allow");
  EXPECT_NE(allow.find("GET"), std::string::npos) << allow;
  EXPECT_NE(allow.find("PUT"), std::string::npos) << allow;
  EXPECT_EQ(allow.find("DELETE"), std::string::npos) << allow;
  EXPECT_EQ(scene.exchange.route, nullptr);
}

TEST(Match, AnEncodedSlashIsForThoseWhoAllowIt) {
  EXPECT_EQ(judged(get("/files/a%2fb")), "files");
  EXPECT_EQ(judged(get("/users/a%2Fb")), "bad_path");
  EXPECT_EQ(judged(get("/users/a%5Cb")), "bad_path");
}

TEST(Match, APreflightGoesToTheRouteItAsksAbout) {
  const std::string asks = "Origin: https://a.example\r\nAccess-Control-Request-Method: PUT\r\n";
  EXPECT_EQ(judged(get("/shared", asks, "OPTIONS")), "shared");
  EXPECT_EQ(judged(get("/unshared", asks, "OPTIONS")), "method_not_allowed") << "it answers no preflights";
  EXPECT_EQ(judged(get("/shared", "Access-Control-Request-Method: PUT\r\n", "OPTIONS")), "method_not_allowed");
  EXPECT_EQ(judged(get("/shared", "Origin: https://a.example\r\n", "OPTIONS")), "method_not_allowed");
  EXPECT_EQ(
      judged(get("/shared", "Origin: https://a.example\r\nAccess-Control-Request-Method: DELETE\r\n", "OPTIONS")),
      "method_not_allowed");
}

}  // namespace
}  // namespace weir::gateway
