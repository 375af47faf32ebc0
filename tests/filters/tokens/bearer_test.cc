#include "filters/tokens/bearer.h"

#include <gtest/gtest.h>

#include "filters/tokens/form.h"

namespace weir::filters {
namespace {

std::string of(std::initializer_list<std::string_view> values) {
  http::Fields fields;
  for (const std::string_view value : values) fields.append("Authorization", value);
  const Bearer out = bearer(fields);
  return out.kind == Bearer::Kind::none        ? "none"
         : out.kind == Bearer::Kind::malformed ? "malformed"
                                               : std::string(out.token);
}

TEST(Bearer, IsTakenFromAuthorizationInAnySpellingOfTheScheme) {
  EXPECT_EQ(of({"Bearer abc-._~+/9=="}), "abc-._~+/9==");
  EXPECT_EQ(of({"bEARER  abc"}), "abc");
  EXPECT_EQ(of({}), "none");
  EXPECT_EQ(of({"Basic abc"}), "none");
  EXPECT_EQ(of({"Bearers abc"}), "none");
}

TEST(Bearer, WhatIsNoTokenIsMalformed) {
  EXPECT_EQ(of({"Bearer"}), "malformed");
  EXPECT_EQ(of({"Bearer "}), "malformed");
  EXPECT_EQ(of({"Bearer =="}), "malformed");
  EXPECT_EQ(of({"Bearer a b"}), "malformed");
  EXPECT_EQ(of({"Bearer a,b"}), "malformed");
  EXPECT_EQ(of({"Bearer a=b"}), "malformed");
  EXPECT_EQ(of({std::string_view("Bearer a\0b", 10)}), "malformed");
  EXPECT_EQ(of({"Bearer a\x01"}), "malformed");
  EXPECT_EQ(of({"Bearer \xc3\xa4"}), "malformed");
  EXPECT_EQ(of({"Bearer " + std::string(8193, 'a')}), "malformed");
  EXPECT_EQ(of({"Bearer " + std::string(8192, 'a')}).size(), 8192u);
}

TEST(Bearer, TwoAuthorizationsAreNone) {
  EXPECT_EQ(of({"Bearer a", "Bearer a"}), "malformed");
  EXPECT_EQ(of({"Basic a", "Bearer b"}), "malformed");
  EXPECT_EQ(of({"Bearer b", "Basic a"}), "malformed");
}

TEST(Bearer, ChallengesAsRfc6750HasThem) {
  EXPECT_EQ(bearer_challenge("weir"), R"(Bearer realm="weir")");
  EXPECT_EQ(bearer_challenge("weir", "invalid_token", "expired"),
            R"(Bearer realm="weir", error="invalid_token", error_description="expired")");
  EXPECT_EQ(bearer_challenge("weir", "insufficient_scope", {}, "a b"),
            R"(Bearer realm="weir", error="insufficient_scope", scope="a b")");
}

TEST(Form, EncodesWhatIsNotPlain) {
  EXPECT_EQ(form_encoded("aZ9-._*"), "aZ9-._*");
  EXPECT_EQ(form_encoded("a b&c=d+e/~%"), "a%20b%26c%3Dd%2Be%2F%7E%25");
  EXPECT_EQ(form_encoded("\xc3\xa4\r\n"), "%C3%A4%0D%0A");
}

}  // namespace
}  // namespace weir::filters
