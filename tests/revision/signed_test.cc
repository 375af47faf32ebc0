#include "revision/signed.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"

namespace weir::revision {
namespace {

// The private key of RFC 8032 section 7.1, test 1, as PKCS #8.
constexpr std::string_view kPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g\n"
    "-----END PRIVATE KEY-----\n";
constexpr std::string_view kPublic = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
constexpr std::string_view kEcPem =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgevZzL1gdAFr88hb2\n"
    "OF/2NxApJCzGCEDdfSp6VQO30hyhRANCAAQRWz+jn65BtOMvdyHKcvjBeBSDZH2r\n"
    "1RTwjmYSi9R/zpBnuQ4EiMnCqfMPWiZqB4QdbAd0E7oH50VpuZ1P087G\n"
    "-----END PRIVATE KEY-----\n";

Signed example(const SigningKey& key) { return key.sign(7, R"({"routes":[{"route_id":"a"}]})", 1'790'000'000); }

TEST(SigningKey, KeyOfTheRfc) {
  const auto key = SigningKey::from_pem(kPem);
  ASSERT_TRUE(key) << key.error();
  EXPECT_EQ(to_hex(key->public_key()), kPublic);
  EXPECT_EQ(key->to_pem(), kPem);
}

TEST(SigningKey, EachIsAnotherAndSurvivesItsText) {
  const SigningKey key = SigningKey::generate();
  EXPECT_NE(key.public_key(), SigningKey::generate().public_key());
  const auto again = SigningKey::from_pem(key.to_pem());
  ASSERT_TRUE(again);
  EXPECT_EQ(again->public_key(), key.public_key());
}

TEST(SigningKey, OtherKeysAreRefusedWithASentence) {
  const auto refused = [](std::string_view pem) {
    const auto key = SigningKey::from_pem(pem);
    return key ? std::string() : key.error();
  };
  EXPECT_NE(refused(kEcPem).find("is not Ed25519"), std::string::npos);
  EXPECT_NE(refused("").find("no private key"), std::string::npos);
  EXPECT_NE(refused(kPem.substr(0, 80)).find("no private key"), std::string::npos);
  EXPECT_NE(refused(std::string(100'000, 'a')).find("longer"), std::string::npos);
}

TEST(PublicKey, FromHex) {
  const auto key = public_key("  " + std::string(kPublic) + "\n");
  ASSERT_TRUE(key);
  EXPECT_EQ(to_hex(*key), kPublic);
  EXPECT_FALSE(public_key(""));
  EXPECT_FALSE(public_key(" "));
  EXPECT_FALSE(public_key(std::string(kPublic) + "0"));
  EXPECT_FALSE(public_key("g" + std::string(kPublic.substr(1))));
}

TEST(Signed, VerifiesForItsKeyAndNoOther) {
  const SigningKey key = SigningKey::generate();
  const Signed revision = example(key);
  EXPECT_EQ(revision.digest, crypto::sha256_hex(revision.document));
  EXPECT_EQ(to_be_signed(revision), "weir-revision-1\n7\n1790000000\n" + revision.digest + "\n");
  EXPECT_TRUE(verify(revision, key.public_key()));
  const auto other = verify(revision, SigningKey::generate().public_key());
  ASSERT_FALSE(other);
  EXPECT_NE(other.error().find("signature of revision 7"), std::string::npos);
}

TEST(Signed, EveryMemberIsUnderTheSignature) {
  const SigningKey key = SigningKey::generate();
  const auto refused = [&](auto change) {
    Signed revision = example(key);
    change(revision);
    return !verify(revision, key.public_key());
  };
  EXPECT_FALSE(refused([](Signed&) {}));
  EXPECT_TRUE(refused([](Signed& r) { r.number = 8; }));
  EXPECT_TRUE(refused([](Signed& r) { r.made_at += 1; }));
  EXPECT_TRUE(refused([](Signed& r) { r.document += " "; }));
  EXPECT_TRUE(refused([](Signed& r) { r.digest = crypto::sha256_hex("other"); }));
  EXPECT_TRUE(refused([](Signed& r) { r.digest = crypto::sha256_hex(r.document = "{}"); }));
  EXPECT_TRUE(refused([](Signed& r) { r.signature[63] ^= 1; }));
}

TEST(Encoded, ReadsBackTheSame) {
  const SigningKey key = SigningKey::generate();
  for (const std::string& document : {std::string("{}"), std::string(), std::string("a\nb\0c", 5)}) {
    const Signed revision = key.sign(1, document, -5);
    const auto back = decode(encode(revision));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(back->number, 1u);
    EXPECT_EQ(back->made_at, -5);
    EXPECT_EQ(back->document, document);
    EXPECT_EQ(back->digest, revision.digest);
    EXPECT_TRUE(verify(*back, key.public_key()));
  }
}

TEST(Encoded, AnyByteChangedIsRefused) {
  const SigningKey key = SigningKey::generate();
  const std::string good = encode(example(key));
  for (std::size_t at = 0; at < good.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string bytes = good;
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << bit));
      const auto revision = decode(bytes);
      EXPECT_FALSE(revision && verify(*revision, key.public_key())) << "bit " << bit << " of byte " << at;
    }
  }
}

TEST(Encoded, AnyLengthButItsOwnIsRefused) {
  const std::string good = encode(example(SigningKey::generate()));
  for (std::size_t size = 0; size < good.size(); ++size) EXPECT_FALSE(decode(good.substr(0, size))) << size;
  EXPECT_FALSE(decode(good + "\n"));
  EXPECT_TRUE(decode(good));
}

TEST(Encoded, AnotherFormOrSpellingIsRefused) {
  const std::string good = encode(example(SigningKey::generate()));
  const auto with = [&](std::string_view what, std::string_view by) {
    std::string out = good;
    const std::size_t at = out.find(what);
    EXPECT_NE(at, std::string::npos) << what;
    return out.replace(at, what.size(), by);
  };
  EXPECT_FALSE(decode(with(R"("revision_form":1)", R"("revision_form":2)")));
  EXPECT_FALSE(decode(with(R"("number":7)", R"("number":0)")));
  EXPECT_FALSE(decode(with(R"("number":7)", R"("number":-7)")));
  EXPECT_FALSE(decode(with(R"("number":7)", R"("number":7.0)")));
  EXPECT_FALSE(decode(with(R"({"digest")", R"({ "digest")")));
  EXPECT_FALSE(decode(with(R"({"digest")", R"({"a":1,"digest")")));
  EXPECT_FALSE(decode(with("\n", "\r\n")));
}

}  // namespace
}  // namespace weir::revision
