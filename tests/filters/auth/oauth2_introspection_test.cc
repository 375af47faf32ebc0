#include <gtest/gtest.h>

#include "filters/auth/specs.h"
#include "identity/consumer_book.h"
#include "tests/filters/outside.h"

namespace weir::filters {
namespace {

class Oauth2IntrospectionTest : public testing::Test {
 protected:
  const pipeline::Filter& filter(std::string_view settings = "") {
    const std::string config = R"({"endpoint": "http://idp.test/introspect")" + std::string(settings) + "}";
    made_.push_back(made_outside(oauth2_introspection_spec(), config, context));
    return *made_.back();
  }
  std::string mistake(std::string_view config) {
    Problems problems;
    made_outside(oauth2_introspection_spec(), config, context, &problems);
    if (problems.empty()) return "none";
    return problems[0].path + ": " + problems[0].message;
  }
  upstream::ScriptedOrigin service;
  pipeline::Kept kept;
  OutsideContext context;

 private:
  std::vector<std::unique_ptr<pipeline::Filter>> made_;
};

TEST_F(Oauth2IntrospectionTest, EstablishesWhoCalls) {
  service.will_answer(200,
                      R"({"active":true,"client_id":"shop","sub":"u1","username":"jane","scope":"a b","jti":"t"})");
  Outside one(service, kept);
  one.scene.header("Authorization", "Bearer opaque");
  EXPECT_TRUE(passes(one.pass(filter(R"(, "forward": true)"))));
  EXPECT_TRUE(one.waited);
  EXPECT_EQ(one.identity().kind, pipeline::CredentialKind::oauth2);
  EXPECT_EQ(one.identity().consumer, "shop");
  EXPECT_EQ(one.identity().user, "u1");
  EXPECT_EQ(one.identity().credential, "t");
  ASSERT_EQ(one.identity().scopes.size(), 2u);
  EXPECT_EQ(one.identity().scopes[1], "b");
  EXPECT_EQ(one.challenges(), "");
  EXPECT_EQ(one.scene.request("Authorization"), "Bearer opaque");
  // The next one does not wait, nor does one under another instance of the same settings: a reload.
  Outside two(service, kept);
  two.scene.header("Authorization", "Bearer opaque");
  EXPECT_TRUE(passes(two.pass(filter())));
  EXPECT_FALSE(two.waited);
  EXPECT_EQ(two.identity().consumer, "shop");
  EXPECT_EQ(two.scene.request("Authorization"), "-") << "taken out";
  EXPECT_EQ(service.requests.size(), 1u);
}

TEST_F(Oauth2IntrospectionTest, OtherCredentialsAtTheEndpointKnowNothingOfEachOther) {
  service.will_answer(200, R"({"active":true,"client_id":"shop"})");
  service.will_answer(200, R"({"active":false})");
  Outside one(service, kept);
  one.scene.header("Authorization", "Bearer t");
  one.pass(filter());
  Outside two(service, kept);
  two.scene.header("Authorization", "Bearer t");
  two.pass(filter(R"(, "client_id": "weir", "client_secret_file": "secret.txt")"));
  EXPECT_FALSE(two.identity().known());
  EXPECT_TRUE(service.requests.at(1).contains("Authorization: Basic d2VpcjpzM2NyZXQ=\r\n")) << service.requests[1];
}

TEST_F(Oauth2IntrospectionTest, TheClientCanBeNamedInTheForm) {
  service.will_answer(200, R"({"active":false})");
  Outside one(service, kept);
  one.scene.header("Authorization", "Bearer t");
  one.pass(filter(R"(, "client_id": "w&r", "client_secret_file": "secret.txt", "client_auth": "post")"));
  EXPECT_TRUE(service.requests.at(0).ends_with("&client_id=w%26r&client_secret=s3cret")) << service.requests[0];
  EXPECT_FALSE(service.requests[0].contains("Authorization"));
}

TEST_F(Oauth2IntrospectionTest, WithoutATokenItChallenges) {
  Outside one(service, kept);
  EXPECT_TRUE(passes(one.pass(filter(R"(, "realm": "shop", "required_scopes": ["a", "b"])"))));
  EXPECT_FALSE(one.waited);
  EXPECT_EQ(one.challenges(), R"(Bearer realm="shop", scope="a b")");
  EXPECT_EQ(one.failure(), "ok");
}

TEST_F(Oauth2IntrospectionTest, WhatIsNoTokenIsNotAsked) {
  for (const std::string_view value : {std::string_view("Bearer a\0b", 10), std::string_view("Bearer a\x02"),
                                       std::string_view("Bearer a&active=true"), std::string_view("Bearer ")}) {
    Outside one(service, kept);
    one.scene.header("Authorization", value);
    EXPECT_TRUE(passes(one.pass(filter())));
    EXPECT_FALSE(one.waited);
    EXPECT_EQ(one.failure(), "invalid_credential");
    EXPECT_TRUE(one.challenges().contains(R"(error="invalid_token")"));
  }
  EXPECT_EQ(service.accepted, 0);
}

TEST_F(Oauth2IntrospectionTest, NobodyIsAskedForACallerWhoIsKnownOrAPathThatIsNot) {
  Outside known(service, kept);
  known.scene.header("Authorization", "Bearer t");
  pipeline::Identity by_jwt;
  by_jwt.kind = pipeline::CredentialKind::jwt;
  by_jwt.consumer = "by jwt";
  known.scene.exchange.auth.establish(by_jwt);
  EXPECT_TRUE(passes(known.pass(filter())));
  Outside nowhere(service, kept);
  nowhere.scene.header("Authorization", "Bearer t");
  nowhere.scene.exchange.route = nullptr;
  EXPECT_TRUE(passes(nowhere.pass(filter())));
  EXPECT_EQ(service.accepted, 0);
  EXPECT_EQ(known.identity().consumer, "by jwt");
}

TEST_F(Oauth2IntrospectionTest, WhateverDoesNotHoldEstablishesNobody) {
  struct Case {
    std::string_view answer;
    std::string_view settings;
    std::string_view failure;
    std::string_view detail;
  };
  for (const auto& [answer, settings, failure, detail] : {
           Case{R"({"active":false})", "", "invalid_credential", "the token is not active"},
           Case{R"({"active":"true","client_id":"c"})", "", "auth_unavailable",
                "the introspection endpoint's answer does not say active: true or false"},
           Case{R"({"active":true,"client_id":"c","cnf":{"jkt":"x"}})", "", "invalid_credential",
                "the token is bound to a key, which was not shown"},
           Case{R"({"active":true,"client_id":"c","exp":1772323199})", "", "invalid_credential",
                "the token has expired"},
           Case{R"({"active":true,"client_id":"c","nbf":1772323200})", "", "invalid_credential",
                "the token is not valid yet"},
           Case{R"({"active":true,"client_id":"c"})", R"(, "issuer": "https://i")", "invalid_credential",
                "the token is of another issuer"},
           Case{R"({"active":true,"client_id":"c","iss":"https://i/"})", R"(, "issuer": "https://i")",
                "invalid_credential", "the token is of another issuer"},
           Case{R"({"active":true,"client_id":"c","aud":["x"]})", R"(, "audience": ["me", "also"])",
                "invalid_credential", "the token is for another audience"},
           Case{R"({"active":true,"client_id":"c"})", R"(, "audience": ["me"])", "invalid_credential",
                "the token is for another audience"},
           Case{R"({"active":true,"sub":"s"})", "", "invalid_credential",
                "the introspection endpoint does not say whose token it is"},
           Case{R"({"active":true,"client_id":"c","scope":"a"})", R"(, "required_scopes": ["a", "b"])",
                "insufficient_scope", "the token lacks a scope"},
       }) {
    pipeline::Kept fresh;
    service.will_answer(200, answer);
    Outside one(service, fresh);
    one.scene.header("Authorization", "Bearer t");
    EXPECT_TRUE(passes(one.pass(filter(settings)))) << answer;
    EXPECT_FALSE(one.identity().known()) << answer << settings;
    EXPECT_EQ(one.failure(), failure) << answer;
    EXPECT_EQ(one.scene.exchange.auth.failure.detail, detail);
    if (failure == "invalid_credential") EXPECT_TRUE(one.challenges().contains(R"(error="invalid_token")"));
    if (failure == "insufficient_scope")
      EXPECT_EQ(one.challenges(), R"(Bearer realm="weir", error="insufficient_scope", scope="a b")");
    if (failure == "auth_unavailable") EXPECT_EQ(one.challenges(), "");
  }
}

TEST_F(Oauth2IntrospectionTest, WhatHoldsPasses) {
  service.will_answer(
      200,
      R"({"active":true,"client_id":"c","sub":"s","iss":"https://i","aud":"me","scope":"b a","exp":1772323201})");
  Outside one(service, kept);
  one.scene.header("Authorization", "Bearer t");
  one.pass(filter(
      R"(, "issuer": "https://i", "audience": ["me"], "required_scopes": ["a", "b"], "consumer_claim": "sub")"));
  EXPECT_EQ(one.identity().consumer, "s");
}

TEST_F(Oauth2IntrospectionTest, AKeptAnswerIsJudgedAgainWithTheTime) {
  service.will_answer(200, R"({"active":true,"client_id":"c","exp":1772323201})");
  Outside one(service, kept);
  one.scene.header("Authorization", "Bearer t");
  one.pass(filter());
  EXPECT_TRUE(one.identity().known());
  Outside later(service, kept);
  later.scene.header("Authorization", "Bearer t");
  later.scene.exchange.wall_started_us += 2'000'000;
  later.pass(filter());
  EXPECT_FALSE(later.waited);
  EXPECT_EQ(later.scene.exchange.auth.failure.detail, "the token has expired");
}

TEST_F(Oauth2IntrospectionTest, ATokensClientCanBeAConsumerOfTheConfig) {
  identity::ConsumerBook book;
  identity::ConsumerBookMaker maker(book);
  identity::Consumer* consumer = maker.consumer("partner", "4711");
  maker.group(*consumer, "gold");
  ASSERT_TRUE(maker.token(*consumer, "https://i", "shop"));
  context.book = &book;
  service.will_answer(200, R"({"active":true,"client_id":"shop","iss":"https://i"})");
  Outside one(service, kept);
  one.scene.header("Authorization", "Bearer t");
  one.pass(filter());
  EXPECT_EQ(one.identity().consumer, "partner");
  EXPECT_EQ(one.identity().custom_id, "4711");
  ASSERT_EQ(one.identity().groups.size(), 1u);
  EXPECT_EQ(one.identity().groups[0], "gold");
}

TEST_F(Oauth2IntrospectionTest, Mistakes) {
  EXPECT_EQ(mistake("{}"), ": the field \"endpoint\" is missing");
  EXPECT_EQ(mistake(R"({"endpoint": "ftp://x"})"), "endpoint: no such service");
  const auto with = [&](std::string_view more) {
    return mistake(R"({"endpoint": "http://idp.test/i", )" + std::string(more) + "}");
  };
  EXPECT_EQ(with(R"("client_secret_file": "secret.txt")"), "client_id: is missing");
  EXPECT_EQ(with(R"("client_id": "a", "client_secret_file": "other.txt")"), "client_secret_file: no such file");
  EXPECT_EQ(with(R"("client_id": "a", "client_secret_env": "WEIR_TEST_NOT_SET")"),
            "client_secret_env: the environment has no such variable");
  EXPECT_EQ(with(R"("client_id": "a", "client_secret_file": "secret.txt", "client_secret_env": "HOME")"),
            "client_secret_env: and client_secret_file");
  context.secret = "\n";
  EXPECT_EQ(with(R"("client_id": "a", "client_secret_file": "secret.txt")"),
            "client_secret_file: the secret there is empty");
  context.secret = "two\nlines";
  EXPECT_EQ(with(R"("client_id": "a", "client_secret_file": "secret.txt")"),
            "client_secret_file: the secret there holds control characters or several lines");
  EXPECT_TRUE(with(R"("realm": "a\"b")").starts_with("realm: "));
  EXPECT_TRUE(with(R"("required_scopes": ["a b"])").starts_with("required_scopes[0]: "));
  context.warnings.clear();
  filter();
  EXPECT_EQ(context.warnings.size(), 1u) << "no audience";
  filter(R"(, "audience": ["me"])");
  EXPECT_EQ(context.warnings.size(), 1u);
}

}  // namespace
}  // namespace weir::filters
