#include "gateway/keys/revocation_copy.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <limits>

namespace weir::gateway {
namespace {

namespace fs = std::filesystem;

constexpr double kNever = std::numeric_limits<double>::infinity();

class RevocationCopyTest : public ::testing::Test {
 protected:
  RevocationCopyTest() {
    char pattern[] = "/tmp/weir-revoked-XXXXXX";
    state = ::mkdtemp(pattern);
  }
  ~RevocationCopyTest() override { fs::remove_all(state); }

  std::string bytes() const {
    std::ifstream in(state + "/revoked", std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  void put(const std::string& text) const {
    std::ofstream(state + "/revoked", std::ios::binary | std::ios::trunc) << text;
  }

  std::string state;
};

TEST_F(RevocationCopyTest, WhatIsWrittenIsRead) {
  const std::vector<Revoked> list = {{2000, "jti * a b"}, {3000, "sub https://id.test bob"}, {kNever, "jti * c"}};
  ASSERT_TRUE(write_revocation_copy(state, list));
  const auto read = read_revocation_copy(state, 1000);
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(*read, list);
}

TEST_F(RevocationCopyTest, WhatMayBeForgottenIsLeftOutAndNotBefore) {
  ASSERT_TRUE(write_revocation_copy(state, {{2000.25, "jti * a"}, {3000, "jti * b"}}));
  EXPECT_EQ(read_revocation_copy(state, 2000.5)->size(), 2u) << "rounded up";
  EXPECT_EQ(read_revocation_copy(state, 2002)->size(), 1u);
  EXPECT_EQ(read_revocation_copy(state, 4000)->size(), 0u);
}

TEST_F(RevocationCopyTest, NoFileIsAnEmptyListAndAnotherFolderIsMade) {
  EXPECT_TRUE(read_revocation_copy(state, 0)->empty());
  EXPECT_TRUE(read_revocation_copy(state + "/none", 0)->empty());
  ASSERT_TRUE(write_revocation_copy(state + "/none", {{1, "jti * a"}}));
  EXPECT_EQ(read_revocation_copy(state + "/none", 0)->size(), 1u);
}

TEST_F(RevocationCopyTest, NobodyElseReadsIt) {
  ASSERT_TRUE(write_revocation_copy(state, {{1, "jti * a"}}));
  struct stat about{};
  ASSERT_EQ(::stat((state + "/revoked").c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(RevocationCopyTest, EveryFlippedByteAndEveryCutIsSeen) {
  ASSERT_TRUE(write_revocation_copy(state, {{2000, "jti * a"}, {kNever, "sub * bob"}}));
  const std::string whole = bytes();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    put(changed);
    EXPECT_FALSE(read_revocation_copy(state, 0)) << "byte " << i;
    put(whole.substr(0, i));
    EXPECT_FALSE(read_revocation_copy(state, 0)) << "cut at " << i;
  }
  put(whole + "x");
  EXPECT_FALSE(read_revocation_copy(state, 0));
  put(whole);
  EXPECT_TRUE(read_revocation_copy(state, 0));
}

}  // namespace
}  // namespace weir::gateway
