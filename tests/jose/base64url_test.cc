#include "jose/base64url.h"

#include <gtest/gtest.h>

namespace weir::jose {
namespace {

TEST(Base64url, ReadsTheOneSpelling) {
  EXPECT_EQ(decode_base64url(""), "");
  EXPECT_EQ(decode_base64url("Zg"), "f");
  EXPECT_EQ(decode_base64url("Zm8"), "fo");
  EXPECT_EQ(decode_base64url("Zm9v"), "foo");
  EXPECT_EQ(decode_base64url("-_-_"), "\xfb\xff\xbf");
}

TEST(Base64url, RefusesEveryOther) {
  for (const char* text : {"Zg==", "Zm8=", "Zm9v\n", " Zm9v", "Zm 9v", "+/+/", "Zm9?", "Z", "Zm9vZ", "Zh", "Zm9",
                           "Zm9v.", "Zm9v\xff", "Zm9v%3D"})
    EXPECT_FALSE(decode_base64url(text)) << text;
  EXPECT_FALSE(decode_base64url(std::string_view("Zm9v\0abc", 8)));
}

TEST(Base64url, EveryLengthThereAndBack) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    EXPECT_EQ(decode_base64url(encode_base64url(bytes)), bytes);
    bytes.push_back(static_cast<char>(i * 7));
  }
}

}  // namespace
}  // namespace weir::jose
