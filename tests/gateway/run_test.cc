// The whole way of a request: who is asked, in which order, and that it ends exactly once, however it ends.
#include "gateway/run.h"

#include "tests/gateway/scene.h"

namespace weir::gateway {
namespace {

std::shared_ptr<const snapshot::Snapshot> routes(std::string_view first = "next", std::string_view second = "next") {
  return snapshot_of(R"("plugin_chain": [{"name": "first", "config": {"says": ")" + std::string(first) + R"("}}],
    "routes": [{"route_id": "all", "path_pattern": "/**", "http_methods": ["GET", "POST"],
      "upstream_url": "http://127.0.0.1:9",
      "plugin_chain": [{"name": "second", "config": {"says": ")" +
                     std::string(second) + R"("}}]},
      {"route_id": "shop", "hosts": ["shop.example.com"], "path_pattern": "/users", "http_methods": ["GET"],
       "upstream_url": "http://127.0.0.1:9"}])");
}

std::string joined() {
  std::string out;
  for (const std::string& each : asked()) out.append(out.empty() ? "" : ", ").append(each);
  return out;
}

io::Task<bool> whole(pipeline::Exchange& exchange, const snapshot::Snapshot& snapshot) {
  co_await run(exchange, snapshot);
  co_return true;
}

// What the client got; who was asked is in joined() then.
std::string ran(Scene& scene, const std::shared_ptr<const snapshot::Snapshot>& snapshot) {
  std::string heard;
  EXPECT_TRUE(scene.wire.run(whole(scene.exchange, *snapshot), [&] { heard += scene.wire.heard(); }));
  return heard + scene.wire.heard();
}

int status(std::string_view response) {
  return response.size() < 12 ? 0 : std::atoi(std::string(response.substr(9, 3)).c_str());
}

TEST(Run, FiltersOnTheWayInThenTheExecutionThenTheReverseOut) {
  Scene scene(get("/a"));
  const std::string heard = ran(scene, routes());
  EXPECT_EQ(status(heard), 200);
  EXPECT_TRUE(heard.ends_with("\r\n\r\nexecuted")) << heard;
  EXPECT_EQ(joined(),
            "first in, second in, access_log in, executed, access_log out, second out, first out, first finish ok, "
            "second finish ok, access_log finish ok");
}

TEST(Run, AnAnswerEndsTheWayInButNotTheWayOut) {
  Scene scene(get("/a"));
  const std::string heard = ran(scene, routes("answer"));
  EXPECT_EQ(status(heard), 200);
  EXPECT_TRUE(heard.ends_with("\r\n\r\nfirst")) << heard;
  EXPECT_EQ(
      joined(),
      "first in, access_log out, second out, first out, first finish ok, second finish ok, access_log finish ok");
}

TEST(Run, ARefusalBecomesAProblemAndPassesTheWayOut) {
  Scene scene(get("/a"));
  const std::string heard = ran(scene, routes("next", "refuse"));
  EXPECT_EQ(status(heard), 403);
  EXPECT_NE(heard.find("Content-Type: application/problem+json\r\n"), std::string::npos) << heard;
  EXPECT_NE(heard.find(R"("reason":"ip_denied")"), std::string::npos);
  EXPECT_NE(heard.find(R"("detail":"not you")"), std::string::npos);
  EXPECT_NE(heard.find("X-Passed: first\r\n"), std::string::npos) << "every response, rejections too";
  EXPECT_EQ(joined(),
            "first in, second in, access_log out, second out, first out, first finish ip_denied, second finish "
            "ip_denied, access_log finish ip_denied");
  EXPECT_TRUE(scene.exchange.writer.keep_alive()) << "the next request on this connection is another matter";
}

TEST(Run, AFilterThatWaitsIsAskedAgainThere) {
  Scene scene(get("/a"));
  EXPECT_EQ(status(ran(scene, routes("wait"))), 200);
  EXPECT_TRUE(joined().starts_with("first in, first waits, second in, access_log in, executed")) << joined();
  Scene refused(get("/a"));
  EXPECT_EQ(status(ran(refused, routes("wait and refuse"))), 403);
  EXPECT_TRUE(joined().starts_with("first in, first waits, access_log out")) << joined();
}

// A consumer whose own filter stands in place of the route's, seen by who calls.
std::shared_ptr<const snapshot::Snapshot> overlaid(std::string_view caller, std::string_view own) {
  return snapshot_of(R"("plugin_chain": [{"name": "first", "config": {"says": "it is )" + std::string(caller) +
                     R"("}}],
    "consumers": [{"name": "shop", "plugin_chain": [{"name": "second")" +
                     std::string(own) + R"(}]}],
    "routes": [{"route_id": "all", "path_pattern": "/**", "upstream_url": "http://127.0.0.1:9",
      "plugin_chain": [{"name": "second", "config": {"says": "refuse"}}]}])");
}

TEST(Run, AConsumersFilterStandsInPlaceOfTheRoutes) {
  Scene scene(get("/a"));
  EXPECT_EQ(status(ran(scene, overlaid("shop", ""))), 200);
  EXPECT_EQ(joined(),
            "first in, second in, access_log in, executed, access_log out, second out, first out, first finish ok, "
            "second finish ok, access_log finish ok");
  Scene other(get("/a"));
  EXPECT_EQ(status(ran(other, overlaid("market", ""))), 403);
}

TEST(Run, AConsumersFilterMayWaitAnswerAndRefuse) {
  const auto saying = [](std::string_view what) { return R"(, "config": {"says": ")" + std::string(what) + "\"}"; };
  Scene waits(get("/a"));
  EXPECT_EQ(status(ran(waits, overlaid("shop", saying("wait")))), 200);
  EXPECT_TRUE(joined().starts_with("first in, second in, second waits, access_log in, executed")) << joined();
  Scene answers(get("/a"));
  EXPECT_TRUE(ran(answers, overlaid("shop", saying("answer"))).ends_with("\r\n\r\nsecond"));
  Scene refuses(get("/a"));
  EXPECT_EQ(status(ran(refuses, overlaid("shop", saying("wait and refuse")))), 403);
  EXPECT_EQ(
      joined(),
      "first in, second in, second waits, access_log out, second out, first out, first finish ip_denied, second "
      "finish ip_denied, access_log finish ip_denied");
}

