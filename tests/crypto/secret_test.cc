#include "crypto/secret.h"

#include <gtest/gtest.h>

namespace weir::crypto {
namespace {

TEST(Base62, EveryDigitComesUp) {
  const std::string text = random_base62(20'000);
  std::array<int, 256> seen{};
  for (const char c : text) ++seen[static_cast<unsigned char>(c)];
  int kinds = 0;
  for (const int count : seen) {
    if (count == 0) continue;
    ++kinds;
    // 323 expected, a deviation of 18: eight of them never happen to an even source.
    EXPECT_GT(count, 180);
    EXPECT_LT(count, 470);
  }
  EXPECT_EQ(kinds, 62);
  EXPECT_NE(random_base62(32), random_base62(32));
}

}  // namespace
}  // namespace weir::crypto
