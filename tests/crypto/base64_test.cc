#include "crypto/base64.h"

#include <gtest/gtest.h>

namespace weir::crypto {
namespace {

TEST(Base64, ThereAndBack) {  // RFC 4648 §10
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""}, {"f", "Zg=="}, {"fo", "Zm8="}, {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}};
  for (const auto& [plain, coded] : cases) {
    EXPECT_EQ(to_base64({reinterpret_cast<const unsigned char*>(plain.data()), plain.size()}), coded);
    std::string out;
    EXPECT_TRUE(from_base64(coded, out)) << coded;
    EXPECT_EQ(out, plain);
  }
  std::string out;
  EXPECT_TRUE(from_base64("Zg", out)) << "padding may be left out";
  for (const std::string_view bad : {"Z", "Zh==", "Z===", "Zg=", "Zm9v\n", "Zm9v====", "Zm 9v", "=Zm9", "Zm-_"})
    EXPECT_FALSE(from_base64(bad, out)) << bad;
}

}  // namespace
}  // namespace weir::crypto
