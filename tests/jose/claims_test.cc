#include "jose/claims.h"

#include <gtest/gtest.h>

namespace weir::jose {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

ClaimRules rules() {
  ClaimRules out;
  out.issuer = "https://id";
  out.audiences = {"api", "other"};
  return out;
}

// "good", or why not; the claims besides iss and aud.
std::string judged(const std::string& claims, const ClaimRules& by = rules(), std::string_view type = {}) {
  const auto json = parse_json(claims);
  if (!json) return json.error().message;
  const auto checked = check_claims(*json, type, by, kNow);
  return checked ? "good" : std::string(checked.error().detail);
}
std::string with(const std::string& more) { return R"({"iss":"https://id","aud":"api",)" + more + "}"; }

TEST(Claims, Expiry) {
  EXPECT_EQ(judged(with(R"("exp":1800000001)")), "good");
  EXPECT_EQ(judged(with(R"("exp":1799999941)")), "good");  // within the leeway
  EXPECT_EQ(judged(with(R"("exp":1799999940)")), "the token has expired");
  EXPECT_EQ(judged(with(R"("exp":1800000000.5)")), "good");
  EXPECT_EQ(judged(R"({"iss":"https://id","aud":"api"})"), "the token has no exp");
  for (const char* exp : {R"("1800000001")", "-1", "1e300", "null", "[1800000001]", "true", "{}"})
    EXPECT_EQ(judged(with(std::string(R"("exp":)") + exp)), "the token's exp is no date") << exp;
  EXPECT_NE(judged(with(R"("exp":1e400)")), "good");
  ClaimRules free = rules();
  free.exp_required = false;
  EXPECT_EQ(judged(R"({"iss":"https://id","aud":"api"})", free), "good");
}

TEST(Claims, NotBeforeAndIssuedAt) {
  EXPECT_EQ(judged(with(R"("exp":1800000900,"nbf":1800000060)")), "good");
  EXPECT_EQ(judged(with(R"("exp":1800000900,"nbf":1800000061)")), "the token does not count yet");
  EXPECT_EQ(judged(with(R"("exp":1800000900,"nbf":"0")")), "the token's nbf is no date");
  EXPECT_EQ(judged(with(R"("exp":1800000900,"iat":1800000060)")), "good");
  EXPECT_EQ(judged(with(R"("exp":1800000900,"iat":1800000061)")), "the token is issued in the future");
  EXPECT_EQ(judged(with(R"("exp":1800000900,"iat":-5)")), "the token's iat is no date");
}

TEST(Claims, LongestLifetime) {
  ClaimRules by = rules();
  by.max_lifetime = 3600;
  EXPECT_EQ(judged(with(R"("iat":1800000000,"exp":1800003600)"), by), "good");
  EXPECT_EQ(judged(with(R"("iat":1800000000,"exp":1800003601)"), by),
            "the token is made to live longer than is accepted");
  EXPECT_EQ(judged(with(R"("exp":1800003600)"), by),
            "the token has no iat, so nobody can say how long it is made to live");
  by.exp_required = false;
  EXPECT_EQ(judged(with(R"("iat":1800000000)"), by), "the token is made to live longer than is accepted");
}

TEST(Claims, IssuerAndAudience) {
  EXPECT_EQ(judged(R"({"iss":"https://id/","aud":"api","exp":1800000001})"), "the token is from another issuer");
  EXPECT_EQ(judged(R"({"iss":["https://id"],"aud":"api","exp":1800000001})"), "the token is from another issuer");
  EXPECT_EQ(judged(R"({"aud":"api","exp":1800000001})"), "the token is from another issuer");
  const auto aud = [](const char* value) {
    return judged(std::string(R"({"iss":"https://id","exp":1800000001,"aud":)") + value + "}");
  };
  EXPECT_EQ(aud(R"("other")"), "good");
  EXPECT_EQ(aud(R"(["x","api"])"), "good");
  EXPECT_EQ(aud(R"("apix")"), "the token is for somebody else");
  EXPECT_EQ(aud(R"([])"), "the token is for somebody else");
  EXPECT_EQ(aud(R"(["api",7])"), "the token's aud is neither a string nor a list of strings");
  EXPECT_EQ(aud(R"({"api":1})"), "the token's aud is neither a string nor a list of strings");
  EXPECT_EQ(judged(R"({"iss":"https://id","exp":1800000001})"), "the token is for somebody else");
  ClaimRules any = rules();
  any.audiences.clear();
  EXPECT_EQ(judged(R"({"iss":"https://id","exp":1800000001})", any), "good");
}

TEST(Claims, Type) {
  ClaimRules by = rules();
  EXPECT_EQ(judged(with(R"("exp":1800000001)"), by, "JWT"), "good");
  EXPECT_EQ(judged(with(R"("exp":1800000001)"), by, "application/at+JWT"), "good");
  EXPECT_EQ(judged(with(R"("exp":1800000001)"), by, "logout+jwt"), "the token's typ is not accepted");
  by.types = {"at+jwt"};
  EXPECT_EQ(judged(with(R"("exp":1800000001)"), by, "at+jwt"), "good");
  EXPECT_EQ(judged(with(R"("exp":1800000001)"), by, "JWT"), "the token's typ is not accepted");
  EXPECT_EQ(judged(with(R"("exp":1800000001)"), by), "the token's typ is not accepted");
}

TEST(Claims, Required) {
  ClaimRules by = rules();
  by.required = {{"tenant", {"a", "b"}}, {"/realm/roles", {"admin"}}, {"verified", {"true"}}, {"level", {}}};
  EXPECT_EQ(
      judged(with(R"("exp":1800000001,"tenant":"b","realm":{"roles":["x","admin"]},"verified":true,"level":0)"), by),
      "good");
  for (const char* claims : {R"("tenant":"c","realm":{"roles":["admin"]},"verified":true,"level":0)",
                             R"("tenant":"a","realm":{"roles":["x"]},"verified":true,"level":0)",
                             R"("tenant":"a","realm":{"roles":["admin"]},"verified":false,"level":0)",
                             R"("tenant":"a","realm":{"roles":["admin"]},"verified":true)",
                             R"("tenant":"a","realm":{"roles":["admin"]},"verified":true,"level":null)",
                             R"("tenant":"a","realm":[{"roles":"admin"}],"verified":true,"level":1)"})
    EXPECT_EQ(judged(with(std::string(R"("exp":1800000001,)") + claims), by),
              "the token lacks a claim that is required here")
        << claims;
}

TEST(Claims, WordsAndPointers) {
  const Json json = *parse_json(R"({"s":" a  b c","l":["x","",7,"y z"],"n":5,"a/b":{"~":[1,"deep"]}})");
  using Words = std::vector<std::string_view>;
  EXPECT_EQ(words_of(*find_claim(json, "s")), (Words{"a", "b", "c"}));
  EXPECT_EQ(words_of(*find_claim(json, "l")), (Words{"x", "y z"}));
  EXPECT_EQ(words_of(*find_claim(json, "n")), Words{});
  EXPECT_EQ(find_claim(json, "/a~1b/~0/1")->as_string(), "deep");
  for (const char* name :
       {"/a~1b/~0/2", "/a~1b/~0/x", "/a~1b/~0/1/1", "/", "a~1b", "/a~1b/~0/99999999999999999999999"})
    EXPECT_EQ(find_claim(json, name), nullptr) << name;
}

}  // namespace
}  // namespace weir::jose
