#include "identity/api_key.h"

#include <gtest/gtest.h>

namespace weir::identity {
namespace {

constexpr std::string_view kId = "0123456789AB";
constexpr std::string_view kSecret = "abcdefghijklmnopqrstuvwxyzABCDEF";

TEST(ApiKey, WhatIsMadeIsRead) {
  const std::string key = make_api_key(kId, kSecret);
  EXPECT_EQ(key.size(), kApiKeyLength);
  EXPECT_TRUE(key.starts_with("weir_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEF_")) << key;
  const auto parts = parse_api_key(key);
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->id, kId);
  EXPECT_EQ(parts->secret, kSecret);
}

// Made once with Python's zlib.crc32: a key that is out there stays good.
TEST(ApiKey, TheChecksumIsCrc32) {
  EXPECT_EQ(make_api_key(kId, kSecret), "weir_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEF_0c711n");
}

TEST(ApiKey, EveryChangedByteIsNoticed) {
  const std::string key = make_api_key(kId, kSecret);
  for (std::size_t i = 0; i < key.size(); ++i) {
    for (const char c : {'a', 'Z', '_', '-', '\0', '\xff'}) {
      std::string other = key;
      if (other[i] == c) continue;
      other[i] = c;
      EXPECT_FALSE(parse_api_key(other)) << i;
    }
  }
  EXPECT_FALSE(parse_api_key(""));
  EXPECT_FALSE(parse_api_key("weir_"));
  EXPECT_FALSE(parse_api_key(key.substr(1)));
  EXPECT_FALSE(parse_api_key(key + "0"));
}

TEST(ApiKey, AChecksumDoesNotMakeOtherLettersGood) {
  EXPECT_FALSE(parse_api_key(make_api_key("0123456789A-", kSecret)));
  EXPECT_FALSE(parse_api_key(make_api_key(kId, "abcdefghijklmnopqrstuvwxyzABCDE.")));
}

}  // namespace
}  // namespace weir::identity
