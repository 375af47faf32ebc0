#include <gtest/gtest.h>

#include "filters/routing/specs.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

constexpr std::string_view kGroups[] = {"gold", "eu"};
constexpr std::string_view kScopes[] = {"a:read", "b:read"};

pipeline::Identity shop() {
  pipeline::Identity out;
  out.kind = pipeline::CredentialKind::api_key;
  out.consumer = "shop";
  out.groups = kGroups;
  out.scopes = kScopes;
  return out;
}

// The word of the refusal; "" if the shop may pass.
std::string_view judged(std::string_view config, std::string* challenge = nullptr) {
  Scene scene;
  scene.exchange.auth.establish(shop());
  const pipeline::Verdict verdict = made(require_identity_spec(), config)->on_request(scene.exchange);
  if (challenge != nullptr) *challenge = scene.response("WWW-Authenticate");
  return refusal(verdict);
}

TEST(RequireIdentity, NobodyIsToldEveryWayIn) {
  Scene scene;
  scene.exchange.auth.challenge("ApiKey realm=\"weir\"");
  scene.exchange.auth.challenge("Basic realm=\"weir\"");
  EXPECT_EQ(refusal(made(require_identity_spec())->on_request(scene.exchange)), "unauthenticated");
  EXPECT_EQ(scene.response("WWW-Authenticate"), "ApiKey realm=\"weir\" | Basic realm=\"weir\"");
}

TEST(RequireIdentity, TheFirstFailureIsTheReason) {
  Scene scene;
  scene.exchange.auth.challenge("ApiKey realm=\"weir\"");
  scene.exchange.auth.fail(Reason::invalid_credential, "first");
  scene.exchange.auth.fail(Reason::auth_unavailable, "second");
  const pipeline::Verdict verdict = made(require_identity_spec())->on_request(scene.exchange);
  EXPECT_EQ(refusal(verdict), "invalid_credential");
  EXPECT_EQ(verdict.error.detail, "first");
  Scene away;
  away.exchange.auth.challenge("ApiKey realm=\"weir\"");
  away.exchange.auth.fail(Reason::auth_unavailable, "");
  EXPECT_EQ(refusal(made(require_identity_spec())->on_request(away.exchange)), "auth_unavailable");
  EXPECT_EQ(away.response("WWW-Authenticate"), "-") << "no other credential would help";
}

TEST(RequireIdentity, SomebodyKnownPassesWithoutSettings) { EXPECT_EQ(judged("{}"), ""); }

TEST(RequireIdentity, Scopes) {
  std::string challenge;
  EXPECT_EQ(judged(R"({"scopes": {"all": ["a:read", "b:read"]}})"), "");
  EXPECT_EQ(judged(R"({"scopes": {"any": ["x", "b:read"]}})"), "");
  EXPECT_EQ(judged(R"({"scopes": {"all": ["a:read", "x"]}})", &challenge), "insufficient_scope");
  EXPECT_EQ(challenge, R"(Bearer error="insufficient_scope", scope="a:read x")");
  EXPECT_EQ(judged(R"({"scopes": {"any": ["a", "a:reader", "A:READ"]}})"), "insufficient_scope") << "whole and exact";
  EXPECT_EQ(judged(R"({"scopes": {"all": ["a:read"], "any": ["x"]}})"), "insufficient_scope");
}

TEST(RequireIdentity, GroupsAndConsumers) {
  EXPECT_EQ(judged(R"({"groups": {"allow": ["eu", "us"]}})"), "");
  EXPECT_EQ(judged(R"({"groups": {"allow": ["us"]}})"), "forbidden");
  EXPECT_EQ(judged(R"({"groups": {"deny": ["gold"]}})"), "forbidden");
  EXPECT_EQ(judged(R"({"groups": {"allow": ["eu"], "deny": ["gold"]}})"), "forbidden") << "deny wins";
  EXPECT_EQ(judged(R"({"consumers": {"allow": ["shop"]}})"), "");
  EXPECT_EQ(judged(R"({"consumers": {"allow": ["other"]}})"), "forbidden");
  EXPECT_EQ(judged(R"({"consumers": {"deny": ["shop"]}})"), "forbidden");
}

TEST(RequireIdentity, Kinds) {
  EXPECT_EQ(judged(R"({"kinds": ["jwt", "api_key"]})"), "");
  EXPECT_EQ(judged(R"({"kinds": ["mtls"]})"), "forbidden");
}

TEST(RequireIdentity, Mistakes) {
  EXPECT_EQ(mistakes(require_identity_spec(), R"({"groups": {"allow": ["a"], "deny": ["b", "a"]}})"),
            "groups: \"a\" is both allowed and denied; remove it from one");
  EXPECT_NE(mistakes(require_identity_spec(), R"({"kinds": ["password"]})"), "");
  EXPECT_NE(mistakes(require_identity_spec(), R"({"scopes": {"all": ["a b"]}})"), "");
  EXPECT_NE(mistakes(require_identity_spec(), R"({"scopes": {"all": []}})"), "");
}

}  // namespace
}  // namespace weir::filters
