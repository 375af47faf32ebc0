#include <gtest/gtest.h>

#include "filters/auth/specs.h"
#include "identity/consumer_book.h"
#include "tests/filters/outside.h"

namespace weir::filters {
namespace {

class ForwardAuthTest : public testing::Test {
 protected:
  const pipeline::Filter& filter(std::string_view settings = "") {
    const std::string config = R"({"uri": "http://idp.test/check")" + std::string(settings) + "}";
    made_.push_back(made_outside(forward_auth_spec(), config, context));
    return *made_.back();
  }
  std::string mistake(std::string_view config) {
    Problems problems;
    made_outside(forward_auth_spec(), config, context, &problems);
    return problems.empty() ? "none" : problems[0].path + ": " + problems[0].message;
  }
  upstream::ScriptedOrigin service;
  pipeline::Kept kept;
  OutsideContext context;

 private:
  std::vector<std::unique_ptr<pipeline::Filter>> made_;
};

TEST_F(ForwardAuthTest, ShowsTheServiceTheHeadAndNothingElse) {
  service.will_answer(200, "");
  Outside one(service, kept, "/a%20b", "x=1&y");
  one.scene.header("Authorization", "Bearer t").header("Cookie", "c").header("X-Forwarded-Uri", "/evil");
  one.scene.header("X-Tenant", "1").header("x-tenant", "2");
  one.scene.exchange.secure = true;
  one.scene.exchange.request_id = "id-1";
  EXPECT_TRUE(passes(one.pass(filter(R"(, "request_headers": ["Authorization", "X-Tenant"])"))));
  EXPECT_EQ(service.requests.at(0),
            "GET /check HTTP/1.1\r\nHost: idp.test\r\nAuthorization: Bearer t\r\nX-Tenant: 1\r\nx-tenant: 2\r\n"
            "X-Forwarded-Method: GET\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: shop.example.com:8080\r\n"
            "X-Forwarded-Uri: /a%20b?x=1&y\r\nX-Forwarded-For: 192.0.2.7\r\nX-Request-Id: id-1\r\n\r\n");
  EXPECT_FALSE(one.identity().known());
}

TEST_F(ForwardAuthTest, UpstreamHeadersAreTheServicesAlone) {
  constexpr std::string_view settings =
      R"(, "upstream_headers": ["X-Tenant", "X-Role"], "request_headers": ["X-Tenant"])";
  service.will_answer(204, "", "x-role: admin\r\nX-Role: user\r\nX-Other: no\r\n");
  Outside one(service, kept);
  one.scene.header("X-Tenant", "spoofed").header("x-role", "spoofed");
  EXPECT_TRUE(passes(one.pass(filter(settings))));
  EXPECT_TRUE(service.requests.at(0).contains("X-Tenant: spoofed")) << "shown to the service, as asked";
  EXPECT_EQ(one.scene.request("X-Tenant"), "-") << "but never to the upstream";
  EXPECT_EQ(one.scene.request("X-Role"), "admin | user");
  EXPECT_EQ(one.scene.request("X-Other"), "-");
}

TEST_F(ForwardAuthTest, AClientsOwnCopyGoesAlsoWhenTheServiceFailsOpen) {
  service.will_answer(500, "", "X-Role: admin\r\n");
  Outside one(service, kept);
  one.scene.header("X-Role", "spoofed");
  EXPECT_TRUE(passes(one.pass(filter(R"(, "upstream_headers": ["X-Role"], "fail_open": true)"))));
  EXPECT_EQ(one.scene.request("X-Role"), "-");
  EXPECT_EQ(one.scene.exchange.detail, "the authorization service failed");
  EXPECT_EQ(context.warnings.size(), 1u);
}

TEST_F(ForwardAuthTest, ItsRefusalIsTheAnswer) {
  service.will_answer(302, "go there",
                      "Location: /login\r\nSet-Cookie: a=b\r\nX-Why: no\r\nX-Secret: s\r\nContent-Type: text/x\r\n");
  Outside one(service, kept);
  EXPECT_TRUE(answers(one.pass(filter(R"(, "client_headers": ["Set-Cookie", "x-why"])"))));
  EXPECT_EQ(one.scene.exchange.response.status, 302);
  EXPECT_EQ(one.scene.exchange.answer, "go there");
  EXPECT_EQ(one.scene.response("Location"), "/login");
  EXPECT_EQ(one.scene.response("Set-Cookie"), "a=b");
  EXPECT_EQ(one.scene.response("X-Why"), "no");
  EXPECT_EQ(one.scene.response("Content-Type"), "text/x");
  EXPECT_EQ(one.scene.response("X-Secret"), "-");
  EXPECT_EQ(one.scene.response("Content-Length"), "-") << "the writer's to say";
  EXPECT_EQ(one.scene.exchange.reason, Reason::unauthenticated);
  service.will_answer(403, "no");
  Outside two(service, kept);
  EXPECT_TRUE(answers(two.pass(filter())));
  EXPECT_EQ(two.scene.exchange.reason, Reason::forbidden);
}

TEST_F(ForwardAuthTest, EveryFailureIsARefusal) {
  for (const auto& [answer, why] : std::initializer_list<std::pair<std::string, std::string_view>>{
           {"HTTP/1.1 500 -\r\nContent-Length: 0\r\n\r\n", "the authorization service failed"},
           {"HTTP/1.1 304 -\r\n\r\n", "the authorization service failed"},
           {"garbage\r\n\r\n", "the authorization service's answer is malformed or too large"},
           {"HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n",
            "the authorization service's answer is malformed or too large"},
           {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab", "the authorization service did not answer in time"},
           {"", "the authorization service did not answer in time"}}) {
    service.will_say(answer);
    Outside one(service, kept);
    const std::string timeout = std::string_view(why).ends_with("in time") ? "30ms" : "5s";
    const pipeline::Verdict verdict =
        one.pass(filter(R"(, "timeout": ")" + timeout + R"(", "status_on_error": 502)"));
    EXPECT_EQ(refusal(verdict), "auth_unavailable") << answer;
    EXPECT_EQ(verdict.error.detail, why) << answer;
    EXPECT_EQ(one.scene.exchange.refusal_status, 502);
  }
  service.refuse();
  Outside one(service, kept);
  const pipeline::Verdict verdict = one.pass(filter());
  EXPECT_EQ(refusal(verdict), "auth_unavailable");
  EXPECT_EQ(verdict.error.detail, "the authorization service cannot be reached");
  EXPECT_EQ(one.scene.exchange.refusal_status, 403) << "as Envoy and APISIX";
}

TEST_F(ForwardAuthTest, TheRoutesDeadlineHoldsToo) {
  Outside one(service, kept);
  one.scene.exchange.deadline = one.scene.loop.refresh() + std::chrono::milliseconds(20);
  const auto began = io::Clock::now();
  EXPECT_EQ(refusal(one.pass(filter(R"(, "timeout": "60s")"))), "auth_unavailable");
  EXPECT_LT(io::Clock::now() - began, std::chrono::seconds(2));
}

TEST_F(ForwardAuthTest, TheServiceCanSayWhoCalls) {
  constexpr std::string_view settings =
      R"(, "identity": {"consumer": "X-C", "user": "X-U", "groups": "X-G", "scopes": "X-S"})";
  service.will_answer(200, "", "X-C: shop\r\nX-U: jane\r\nX-G: a, b ,,c\r\nX-S: read write\r\n");
  Outside one(service, kept);
  one.scene.header("X-C", "spoofed");
  EXPECT_TRUE(passes(one.pass(filter(settings))));
  EXPECT_EQ(one.identity().kind, pipeline::CredentialKind::forward_auth);
  EXPECT_EQ(one.scene.request("X-C"), "-") << "who calls is not the client's to say to the upstream either";
  EXPECT_EQ(one.identity().consumer, "shop");
  EXPECT_EQ(one.identity().user, "jane");
  ASSERT_EQ(one.identity().groups.size(), 3u);
  EXPECT_EQ(one.identity().groups[1], "b");
  ASSERT_EQ(one.identity().scopes.size(), 2u);
  EXPECT_EQ(one.identity().scopes[1], "write");
  // A consumer of the config brings its groups, unless the service is to name them.
  identity::ConsumerBook book;
  identity::ConsumerBookMaker maker(book);
  identity::Consumer* consumer = maker.consumer("shop", "4711");
  maker.group(*consumer, "gold");
  context.book = &book;
  service.will_answer(200, "", "X-C: shop\r\n");
  Outside known(service, kept);
  known.pass(filter(R"(, "identity": {"consumer": "X-C"})"));
  EXPECT_EQ(known.identity().custom_id, "4711");
  ASSERT_EQ(known.identity().groups.size(), 1u);
  EXPECT_EQ(known.identity().groups[0], "gold");
  service.will_answer(200, "", "X-C: shop\r\nX-G: silver\r\n");
  Outside named(service, kept);
  named.pass(filter(settings));
  ASSERT_EQ(named.identity().groups.size(), 1u);
  EXPECT_EQ(named.identity().groups[0], "silver");
  // Says yes, but not to whom: not believed.
  service.will_answer(200, "");
  Outside two(service, kept);
  two.scene.header("X-C", "spoofed");
  EXPECT_EQ(refusal(two.pass(filter(settings))), "auth_unavailable");
  EXPECT_FALSE(two.identity().known());
}

TEST_F(ForwardAuthTest, AClientThatLeavesEndsTheQuestion) {
  Outside one(service, kept);
  bool gone = false;
  const pipeline::Verdict verdict = one.pass(filter(R"(, "timeout": "60s")"), [&] {
    if (service.requests.empty() || gone) return;
    gone = true;
    one.scene.leave();
  });
  EXPECT_EQ(refusal(verdict), "client_closed");
}

TEST_F(ForwardAuthTest, NobodyIsAskedWhereNoRouteLeads) {
  Outside one(service, kept);
  one.scene.exchange.route = nullptr;
  EXPECT_TRUE(passes(one.pass(filter())));
  EXPECT_EQ(service.accepted, 0);
}

TEST_F(ForwardAuthTest, Mistakes) {
  const auto with = [&](std::string_view more) {
    return mistake(R"({"uri": "http://idp.test/", )" + std::string(more) + "}");
  };
  EXPECT_EQ(mistake("{}"), ": the field \"uri\" is missing");
  EXPECT_EQ(mistake(R"({"uri": "http://other"})"), "uri: no such service");
  EXPECT_EQ(with(R"("request_headers": ["X-Forwarded-Uri"])"),
            "request_headers: \"X-Forwarded-Uri\" is written by Weir");
  EXPECT_EQ(with(R"("request_headers": ["x-forwarded-method"])"),
            "request_headers: \"x-forwarded-method\" is written by Weir");
  EXPECT_TRUE(with(R"("request_headers": ["Host"])").starts_with("request_headers: "));
  EXPECT_TRUE(with(R"("upstream_headers": ["Content-Length"])").starts_with("upstream_headers: "));
  EXPECT_TRUE(with(R"("client_headers": ["Transfer-Encoding"])").starts_with("client_headers: "));
  EXPECT_TRUE(with(R"("upstream_headers": ["X_Role"])").starts_with("upstream_headers[0]: "));
  EXPECT_EQ(with(R"("identity": {"user": "X-U"})"), "identity: the field \"consumer\" is missing");
  EXPECT_TRUE(with(R"("status_on_error": 200)").starts_with("status_on_error: "));
}

}  // namespace
}  // namespace weir::filters