TEST(Run, AConsumerWithoutAFilterOfTheRouteHasNoneOfItsHooks) {
  Scene scene(get("/a"));
  EXPECT_EQ(status(ran(scene, overlaid("shop", R"(, "disabled": true)"))), 200);
  EXPECT_EQ(joined(),
            "first in, access_log in, executed, access_log out, first out, first finish ok, access_log finish ok");
}

TEST(Run, WithoutARouteTheGlobalChainSeesIt) {
  Scene scene(get("/users", "", "DELETE"));
  const std::string heard = ran(scene, routes());
  EXPECT_EQ(status(heard), 405);
  EXPECT_NE(heard.find("Allow: "), std::string::npos) << heard;
  EXPECT_EQ(joined(),
            "first in, access_log in, access_log out, first out, first finish method_not_allowed, access_log finish "
            "method_not_allowed");
}

TEST(Run, AFilterOfAllRoutesMayAnswerWhatNoRouteTakes) {
  Scene scene(get("/users", "", "DELETE"));
  EXPECT_EQ(status(ran(scene, routes("answer"))), 200) << "cors answers preflights so";
}

TEST(Run, WhatIsNoRequestIsAnsweredLoggedAndEndsTheConnection) {
  Scene scene("GET /a HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n");
  const std::string heard = ran(scene, routes());
  EXPECT_EQ(status(heard), 400);
  EXPECT_NE(heard.find("Connection: close\r\n"), std::string::npos) << heard;
  EXPECT_EQ(joined(), "access_log out, first out, first finish bad_request, access_log finish bad_request");
}

TEST(Run, AnUpstreamThatFailsBecomesAProblem) {
  Scene scene(get("/refused"));
  const std::string heard = ran(scene, routes());
  EXPECT_EQ(status(heard), 502);
  EXPECT_NE(heard.find(R"("reason":"upstream_refused")"), std::string::npos) << heard;
  EXPECT_TRUE(joined().ends_with("access_log finish upstream_refused"));
  EXPECT_TRUE(scene.exchange.writer.keep_alive());
}

TEST(Run, AResponseThatHasBegunCanOnlyBeBrokenOff) {
  Scene scene(get("/broken-off"));
  const std::string heard = ran(scene, routes());
  EXPECT_EQ(status(heard), 200);
  EXPECT_TRUE(heard.ends_with("\r\n\r\nhalf")) << "no second response behind the first: " << heard;
  EXPECT_FALSE(scene.exchange.writer.whole());
  EXPECT_EQ(scene.exchange.reason, Reason::upstream_closed);
  EXPECT_TRUE(
      joined().ends_with("first finish upstream_closed, second finish upstream_closed, access_log finish "
                         "upstream_closed"))
      << joined();
}

TEST(Run, NobodyIsAnsweredWhoHasGone) {
  Scene scene(get("/gone"));
  EXPECT_EQ(ran(scene, routes()), "");
  EXPECT_TRUE(
      joined().ends_with("executed, first finish client_closed, second finish client_closed, access_log "
                         "finish client_closed"))
      << joined();
}

TEST(Run, AClientThatGoesDuringTheAnswerIsInTheLog) {
  Scene scene(get("/a"));
  scene.wire.hang_up();
  ran(scene, routes());
  EXPECT_EQ(scene.exchange.reason, Reason::client_closed);
}

TEST(Run, ABodyThatCannotBeReadOnSpoilsTheConnection) {
  Scene scene(get("/too-large", "Content-Length: 5\r\n", "POST"));
  const std::string heard = ran(scene, routes());
  EXPECT_EQ(status(heard), 413);
  EXPECT_NE(heard.find("Connection: close\r\n"), std::string::npos) << heard;
}

TEST(Run, EveryExchangeHasAnIdAtItsEnd) {
  for (const std::string_view target : {"/a", "/refused", "/gone"}) {
    Scene scene(get(target));
    ran(scene, routes());
    EXPECT_EQ(scene.exchange.request_id.size(), 36u) << target;
  }
}

}  // namespace
}  // namespace weir::gateway
