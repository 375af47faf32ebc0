#include "base/file/secret_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <vector>

namespace weir {
namespace {

namespace fs = std::filesystem;
using Text = std::expected<std::string, std::string>;

class SecretFile : public testing::Test {
 protected:
  SecretFile() : folder_(fs::temp_directory_path() / ("secret_file." + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  ~SecretFile() override { fs::remove_all(folder_); }

  std::string file() const { return folder_ / "key"; }
  std::size_t files() const {
    return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder_), fs::directory_iterator()));
  }

  fs::path folder_;
};

TEST_F(SecretFile, IsMadeOnceAndIsItsOwnersAlone) {
  EXPECT_EQ(read_or_make_secret(file(), "the key", [] { return Text("first"); }), "first");
  EXPECT_EQ(read_or_make_secret(file(), "the key", [] { return Text("second"); }), "first");
  struct stat about{};
  ASSERT_EQ(::stat(file().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 07777, 0600u);
  EXPECT_EQ(files(), 1u) << "nothing is left beside it";
}

TEST_F(SecretFile, WhatCannotBeMadeLeavesNothing) {
  const auto made = read_or_make_secret(file(), "the key", [] { return Text(std::unexpected("no dice")); });
  EXPECT_EQ(made, Text(std::unexpected("no dice")));
  EXPECT_EQ(files(), 0u);
  const std::string nowhere = folder_ / "no" / "key";
  EXPECT_EQ(read_or_make_secret(nowhere, "the key", [] { return Text("x"); }).error(),
            "the key " + nowhere + " cannot be made: No such file or directory");
}

// Processes have one draft each; threads of one process would share it, so each is a process here.
TEST_F(SecretFile, OfSeveralThatMakeItOneWins) {
  constexpr int kMakers = 12;
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  std::vector<pid_t> makers;
  for (int i = 0; i < kMakers; ++i) {
    const pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      const std::string mine = "secret " + std::to_string(100 + i);
      const Text got = read_or_make_secret(file(), "the key", [&] { return Text(mine); });
      const std::string text = got.value_or("failed    ");
      ::_exit(::write(pipe[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    makers.push_back(child);
  }
  ::close(pipe[1]);
  std::string all;
  char piece[4096];
  for (ssize_t got = 0; (got = ::read(pipe[0], piece, sizeof piece)) > 0;)
    all.append(piece, static_cast<std::size_t>(got));
  ::close(pipe[0]);
  for (const pid_t maker : makers) {
    int status = -1;
    EXPECT_EQ(::waitpid(maker, &status, 0), maker);
    EXPECT_EQ(status, 0);
  }
  const Text winner = read_or_make_secret(file(), "the key", [] { return Text("late"); });
  ASSERT_TRUE(winner);
  ASSERT_EQ(winner->size(), 10u);
  std::string expected;
  for (int i = 0; i < kMakers; ++i) expected += *winner;
  EXPECT_EQ(all, expected);
  EXPECT_EQ(files(), 1u);
}

}  // namespace
}  // namespace weir
