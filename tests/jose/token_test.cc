#include "jose/token.h"

#include <ctime>

#include "tests/jose/signer.h"

namespace weir::jose {
namespace {

std::shared_ptr<const KeySet> set_of(const std::string& keys, const KeyRules& rules = {}) {
  return *KeySet::parse("{\"keys\":[" + keys + "]}", rules);
}

// "good", or why not.
std::string judged(std::string_view text, const KeySet& set) {
  const auto token = parse_token(text);
  if (!token) return std::string(token.error().detail);
  const Verified verified = verify(*token, set);
  return verified == Verified::good ? "good" : std::string(jose::text(verified));
}

constexpr std::string_view kClaims = R"({"iss":"i"})";

TEST(Token, EveryAlgorithm) {
  struct Case {
    Algorithm algorithm;
    const Signer& signer;
  };
  const Signer p384("P-384"), p521("P-521");
  for (const Case& each :
       {Case{Algorithm::rs256, rsa()}, Case{Algorithm::rs384, rsa()}, Case{Algorithm::rs512, rsa()},
        Case{Algorithm::ps256, rsa()}, Case{Algorithm::ps384, rsa()}, Case{Algorithm::ps512, rsa()},
        Case{Algorithm::es256, p256()}, Case{Algorithm::es384, p384}, Case{Algorithm::es512, p521},
        Case{Algorithm::eddsa, ed25519()}, Case{Algorithm::hs256, oct()}, Case{Algorithm::hs384, oct()},
        Case{Algorithm::hs512, oct()}}) {
    const std::string name(info(each.algorithm).name);
    KeyRules rules{.allowed = {each.algorithm}, .rsa = {each.algorithm}, .secrets = true};
    const auto set = set_of(each.signer.jwk(R"("kid":"k")"), rules);
    std::string token = each.signer.token(each.algorithm, R"({"alg":")" + name + R"(","kid":"k"})", kClaims);
    EXPECT_EQ(judged(token, *set), "good") << name;
    char& one = token[token.rfind('.') + 20];
    one = one == 'A' ? 'B' : 'A';
    EXPECT_EQ(judged(token, *set), "the token's signature does not hold") << name;
    const std::string shorter = token.substr(0, token.size() - 4);
    EXPECT_NE(judged(shorter, *set), "good") << name;
    EXPECT_NE(judged(token + "AAAA", *set), "good") << name;
  }
}

TEST(Token, TheKeyDecidesTheAlgorithm) {
  const auto set = set_of(rsa().jwk(R"("kid":"k","alg":"RS256")"));
  EXPECT_EQ(judged(rsa().token(Algorithm::ps256, R"({"alg":"PS256","kid":"k"})", kClaims), *set),
            "the token's alg is not that of its key");
  // CVE-2015-9235: the public key as the secret of HMAC.
  const std::string input = encode_base64url(R"({"alg":"HS256","kid":"k"})") + "." + encode_base64url(kClaims);
  unsigned char mac[64];
  unsigned size = 0;
  const std::string pem = rsa().pem();
  HMAC(EVP_sha256(), pem.data(), static_cast<int>(pem.size()), reinterpret_cast<const unsigned char*>(input.data()),
       input.size(), mac, &size);
  const std::string forged = input + "." + encode_base64url({reinterpret_cast<char*>(mac), size});
  EXPECT_EQ(judged(forged, *set), "the token's alg is not that of its key");
  EXPECT_EQ(judged(forged, **KeySet::from_pem(pem, {})), "the token's alg is not that of its key");
}

TEST(Token, PsychicSignatures) {  // CVE-2022-21449
  const auto set = set_of(p256().jwk(R"("kid":"k")"));
  const std::string input = encode_base64url(R"({"alg":"ES256","kid":"k"})") + "." + encode_base64url(kClaims);
  EXPECT_EQ(judged(input + "." + encode_base64url(std::string(64, '\0')), *set),
            "the token's signature does not hold");
  std::string r_only(64, '\0');
  r_only[31] = 1;
  EXPECT_EQ(judged(input + "." + encode_base64url(r_only), *set), "the token's signature does not hold");
}

TEST(Token, HeadersThatAreRefused) {
  const auto set = set_of(rsa().jwk());
  struct Case {
    std::string_view header, why;
  };
  for (const Case& each : {
           Case{R"({"alg":"none"})", "the token's alg is none that is accepted"},
           Case{R"({"alg":"None"})", "the token's alg is none that is accepted"},
           Case{R"({"alg":"nOnE"})", "the token's alg is none that is accepted"},
           Case{R"({"alg":"rs256"})", "the token's alg is none that is accepted"},
           Case{R"({"alg":["RS256"]})", "the token's alg is none that is accepted"},
           Case{R"({"kid":"k"})", "the token's header has no alg"},
           Case{R"({"alg":"RS256","crit":["exp"],"exp":1})", "the token's header has crit"},
           Case{R"({"alg":"RS256","crit":[]})", "the token's header has crit"},
           Case{R"({"alg":"RS256","b64":false,"crit":["b64"]})", "the token's header has b64"},
           Case{R"({"alg":"RS256","jwk":{"kty":"RSA"}})", "the token's header brings its own key"},
           Case{R"({"alg":"RS256","jku":"https://evil.example/"})",
                "the token's header brings its own keys' address"},
           Case{R"({"alg":"RS256","x5u":"https://evil.example/"})",
                "the token's header brings its own certificate's address"},
           Case{R"({"alg":"RS256","x5c":[]})", "the token's header brings its own certificate"},
           Case{R"({"alg":"RSA-OAEP","enc":"A256GCM"})", "the token is encrypted"},
           Case{R"({"alg":"PBES2-HS256+A128KW","p2c":2147483647})", "the token is encrypted by a password"},
           Case{R"({"alg":"RS256","alg":"RS256"})", "the token's header is no JSON object, or has a member twice"},
           Case{R"({"alg":"RS256","alg":"none"})", "the token's header is no JSON object, or has a member twice"},
           Case{R"(["alg","RS256"])", "the token's header is no JSON object, or has a member twice"},
           Case{R"({"alg":"RS256"}x)", "the token's header is no JSON object, or has a member twice"},
           Case{R"({"alg":"RS256","kid":7})", "a member of the token's header is no string"},
           Case{R"({"alg":"RS256","kid":""})", "the token's kid is empty"},
           Case{R"({"alg":"RS256","typ":null})", "a member of the token's header is no string"},
       })
    EXPECT_EQ(judged(rsa().token(Algorithm::rs256, each.header, kClaims), *set), each.why) << each.header;
}

TEST(Token, FormsThatAreRefused) {
  const auto set = set_of(rsa().jwk());
  const std::string good = rsa().token(Algorithm::rs256, R"({"alg":"RS256"})", kClaims);
  ASSERT_EQ(judged(good, *set), "good");
  const std::size_t first = good.find('.'), last = good.rfind('.');
  for (const std::string& text :
       {std::string(), std::string("."), std::string(".."), std::string("a.b"), good + ".", "." + good, good + ".x",
        good + "=", good + " ", " " + good, good.substr(0, first) + "=" + good.substr(first),
        good.substr(0, last + 1), good.substr(0, last), good.substr(first),
        good.substr(0, first) + "\n" + good.substr(first),
        std::string(R"({"payload":"e30","signature":"","protected":""})"), good + ".a.b", std::string(20'000, 'A')})
    EXPECT_NE(judged(text, *set), "good") << text.substr(0, 80);
}

TEST(Token, KidsThatPointNowhere) {
  const auto set = set_of(rsa().jwk(R"("kid":"k")"));
  for (const std::string& kid :
       {std::string("../../../../dev/null"), std::string("' UNION SELECT 'x"), std::string(8192, 'k')})
    EXPECT_EQ(judged(rsa().token(Algorithm::rs256, R"({"alg":"RS256","kid":")" + kid + "\"}", kClaims), *set),
              "the token names a key that its issuer does not have");
  EXPECT_EQ(judged(rsa().token(Algorithm::rs256, R"({"alg":"RS256","kid":"k\u0000"})", kClaims), *set),
            "the token names a key that its issuer does not have");
}

TEST(Token, ClaimsMustBeOneObject) {
  for (const char* payload : {"", "[]", "1", R"({"iss":"a","iss":"b"})", "{\"iss\":\"\xff\"}", R"({"exp":1e400})"}) {
    const auto token = parse_token(rsa().token(Algorithm::rs256, R"({"alg":"RS256"})", payload));
    ASSERT_TRUE(token.has_value());
    EXPECT_FALSE(read_claims(*token).has_value()) << payload;
  }
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += R"({"a":)";
  EXPECT_FALSE(read_claims(*parse_token(rsa().token(Algorithm::rs256, R"({"alg":"RS256"})", deep))).has_value());
}

// A measurement, not a test; test_jose --gtest_also_run_disabled_tests --gtest_filter=Token.DISABLED_Speed runs it.
TEST(Token, DISABLED_Speed) {
  const Signer p384("P-384");
  const auto measure = [](const char* name, Algorithm algorithm, const Signer& signer) {
    const auto set =
        set_of(signer.jwk(R"("kid":"k")"), {.allowed = {algorithm}, .rsa = {algorithm}, .secrets = true});
    const std::string text =
        signer.token(algorithm, R"({"alg":")" + std::string(info(algorithm).name) + R"(","kid":"k"})",
                     R"({"iss":"https://id.example.com","aud":"api","sub":"u","exp":1,"scope":"a b c"})");
    constexpr int kTimes = 300;
    const std::clock_t begun = std::clock();
    for (int i = 0; i < kTimes; ++i) ASSERT_EQ(judged(text, *set), "good");
    std::printf("  %s: %.1f us a token\n", name, static_cast<double>(std::clock() - begun) / kTimes);  // POSIX: us
  };
  measure("RS256", Algorithm::rs256, rsa());
  measure("PS256", Algorithm::ps256, rsa());
  measure("ES256", Algorithm::es256, p256());
  measure("EdDSA", Algorithm::eddsa, ed25519());
  measure("HS256", Algorithm::hs256, oct());
}

}  // namespace
}  // namespace weir::jose
