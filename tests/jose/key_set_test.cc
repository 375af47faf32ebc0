#include "jose/key_set.h"

#include "tests/jose/signer.h"

namespace weir::jose {
namespace {

std::shared_ptr<const KeySet> set_of(const std::string& keys, const KeyRules& rules = {}) {
  auto set = KeySet::parse("{\"keys\":[" + keys + "]}", rules);
  EXPECT_TRUE(set.has_value()) << set.error();
  return set ? *set : nullptr;
}

std::string reason(const std::string& key, const KeyRules& rules = {}) {
  const auto set = set_of(key, rules);
  EXPECT_EQ(set->size() + set->skipped().size(), 1u);
  return set->skipped().empty() ? "used" : set->skipped()[0].reason;
}

TEST(KeySet, TakesEveryTypeOfPublicKey) {
  EXPECT_EQ(reason(rsa().jwk()), "used");
  EXPECT_EQ(reason(Signer("P-256").jwk()), "used");
  EXPECT_EQ(reason(Signer("P-384").jwk()), "used");
  EXPECT_EQ(reason(Signer("P-521").jwk()), "used");
  EXPECT_EQ(reason(ed25519().jwk()), "used");
  EXPECT_EQ(reason(rsa().jwk(R"("use":"sig","key_ops":["verify"],"x5t":"abc","alg":"PS512")")), "used");
}

TEST(KeySet, SkipsBadKeysAndSaysWhy) {
  EXPECT_EQ(reason(Signer("RSA", 1024).jwk()), "an RSA key of 1024 bits: 2048 are the least");
  EXPECT_EQ(reason(rsa().jwk(R"("use":"enc")")), "its use is not \"sig\"");
  EXPECT_EQ(reason(rsa().jwk(R"("key_ops":["encrypt"])")), "its key_ops has no \"verify\"");
  EXPECT_EQ(reason(rsa().jwk(R"("key_ops":"verify")")), "its key_ops is no list");
  EXPECT_EQ(reason(rsa().jwk(R"("alg":"ES256")")), "its alg does not belong to its type");
  EXPECT_EQ(reason(rsa().jwk(R"("alg":"none")")), "its alg is none that Weir verifies");
  EXPECT_EQ(reason(rsa().jwk(R"("alg":"RSA-OAEP")")), "its alg is none that Weir verifies");
  EXPECT_EQ(reason(rsa().jwk(R"("alg":7)")), "its kty, kid or alg is no string");
  EXPECT_EQ(reason(oct().jwk(R"("alg":"HS256")")), "a secret, where only public keys may stand");
  EXPECT_EQ(reason(R"({"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"})"),
            "its curve is none of P-256, P-384, P-521");
  EXPECT_EQ(reason(R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})"), "a coordinate is not as long as its curve's");
  EXPECT_EQ(reason(R"({"kty":"OKP","crv":"X25519","x":"AA"})"), "its curve is neither Ed25519 nor Ed448");
  EXPECT_EQ(reason(R"({"kty":"ROT13"})"), "its kty is none of RSA, EC, OKP, oct");
  EXPECT_EQ(reason("7"), "is no object");
  EXPECT_EQ(reason(rsa().jwk(), {.allowed = {Algorithm::es256}}), "none of its algorithms is allowed");
}

TEST(KeySet, AnExponentOfOneSignsNothing) {
  std::string key = rsa().jwk();
  key.replace(key.find("AQAB"), 4, "AQ");
  EXPECT_EQ(reason(key), "its exponent is even or 1");
  key.replace(key.rfind("\"AQ\""), 4, "\"AQAA\"");
  EXPECT_EQ(reason(key), "its exponent is even or 1");
}

TEST(KeySet, APointMustBeOnItsCurve) {
  std::string key = p256().jwk();
  char& one = key[key.find("\"y\":\"") + 10];
  one = one == 'A' ? 'B' : 'A';
  EXPECT_EQ(reason(key), "its point is not on its curve");
}

TEST(KeySet, OneBadKeyDoesNotSpoilTheRest) {
  const auto set = set_of(Signer("RSA", 1024).jwk(R"("kid":"weak")") + "," + rsa().jwk(R"("kid":"good")"));
  ASSERT_EQ(set->size(), 1u);
  ASSERT_EQ(set->skipped().size(), 1u);
  EXPECT_EQ(set->skipped()[0].kid, "weak");
  EXPECT_EQ(set->find("good", Algorithm::rs256).count, 1u);
}

TEST(KeySet, TwoKeysOfOneKid) {
  EXPECT_EQ(set_of(rsa().jwk(R"("kid":"a")") + "," + other_rsa().jwk(R"("kid":"a")"))->size(), 0u);  // neither
  EXPECT_EQ(set_of(rsa().jwk(R"("kid":"a")") + "," + rsa().jwk(R"("kid":"a")"))->size(), 1u);        // the same key
  EXPECT_EQ(set_of(rsa().jwk(R"("kid":"a")") + "," + p256().jwk(R"("kid":"a")"))->size(), 2u);  // told by their type
  EXPECT_EQ(set_of(Signer("RSA", 1024).jwk(R"("kid":"a")") + "," + rsa().jwk(R"("kid":"a")"))->size(), 0u);
  EXPECT_EQ(set_of(other_rsa().jwk(R"("kid":"a","use":"enc")") + "," + rsa().jwk(R"("kid":"a")"))->size(), 1u);
}

TEST(KeySet, ASecretBesidePublicKeysIsLeftOut) {
  KeyRules rules{.secrets = true};
  rules.allowed.add(Algorithm::hs256);
  EXPECT_EQ(set_of(oct().jwk(R"("kid":"s","alg":"HS256")"), rules)->size(), 1u);
  const auto set = set_of(oct().jwk(R"("kid":"s","alg":"HS256")") + "," + rsa().jwk(R"("kid":"r")"), rules);
  EXPECT_EQ(set->size(), 1u);
  EXPECT_EQ(set->find("s", Algorithm::hs256).count, 0u);
}

TEST(KeySet, TheAlgorithmIsTheKeys) {
  const auto fixed = set_of(rsa().jwk(R"("kid":"a","alg":"PS256")"));
  EXPECT_EQ(fixed->find("a", Algorithm::ps256).count, 1u);
  EXPECT_EQ(fixed->find("a", Algorithm::rs256).found, KeySet::Found::other_algorithm);
  const auto open = set_of(rsa().jwk(R"("kid":"a")"));
  EXPECT_EQ(open->find("a", Algorithm::rs256).count, 1u);
  EXPECT_EQ(open->find("a", Algorithm::ps256).count, 0u);
  const auto listed = set_of(rsa().jwk(R"("kid":"a")"), {.rsa = {Algorithm::rs256, Algorithm::ps256}});
  EXPECT_EQ(listed->find("a", Algorithm::ps256).count, 1u);
}

TEST(KeySet, AKidIsAnExactKeyOfAMap) {
  const auto set = set_of(rsa().jwk(R"("kid":"a")"));
  for (const char* kid : {"A", "a ", "a/../a", "../../dev/null", "' OR 1=1 --", "aa"})
    EXPECT_EQ(set->find(kid, Algorithm::rs256).found, KeySet::Found::unknown_kid) << kid;
  EXPECT_EQ(set->find({}, Algorithm::rs256).count, 1u);  // a token that names none
  EXPECT_EQ(set_of(rsa().jwk())->find("anything", Algorithm::rs256).count, 1u);
}

TEST(KeySet, RefusesWhatIsNoSet) {
  for (const char* text : {"", "[]", "{}", R"({"keys":{}})", R"({"keys":[],"keys":[]})", "<html>", "null"})
    EXPECT_FALSE(KeySet::parse(text, {}).has_value()) << text;
  EXPECT_EQ((*KeySet::parse(R"({"keys":[]})", {}))->size(), 0u);
}

TEST(KeySet, IsBounded) {
  std::string keys = "{}";
  for (int i = 0; i < 1000; ++i) keys += ",{}";
  EXPECT_EQ(set_of(keys)->skipped().size(), kMostKeys + 1);
}

TEST(Pem, PublicKeysOnly) {
  EXPECT_EQ((*KeySet::from_pem(rsa().pem(), {}))->find("any", Algorithm::rs256).count, 1u);
  EXPECT_EQ((*KeySet::from_pem(p256().pem(), {}))->find("any", Algorithm::es256).count, 1u);
  EXPECT_EQ((*KeySet::from_pem(ed25519().pem(), {}))->find("any", Algorithm::eddsa).count, 1u);
  EXPECT_EQ(KeySet::from_pem(Signer("RSA", 1024).pem(), {}).error(), "an RSA key of 1024 bits: 2048 are the least");
  EXPECT_TRUE(KeySet::from_pem("-----BEGIN PRIVATE KEY-----\n", {}).error().starts_with("is a private key"));
  EXPECT_FALSE(KeySet::from_pem("nonsense", {}).has_value());
}

TEST(Secret, IsAsLongAsItsDigest) {
  EXPECT_TRUE(KeySet::from_secret(std::string(32, 'x'), {Algorithm::hs256}).has_value());
  EXPECT_EQ(KeySet::from_secret(std::string(31, 'x'), {Algorithm::hs256}).error(),
            "has 31 bytes, HS256 needs at least 32");
}

}  // namespace
}  // namespace weir::jose
