#include "identity/password.h"

#include <gtest/gtest.h>

#include "identity/consumer_book.h"

namespace weir::identity {
namespace {

TEST(Password, WhatIsMadeHolds) {
  const std::string text = hash_password("open sesame");
  EXPECT_TRUE(text.starts_with("$scrypt$ln=15,r=8,p=3$")) << text;
  const auto hash = parse_password_hash(text);
  ASSERT_TRUE(hash) << hash.error();
  EXPECT_TRUE(password_holds(*hash, "open sesame"));
  EXPECT_FALSE(password_holds(*hash, "open sesamE"));
  EXPECT_FALSE(password_holds(*hash, ""));
  EXPECT_NE(text, hash_password("open sesame")) << "a salt of its own each time";
}

// Made with Python: hashlib.scrypt(b"pleaseletmein", salt=b"SodiumChloride", n=16384, r=8, p=1, dklen=64), which is
// also RFC 7914 §12; hashlib.pbkdf2_hmac("sha256", b"password", b"saltsalt", 100000).
TEST(Password, HashesOfOtherTools) {
  const auto rfc = parse_password_hash(
      "$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf"
      "046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw");
  ASSERT_TRUE(rfc) << rfc.error();
  EXPECT_TRUE(password_holds(*rfc, "pleaseletmein"));
  EXPECT_FALSE(password_holds(*rfc, "pleaseletmeout"));
  const auto pbkdf2 =
      parse_password_hash("$pbkdf2-sha256$i=100000$c2FsdHNhbHQ$Dq/FSAE9aDFLhneTCYV8JA1eJS7pdgr51O28euBcxUc");
  ASSERT_TRUE(pbkdf2) << pbkdf2.error();
  EXPECT_TRUE(password_holds(*pbkdf2, "password"));
  EXPECT_FALSE(password_holds(*pbkdf2, "Password"));
}

TEST(Password, Mistakes) {
  const auto wrong = [](std::string_view text) {
    const auto read = parse_password_hash(text);
    return read ? std::string("nothing") : read.error();
  };
  EXPECT_EQ(wrong("hunter2").substr(0, 17), "expected $scrypt$");
  EXPECT_EQ(wrong("$2b$12$abcdefghijklmnopqrstuv").substr(0, 17), "expected $scrypt$") << "bcrypt";
  EXPECT_EQ(wrong("$scrypt$ln=15,r=8$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA"), "expected ln=N,r=N,p=N");
  EXPECT_TRUE(wrong("$scrypt$ln=24,r=64,p=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA").contains("128 MiB"));
  EXPECT_TRUE(wrong("$pbkdf2-sha256$i=1$c2FsdHNhbHQ$c2FsdHNhbHRzYWx0c2FsdA").contains("iterations"));
  EXPECT_TRUE(wrong("$scrypt$ln=15,r=8,p=3$c2Fs$c2FsdHNhbHRzYWx0c2FsdA").contains("salt"));
  EXPECT_TRUE(wrong("$scrypt$ln=15,r=8,p=3$c2FsdHNhbHQ$c2Fs").contains("hash"));
}

TEST(ConsumerBook, CredentialsOfAnyKindLeadToOneConsumer) {
  ConsumerBook book;
  ConsumerBookMaker maker(book);
  Consumer* shop = maker.consumer("shop", "c-1");
  Consumer* other = maker.consumer("other", "");
  ASSERT_NE(shop, nullptr);
  EXPECT_EQ(maker.consumer("shop", ""), nullptr);
  maker.group(*shop, "gold");
  EXPECT_TRUE(maker.basic(*shop, "anna", nobodys_hash()));
  EXPECT_FALSE(maker.basic(*other, "anna", nobodys_hash()));
  EXPECT_EQ(maker.taken_by(), "shop");
  EXPECT_TRUE(maker.signing(*shop, "k1", "secret"));
  EXPECT_TRUE(maker.token(*shop, "https://idp", "anna"));
  EXPECT_TRUE(maker.token(*other, "https://idp", ""));
  EXPECT_EQ(book.by_name("shop")->groups[0], "gold");
  EXPECT_EQ(book.by_username("anna")->consumer, book.by_name("shop"));
  EXPECT_EQ(book.by_key_id("k1")->secret, "secret");
  EXPECT_EQ(book.by_token("https://idp", "anna")->name, "shop");
  EXPECT_EQ(book.by_token("https://idp", "berta")->name, "other") << "the issuer's other subjects";
  EXPECT_EQ(book.by_token("https://other", "anna"), nullptr);
  EXPECT_EQ(book.by_username("berta"), nullptr);
}

TEST(ConsumerBook, TheNarrowestCertificateMappingWins) {
  ConsumerBook book;
  ConsumerBookMaker maker(book);
  EXPECT_TRUE(maker.subject(*maker.consumer("by-subject", ""), "CN=a"));
  EXPECT_TRUE(maker.san(*maker.consumer("by-san", ""), "dns:a.example"));
  EXPECT_TRUE(maker.fingerprint(*maker.consumer("by-print", ""), "00ff"));
  const std::string_view sans[] = {"uri:x", "dns:a.example"};
  EXPECT_EQ(book.by_certificate({"CN=a", sans, "00ff"})->name, "by-print");
  EXPECT_EQ(book.by_certificate({"CN=a", sans, "11"})->name, "by-san");
  EXPECT_EQ(book.by_certificate({"CN=a", {}, "11"})->name, "by-subject");
  EXPECT_EQ(book.by_certificate({"CN=b", {}, "11"}), nullptr);
}

}  // namespace
}  // namespace weir::identity
