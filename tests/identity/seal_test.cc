#include "identity/seal.h"

#include <gtest/gtest.h>

namespace weir::identity {
namespace {

constexpr std::string_view kKey = "0123456789abcdef0123456789abcdef";

TEST(Seal, WhatIsSealedOpensAgain) {
  for (const std::string& plain :
       {std::string(), std::string("hunter2"), std::string(100'000, 'x'), std::string("\0\xff\n", 3)}) {
    const std::string sealed = seal(plain, kKey, "secret/a");
    EXPECT_TRUE(is_sealed(sealed));
    EXPECT_FALSE(plain.size() > 3 && sealed.contains(plain));
    const auto opened = unseal(sealed, kKey, "secret/a");
    ASSERT_TRUE(opened) << opened.error();
    EXPECT_EQ(*opened, plain);
  }
}

TEST(Seal, TheSameTextIsSealedDifferentlyEachTime) { EXPECT_NE(seal("a", kKey, "x"), seal("a", kKey, "x")); }

// Stays readable by later versions: what a database holds outlives the program.
TEST(Seal, TextSealedByTheFirstVersionOpens) {
  constexpr std::string_view kSealed = "sealed:v1:AAECAwQFBgcICQoLUUTGZmK746p4RBjwN05brlUPbYSKyA4vTbwtBSA=";
  const auto opened = unseal(kSealed, kKey, about_secret("known"));
  ASSERT_TRUE(opened) << opened.error();
  EXPECT_EQ(*opened, "an old secret");
}

TEST(Seal, AnotherKeyAnotherNameOrAnotherByteOpensNothing) {
  // 36 bytes: base64 without padding, so every digit counts.
  const std::string sealed = seal("hunter22", kKey, about_secret("a"));
  EXPECT_FALSE(unseal(sealed, "another key that is as long as it", about_secret("a")));
  EXPECT_FALSE(unseal(sealed, kKey, about_secret("b")));
  EXPECT_FALSE(unseal(sealed, kKey, about_certificate("a")));
  const auto refused = unseal(sealed, kKey, "");
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().starts_with("cannot be opened: ")) << refused.error();
  for (std::size_t i = 10; i < sealed.size(); ++i) {
    std::string other = sealed;
    other[i] = other[i] == 'A' ? 'B' : 'A';
    const auto opened = unseal(other, kKey, about_secret("a"));

    EXPECT_FALSE(opened) << i;
    EXPECT_FALSE(unseal(sealed.substr(0, i), kKey, about_secret("a"))) << i;
  }
}

TEST(Seal, WhatIsNotSealedTextIsNeitherOpenedNorRepeated) {
  for (const std::string_view text :
       {"", "hunter2", "sealed:v1:", "sealed:v1:hunter2", "sealed:v2:AAAA", "sealed:v1:!"}) {
    const auto opened = unseal(text, kKey, "secret/a");
    ASSERT_FALSE(opened) << text;
    EXPECT_FALSE(opened.error().contains("hunter2"));
  }
  EXPECT_FALSE(is_sealed("hunter2"));
}

}  // namespace
}  // namespace weir::identity
