#include "gateway/keys/revocation_list.h"

#include <gtest/gtest.h>

namespace weir::gateway {
namespace {

TEST(RevocationList, ByIdAndBySubject) {
  RevocationList list;
  EXPECT_TRUE(list.add("# gone\njti https://id t-1\nsub * mallory\r\n\nsub@1000 https://id alice smith\n"));
  EXPECT_EQ(list.size(), 3u);
  EXPECT_TRUE(list.revoked({.issuer = "https://id", .id = "t-1"}));
  EXPECT_FALSE(list.revoked({.issuer = "https://other", .id = "t-1"}));
  EXPECT_FALSE(list.revoked({.issuer = "https://id", .id = "t-2", .subject = "t-1"}));
  EXPECT_TRUE(list.revoked({.issuer = "https://other", .subject = "mallory", .issued_at = 9e9}));
  EXPECT_TRUE(list.revoked({.issuer = "https://id", .subject = "alice smith", .issued_at = 999}));
  EXPECT_TRUE(list.revoked({.issuer = "https://id", .subject = "alice smith"}));  // nobody knows when
  EXPECT_FALSE(list.revoked({.issuer = "https://id", .subject = "alice smith", .issued_at = 1000}));
  EXPECT_FALSE(list.revoked({.issuer = "https://id"}));
}

TEST(RevocationList, LinesThatSayNothing) {
  for (const char* line :
       {"jti", "jti https://id", "jti https://id ", "id * x", "sub@ * x", "sub@1x * x", "sub@-x * x"}) {
    RevocationList list;
    EXPECT_FALSE(list.add(line)) << line;
    EXPECT_EQ(list.size(), 0u) << line;
  }
  RevocationList mixed;
  EXPECT_FALSE(mixed.add("nonsense\njti * t-1"));
  EXPECT_TRUE(mixed.revoked({.issuer = "i", .id = "t-1"}));
}

TEST(RevocationList, TheVersionIsOfTheContent) {
  RevocationList one, other, third;
  one.add("jti * a\njti * b");
  other.add("jti * b\njti * a\njti * a");
  third.add("jti * a");
  EXPECT_EQ(one.version(), other.version());
  EXPECT_NE(one.version(), third.version());
  WorkerRevocations worker;
  EXPECT_FALSE(worker.revoked({.issuer = "i", .id = "a"}));
  const auto before = worker.version();
  worker.replace(std::make_shared<const RevocationList>(third));
  EXPECT_NE(worker.version(), before);
  EXPECT_TRUE(worker.revoked({.issuer = "i", .id = "a"}));
}

}  // namespace
}  // namespace weir::gateway
