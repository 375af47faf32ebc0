#include "base/file/whole_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace weir {
namespace {

namespace fs = std::filesystem;

class WholeFile : public testing::Test {
 protected:
  WholeFile() : folder_(fs::temp_directory_path() / ("whole_file." + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  ~WholeFile() override { fs::remove_all(folder_); }

  std::string path(std::string_view name) const { return folder_ / name; }
  static std::string text(const std::string& path) {
    std::ostringstream out;
    out << std::ifstream(path).rdbuf();
    return out.str();
  }
  static void put(const std::string& path, std::string_view text) { std::ofstream(path) << text; }
  static mode_t mode(const std::string& path) {
    struct stat about{};
    EXPECT_EQ(::stat(path.c_str(), &about), 0);
    return about.st_mode & 07777;
  }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(WholeFile, ReadsBackWhatWasWritten) {
  const std::string bytes(200'000, '\0');
  ASSERT_TRUE(replace_file(path("a"), bytes, Access::own));
  EXPECT_EQ(read_file(path("a"), bytes.size()), bytes);
  ASSERT_TRUE(replace_file(path("a"), "", Access::own));
  EXPECT_EQ(read_file(path("a"), 10), "");
  EXPECT_EQ(files(), 1u) << "nothing is left beside it";
}

TEST_F(WholeFile, AccessIsTheOwnersOrAsBefore) {
  put(path("a"), "old");
  fs::permissions(path("a"), fs::perms(0640));
  ASSERT_TRUE(replace_file(path("a"), "new", Access::as_before));
  EXPECT_EQ(mode(path("a")), 0640u);
  ASSERT_TRUE(replace_file(path("a"), "newer", Access::own));
  EXPECT_EQ(mode(path("a")), 0600u);
}

TEST_F(WholeFile, WhatAKilledWriteLeftIsInNobodysWay) {
  put(path("a.new"), "half");
  fs::permissions(path("a.new"), fs::perms(0666));
  ASSERT_TRUE(replace_file(path("a"), "whole", Access::own));
  EXPECT_EQ(text(path("a")), "whole");
  EXPECT_EQ(mode(path("a")), 0600u) << "not the rights of what was there";
  EXPECT_EQ(files(), 1u);
}

TEST_F(WholeFile, ALinkInThePlaceOfTheDraftIsNotFollowed) {
  put(path("elsewhere"), "mine");
  fs::create_symlink(path("elsewhere"), path("a.new"));
  ASSERT_TRUE(replace_file(path("a"), "whole", Access::own));
  EXPECT_EQ(text(path("elsewhere")), "mine");
}

TEST_F(WholeFile, AnErrorLeavesTheOldOneAndSaysWhere) {
  fs::create_directory(path("a"));  // a folder cannot be replaced
  const auto written = replace_file(path("a"), "x", Access::own);
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error(), "cannot write " + path("a") + ": Is a directory");
  EXPECT_EQ(files(), 1u) << "the draft is gone";
  const auto nowhere = replace_file(path("no/a"), "x", Access::own);
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error(), "cannot write " + path("no/a.new") + ": No such file or directory");
}

TEST_F(WholeFile, ReadsOnlyWhatItsOwnWritesCanBe) {
  EXPECT_EQ(read_file(path("a"), 10), std::nullopt);
  put(path("a"), "12345678901");
  EXPECT_EQ(read_file(path("a"), 10).error(), "cannot read " + path("a") + ": it is longer than any of ours");
  EXPECT_EQ(read_file(path("a"), 11), "12345678901");
  fs::create_symlink(path("a"), path("link"));
  EXPECT_TRUE(read_file(path("link"), 11).error().ends_with("; it must be no symbolic link"));
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  EXPECT_EQ(read_file(path("pipe"), 11).error(), "cannot read " + path("pipe") + ": it is no regular file");
}

}  // namespace
}  // namespace weir
