#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <thread>

#include "app/stores/revoked_tokens.h"

namespace weir::app {
namespace {

namespace fs = std::filesystem;

constexpr double kNever = std::numeric_limits<double>::infinity();

class RevokedFile : public testing::Test {
 protected:
  RevokedFile() : folder_(fs::temp_directory_path() / ("revoked_file." + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  ~RevokedFile() override { fs::remove_all(folder_); }

  std::string file() const { return folder_ / "revoked"; }
  std::string text() const {
    std::ostringstream out;
    out << std::ifstream(file()).rdbuf();
    return out.str();
  }
  void put(std::string_view text) const { std::ofstream(file()) << text; }
  void add(double until, std::string line, double now = 100) const {
    const auto added = revoked_in_file(file())->add({until, std::move(line)}, now);
    EXPECT_TRUE(added) << added.error();
  }

  fs::path folder_;
};

TEST_F(RevokedFile, IsMadeWhenItIsNotThere) {
  EXPECT_TRUE(revoked_in_file(file())->all().value().empty());
  add(200, "jti a");
  add(kNever, "jti b");
  EXPECT_EQ(text(), "# until 200\njti a\njti b\n");
  const auto all = revoked_in_file(file())->all();
  ASSERT_TRUE(all);
  ASSERT_EQ(all->size(), 2u);
  EXPECT_EQ((*all)[0].until, 200);
  EXPECT_EQ((*all)[1].until, kNever);
}

TEST_F(RevokedFile, WhatOperatorsWroteStays) {
  put("# ours, from the incident\njti a\n\n  \njti b");
  add(200, "jti c");
  EXPECT_EQ(text(), "# ours, from the incident\njti a\n\n  \njti b\n# until 200\njti c\n");
}

TEST_F(RevokedFile, TheLaterTimeCounts) {
  add(200, "jti a");
  add(150, "jti a");
  EXPECT_EQ(text(), "# until 200\njti a\n");
  add(300, "jti a");
  EXPECT_EQ(text(), "# until 300\njti a\n");
  add(kNever, "jti a");
  EXPECT_EQ(text(), "jti a\n");
}

TEST_F(RevokedFile, ForgetsWhatMayBeForgotten) {
  add(200, "jti a");
  add(300, "jti b");
  add(400, "jti c", 250);
  EXPECT_EQ(text(), "# until 300\njti b\n# until 400\njti c\n");
}

TEST_F(RevokedFile, KeepsItsMode) {
  put("jti a\n");
  fs::permissions(file(), fs::perms(0640));
  add(200, "jti b");
  struct stat about{};
  ASSERT_EQ(::stat(file().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0640u);
}

TEST_F(RevokedFile, WhatSeveralAddAtOnceIsAllThere) {
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([this, writer] {
      for (int i = 0; i < 20; ++i) add(200, "jti " + std::to_string(writer) + "." + std::to_string(i));
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(revoked_in_file(file())->all().value().size(), 80u);
}

TEST_F(RevokedFile, SaysWhyItCannotBeRead) {
  fs::create_directory(file());
  const auto all = revoked_in_file(file())->all();
  ASSERT_FALSE(all);
  EXPECT_EQ(all.error(), "cannot read " + file() + ": it is no regular file");
  EXPECT_FALSE(revoked_in_file(file())->add({200, "jti a"}, 100));
}

}  // namespace
}  // namespace weir::app
