#include "filters/tokens/introspection.h"

#include <gtest/gtest.h>

namespace weir::filters {
namespace {

bool answered(std::string_view body) {
  const auto out = read_introspection(body);
  if (!out) EXPECT_EQ(out.error().reason, Reason::auth_unavailable);
  return out.has_value();
}

TEST(Introspection, ReadsWhatTheRfcHas) {
  const auto out = read_introspection(
      R"({"active": true, "scope": "read  write", "client_id": "shop", "username": "jane", "token_type": "Bearer",
          "exp": 1419356238, "nbf": 1419350238, "sub": "Z5O3upPC88QrAjx00dis", "aud": ["a", "b"],
          "iss": "https://server.example.com/", "jti": "t1", "extension_field": {"x": 1}})");
  ASSERT_TRUE(out);
  EXPECT_TRUE(out->active);
  EXPECT_EQ(out->client_id, "shop");
  EXPECT_EQ(out->username, "jane");
  EXPECT_EQ(out->subject, "Z5O3upPC88QrAjx00dis");
  EXPECT_EQ(out->issuer, "https://server.example.com/");
  EXPECT_EQ(out->token_id, "t1");
  EXPECT_EQ(out->expires, 1419356238);
  EXPECT_EQ(out->not_before, 1419350238);
  EXPECT_EQ(out->scopes, (std::vector<std::string>{"read", "write"}));
  EXPECT_EQ(out->audiences, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(read_introspection(R"({"active":true,"aud":"one"})")->audiences, std::vector<std::string>{"one"});
  EXPECT_EQ(read_introspection(R"({"active":true,"exp":1.5e9})")->expires, 1'500'000'000);
}

TEST(Introspection, OfAnInactiveTokenNothingElseIsBelieved) {
  const auto out = read_introspection(R"({"active": false, "client_id": "shop", "scope": 3})");
  ASSERT_TRUE(out);
  EXPECT_FALSE(out->active);
  EXPECT_EQ(out->client_id, "");
}

TEST(Introspection, ActiveIsABooleanOrNothing) {
  for (const char* body :
       {R"({"active": "true"})", R"({"active": "false"})", R"({"active": 1})", R"({"active": null})",
        R"({"active": [true]})", R"({"active": {"x": true}})", R"({})", R"({"Active": true})"})
    EXPECT_FALSE(answered(body)) << body;
}

TEST(Introspection, WhatIsNoAnswerIsNone) {
  for (const char* body : {"", "true", "[]", "<html>", R"({"active": true)", R"({"active": true} x)",
                           R"({"active": false, "active": true})", R"({"active": true, "active": true})",
                           "\xef\xbb\xbf{\"active\": true}"})
    EXPECT_FALSE(answered(body)) << body;
  std::string deep = R"({"active": true, "x": )";
  for (int i = 0; i < 10'000; ++i) deep += '[';
  EXPECT_FALSE(answered(deep));
}

TEST(Introspection, MembersOfAnotherKindSpoilIt) {
  for (const char* member :
       {R"("client_id": 7)", R"("sub": ["a"])", R"("username": true)", R"("iss": {})", R"("exp": "1419356238")",
        R"("exp": -1)", R"("exp": 1e300)", R"("nbf": false)", R"("scope": ["a"])", R"("aud": 1)", R"("aud": [1])",
        R"("client_id": "a\u0000b")", R"("sub": "a\r\nX-Evil: 1")", R"("jti": "\u007f")", R"("scope": "a\u0007")"})
    EXPECT_FALSE(answered(std::string(R"({"active": true, )") + member + "}")) << member;
  EXPECT_FALSE(answered(R"({"active": true, "sub": ")" + std::string(513, 'x') + R"("})"));
  EXPECT_TRUE(answered(R"({"active": true, "sub": null, "exp": null, "aud": null, "scope": null})"));
}

}  // namespace
}  // namespace weir::filters
