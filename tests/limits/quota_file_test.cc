#include "limits/quota_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/hash.h"

namespace weir::limits {
namespace {

using ports::RateAsk;
using ports::RateLimit;

constexpr std::int64_t kNoon = 1'709'208'000;  // 2024-02-29T12:00:00Z

struct Folder {
  Folder() {
    char pattern[] = "/tmp/weir-quotas-XXXXXX";
    path = ::mkdtemp(pattern);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

struct Life {
  explicit Life(const std::string& folder) {
    limit.name = "daily";
    limit.kind = RateLimit::Kind::quota;
    limit.most = 1000;
    auto opened = file.open(folder, warning);
    EXPECT_TRUE(opened) << opened.error();
  }
  // Uses one, and says how many are left.
  std::uint64_t use(std::string_view key, std::int64_t wall = kNoon) {
    RateAsk ask{.limit = &limit, .key = key, .wall = wall};
    local.take({&ask, 1});
    return ask.decision.remaining;
  }
  RateLimit limit;
  LocalStore local;
  Instances instances;
  std::string warning;
  QuotaFile file{local, instances};
};

TEST(QuotaFile, QuotasAndInstancesSurviveARestart) {
  const Folder folder;
  {
    Life first(folder.path + "/made");
    for (int i = 0; i < 300; ++i) first.use("a");
    for (int i = 0; i < 5000; ++i) first.use("many" + std::to_string(i));
    first.instances.remembered(9);
  }
  Life second(folder.path + "/made");
  EXPECT_EQ(second.warning, "");
  EXPECT_EQ(second.use("a"), 699u);
  EXPECT_EQ(second.use("b"), 999u);
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(second.use("many" + std::to_string(i)), 998u);
  EXPECT_EQ(second.instances.live(), 9u);
  EXPECT_EQ(second.use("a", kNoon + 86'400), 999u) << "a new day";
}

TEST(QuotaFile, ACountThatOverflowsIsDamage) {
  const Folder folder;
  const std::string path = folder.path + "/quotas";
  {
    Life first(folder.path);
  }
  std::ifstream in(path, std::ios::binary);
  std::string bytes{std::istreambuf_iterator<char>(in), {}};
  // The count is the last word of the head; 2^60 times 16 is 0 in 64 bits, which is what an empty file has.
  const std::uint64_t count = std::uint64_t{1} << 60;
  std::memcpy(bytes.data() + bytes.size() - 16, &count, sizeof count);
  const std::uint64_t sum = stable_hash(std::string_view(bytes).substr(0, bytes.size() - 8));
  std::memcpy(bytes.data() + bytes.size() - 8, &sum, sizeof sum);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  Life second(folder.path);
  EXPECT_NE(second.warning.find("damaged"), std::string::npos) << second.warning;
  EXPECT_EQ(second.use("a"), 999u);
}

TEST(QuotaFile, AKillForgetsOnlyWhatCameAfterTheLastWrite) {
  const Folder folder;
  Life first(folder.path);
  for (int i = 0; i < 100; ++i) first.use("a");
  ASSERT_TRUE(first.file.let_go());
  first.use("a");
  Life second(folder.path);  // the first has not ended, as after kill -9
  EXPECT_EQ(second.use("a"), 899u);
}

TEST(QuotaFile, WhoHandsOverWritesALastTimeAndNeverAgain) {
  const Folder folder;
  {
    Life first(folder.path);
    for (int i = 0; i < 100; ++i) first.use("a");
    ASSERT_TRUE(first.file.let_go());
    Life second(folder.path);
    for (int i = 0; i < 10; ++i) second.use("a");
    for (int i = 0; i < 500; ++i) first.use("a");
  }
  Life third(folder.path);
  EXPECT_EQ(third.use("a"), 889u);
}

TEST(QuotaFile, ADamagedFileIsSetAside) {
  const Folder folder;
  {
    Life first(folder.path);
    for (int i = 0; i < 100; ++i) first.use("a");
  }
  const std::string path = folder.path + "/quotas";
  std::ifstream in(path, std::ios::binary);
  const std::string good((std::istreambuf_iterator<char>(in)), {});
  in.close();
  for (std::size_t at = 0; at < good.size(); at += 7) {
    for (const bool cut : {false, true}) {
      std::string bad = good;
      if (cut)
        bad.resize(at);
      else
        bad[at] = static_cast<char>(bad[at] ^ 0x10);
      std::ofstream(path, std::ios::binary | std::ios::trunc) << bad;
      Life life(folder.path);
      EXPECT_EQ(life.use("a"), 999u) << at;
      if (!bad.empty()) EXPECT_NE(life.warning, "") << at;
    }
  }
  EXPECT_TRUE(std::filesystem::exists(path + ".damaged"));
}

TEST(QuotaFile, AFolderThatCannotBeWrittenIsAnError) {
  LocalStore local;
  Instances instances;
  QuotaFile file(local, instances);
  std::string warning;
  EXPECT_FALSE(file.open("/proc/nowhere", warning));
}

}  // namespace
}  // namespace weir::limits
