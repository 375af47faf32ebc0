#include "app/host/watched_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace weir::app {
namespace {

namespace fs = std::filesystem;

class WatchedFilesTest : public testing::Test {
 protected:
  WatchedFilesTest() : folder_(fs::temp_directory_path() / ("watched_files." + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  ~WatchedFilesTest() override { fs::remove_all(folder_); }

  std::string path(std::string_view name) const { return folder_ / name; }
  void put(std::string_view name, std::string_view text) const { std::ofstream(path(name)) << text; }

  fs::path folder_;
  WatchedFiles watched_;
};

TEST_F(WatchedFilesTest, AChangeIsToldOnceWhenItHasSettled) {
  put("a", "1");
  watched_.watch({path("a")});
  EXPECT_FALSE(watched_.changed());
  put("a", "22");
  EXPECT_FALSE(watched_.changed()) << "it may still be being written";
  put("a", "333");
  EXPECT_FALSE(watched_.changed());
  EXPECT_TRUE(watched_.changed());
  EXPECT_FALSE(watched_.changed());
}

TEST_F(WatchedFilesTest, AnEditorThatReplacesIsSeen) {
  put("a", "1");
  watched_.watch({path("a")});
  put("a.draft", "2");  // of the same size
  fs::rename(path("a.draft"), path("a"));
  EXPECT_FALSE(watched_.changed());
  EXPECT_TRUE(watched_.changed());
}

// As mounted ConfigMaps are: a link to a folder, which is switched.
TEST_F(WatchedFilesTest, ALinkThatIsSwitchedIsSeen) {
  fs::create_directory(path("v1"));
  fs::create_directory(path("v2"));
  put("v1/weir.yaml", "1");
  put("v2/weir.yaml", "2");
  fs::create_directory_symlink(path("v1"), path("data"));
  watched_.watch({path("data/weir.yaml")});
  fs::create_directory_symlink(path("v2"), path("new"));
  fs::rename(path("new"), path("data"));
  EXPECT_FALSE(watched_.changed());
  EXPECT_TRUE(watched_.changed());
}

TEST_F(WatchedFilesTest, AFileThatIsGoneIsAChangeOnlyWhenItIsBack) {
  put("a", "1");
  watched_.watch({path("a"), path("never")});
  fs::remove(path("a"));
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(watched_.changed());
  put("a", "22");
  EXPECT_FALSE(watched_.changed());
  EXPECT_TRUE(watched_.changed());
}

TEST_F(WatchedFilesTest, AFileThatWasMissingIsSeenWhenItComes) {
  watched_.watch({path("late")});
  put("late", "1");
  EXPECT_FALSE(watched_.changed());
  EXPECT_TRUE(watched_.changed());
}

}  // namespace
}  // namespace weir::app
