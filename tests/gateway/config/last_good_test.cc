#include "gateway/config/last_good.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "io/loop/clock.h"

namespace weir::gateway {
namespace {

namespace fs = std::filesystem;

std::string contents(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const fs::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

class LastGoodTest : public ::testing::Test {
 protected:
  LastGoodTest() {
    char pattern[] = "/tmp/weir-last-good-XXXXXX";
    state = ::mkdtemp(pattern);
  }
  ~LastGoodTest() override {
    fs::permissions(state, fs::perms::owner_all);
    fs::remove_all(state);
  }

  revision::Signed make(std::uint64_t number) const {
    const std::string id = std::to_string(number);
    return key.sign(number, R"({"routes":[{"path_pattern":"/)" + id + R"(","route_id":")" + id + R"("}]})",
                    1'790'000'000);
  }
  void save(std::uint64_t number) const {
    const auto saved = kept().save(make(number));
    ASSERT_TRUE(saved) << saved.error();
  }
  LastGood kept() const { return LastGood(state.string()); }
  std::uint64_t loaded() const {
    const auto out = kept().load(key.public_key());
    return out.revision ? out.revision->number : 0;
  }
  fs::path file(std::uint64_t number) const {
    const std::string digits = std::to_string(number);
    return state / "revisions" / (std::string(20 - digits.size(), '0') + digits + ".revision");
  }
  std::vector<std::string> files() const {
    std::vector<std::string> out;
    for (const auto& entry : fs::directory_iterator(state / "revisions")) out.push_back(entry.path().filename());
    std::ranges::sort(out);
    return out;
  }

  const revision::SigningKey key = revision::SigningKey::generate();
  fs::path state;
};

TEST_F(LastGoodTest, NothingAtFirst) {
  const auto out = LastGood((state / "not" / "there").string()).load(key.public_key());
  EXPECT_FALSE(out.revision);
  EXPECT_TRUE(out.skipped.empty());
}

TEST_F(LastGoodTest, TheNewestComesBackAndThreeStay) {
  for (const std::uint64_t number : {7, 8, 9, 10, 11}) save(number);
  const auto out = kept().load(key.public_key());
  ASSERT_TRUE(out.revision);
  EXPECT_EQ(revision::encode(*out.revision), revision::encode(make(11)));
  EXPECT_TRUE(out.skipped.empty());
  EXPECT_EQ(files(), (std::vector<std::string>{file(9).filename(), file(10).filename(), file(11).filename()}));
  EXPECT_EQ(fs::status(file(11)).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(LastGoodTest, AnOlderOneCanBeAskedFor) {
  for (const std::uint64_t number : {7, 8, 9}) save(number);
  EXPECT_EQ(kept().load(key.public_key(), 9).revision->number, 8u);
  EXPECT_EQ(kept().load(key.public_key(), 8).revision->number, 7u);
  const auto none = kept().load(key.public_key(), 7);
  EXPECT_FALSE(none.revision);
  EXPECT_TRUE(none.skipped.empty());
}

TEST_F(LastGoodTest, OtherFilesAreLeftAlone) {
  fs::create_directories(state / "revisions");
  for (const char* name : {"notes.txt", "1.revision", "a0000000000000000001.revision", "mine.new"})
    put(state / "revisions" / name, "x");
  for (const std::uint64_t number : {1, 2, 3, 4}) save(number);
  EXPECT_EQ(files().size(), 4u + 3u);
  EXPECT_EQ(loaded(), 4u);
}

TEST_F(LastGoodTest, WhatAKilledSaveLeftIsRemoved) {
  save(1);
  put(file(2).string() + ".new", "half");
  EXPECT_EQ(loaded(), 1u);
  save(3);
  EXPECT_EQ(files().size(), 2u);
}

// R9: a damaged file is never used, wherever the damage is.
TEST_F(LastGoodTest, AFlippedByteFallsBackToTheOneBefore) {
  for (const std::uint64_t number : {1, 2, 3}) save(number);
  const std::string good = contents(file(3));
  std::mt19937 random(9);
  for (int round = 0; round < 1'000; ++round) {
    std::string bytes = good;
    char& byte = bytes[random() % bytes.size()];
    byte = static_cast<char>(byte ^ (1u << random() % 8));
    put(file(3), bytes);
    const auto out = kept().load(key.public_key());
    ASSERT_TRUE(out.revision);
    ASSERT_EQ(revision::encode(*out.revision), revision::encode(make(2)));
    ASSERT_EQ(out.skipped.size(), 1u);
    ASSERT_NE(out.skipped[0].find(file(3).string()), std::string::npos);
  }
}

TEST_F(LastGoodTest, ATruncatedOneFallsBackToTheOneBefore) {
  for (const std::uint64_t number : {1, 2, 3}) save(number);
  const std::string good = contents(file(3));
  std::mt19937 random(10);
  for (int round = 0; round < 1'000; ++round) {
    put(file(3), good.substr(0, random() % good.size()));
    ASSERT_EQ(loaded(), 2u);
  }
  put(file(2), "");
  EXPECT_EQ(loaded(), 1u);
  put(file(1), good);  // a good revision under a wrong number
  const auto out = kept().load(key.public_key());
  EXPECT_FALSE(out.revision);
  ASSERT_EQ(out.skipped.size(), 3u);
  EXPECT_NE(out.skipped[2].find("it is revision 3"), std::string::npos);
  save(3);
  EXPECT_EQ(loaded(), 3u);
}

TEST_F(LastGoodTest, ThoseOfAnotherKeyAreNotUsedAndDoNotDisplaceOurs) {
  const revision::SigningKey other = revision::SigningKey::generate();
  for (std::uint64_t number = 900; number < 903; ++number) ASSERT_TRUE(kept().save(other.sign(number, "{}", 1)));
  for (const std::uint64_t number : {5, 6, 7, 8}) save(number);
  const auto out = kept().load(key.public_key());
  ASSERT_TRUE(out.revision);
  EXPECT_EQ(out.revision->number, 8u);
  ASSERT_EQ(out.skipped.size(), 3u);
  EXPECT_NE(out.skipped[0].find("does not hold for the public key"), std::string::npos);
  put(file(8), "");
  EXPECT_EQ(loaded(), 7u);
}

// R9: SIGKILL in the middle of saving.
TEST_F(LastGoodTest, KilledAtAnyMomentItKeepsOneThatWasSaved) {
  struct Progress {
    std::atomic<std::uint64_t> begun, done;
  };
  auto* const progress = static_cast<Progress*>(
      ::mmap(nullptr, sizeof(Progress), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
  ASSERT_NE(progress, MAP_FAILED);
  save(1);
  progress->begun = progress->done = 1;
  std::mt19937 random(11);
  constexpr std::uint64_t kWindow = 4'000;  // µs, in which some are saved; where the machine is busy, a longer one
  std::uint64_t window = kWindow;
  for (int round = 0; round < 500; ++round) {
    const std::uint64_t before = progress->begun, done = progress->done;
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      for (std::uint64_t number = progress->begun + 1;; ++number) {
        const revision::Signed next = make(number);
        progress->begun = number;
        if (!kept().save(next)) ::_exit(1);
        progress->done = number;
      }
    }
    // Not before it is at it, however long a busy machine keeps it from that.
    while (progress->begun == before) std::this_thread::sleep_for(std::chrono::microseconds(50));
    std::this_thread::sleep_for(std::chrono::microseconds(random() % window));
    ::kill(child, SIGKILL);
    window = progress->done != done ? kWindow : std::min(2 * window, 50 * kWindow);
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status));
    const auto out = kept().load(key.public_key());
    ASSERT_TRUE(out.revision) << out.skipped.size();
    ASSERT_TRUE(out.skipped.empty()) << out.skipped[0];
    ASSERT_GE(out.revision->number, progress->done);
    ASSERT_LE(out.revision->number, progress->begun);
  }
  EXPECT_GT(progress->done, 20u);
  save(progress->begun + 1);
  EXPECT_EQ(files().size(), 3u);  // what was left over is gone
  ::munmap(progress, sizeof(Progress));
}

// As a user that may do less: root may do everything.
class AsNobody {
 public:
  explicit AsNobody(const fs::path& state) : root_(::geteuid() == 0) {
    if (!root_) return;
    EXPECT_EQ(::chown(state.c_str(), 65534, 65534), 0);
    EXPECT_EQ(::seteuid(65534), 0);
  }
  ~AsNobody() {
    if (root_) EXPECT_EQ(::seteuid(0), 0);
  }

 private:
  bool root_;
};

TEST_F(LastGoodTest, AFolderThatCannotBeWrittenToIsASentence) {
  const AsNobody user(state);
  save(1);
  fs::permissions(state / "revisions", fs::perms::owner_read | fs::perms::owner_exec);
  const auto saved = kept().save(make(2));
  fs::permissions(state / "revisions", fs::perms::owner_all);
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().find("Permission denied; it and its folder must belong to the user that runs weir"),
            std::string::npos)
      << saved.error();
  EXPECT_EQ(loaded(), 1u);
}

TEST_F(LastGoodTest, WhatCannotBeReadIsASentence) {
  const AsNobody user(state);
  save(1);
  save(2);
  fs::permissions(file(2), fs::perms::none);
  auto out = kept().load(key.public_key());
  ASSERT_TRUE(out.revision);
  EXPECT_EQ(out.revision->number, 1u);
  ASSERT_EQ(out.skipped.size(), 1u);
  EXPECT_NE(out.skipped[0].find("Permission denied"), std::string::npos);
  fs::permissions(state / "revisions", fs::perms::none);
  out = kept().load(key.public_key());
  fs::permissions(state / "revisions", fs::perms::owner_all);
  EXPECT_FALSE(out.revision);
  ASSERT_EQ(out.skipped.size(), 1u);
  EXPECT_NE(out.skipped[0].find("must belong to the user that runs weir"), std::string::npos);
}

TEST_F(LastGoodTest, WhatIsNoFileOfOursIsASentence) {
  save(1);
  fs::create_symlink(file(1), file(2));
  ASSERT_EQ(::mkfifo(file(3).c_str(), 0600), 0);
  fs::create_directory(file(4));
  const auto out = kept().load(key.public_key());
  ASSERT_TRUE(out.revision);
  ASSERT_EQ(out.skipped.size(), 3u);
  EXPECT_NE(out.skipped[0].find("no regular file"), std::string::npos);
  EXPECT_NE(out.skipped[1].find("no regular file"), std::string::npos);
  EXPECT_NE(out.skipped[2].find("must be no symbolic link"), std::string::npos);
}

TEST_F(LastGoodTest, AFullDiskLeavesTheOneBefore) {
  save(1);
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  ::signal(SIGXFSZ, SIG_IGN);
  rlimit little = before;
  little.rlim_cur = 100;  // a file of that many bytes, as if no more were left
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &little), 0);
  const auto saved = kept().save(make(2));
  ::setrlimit(RLIMIT_FSIZE, &before);
  ::signal(SIGXFSZ, SIG_DFL);
  ASSERT_FALSE(saved);
  EXPECT_NE(saved.error().find("cannot write " + file(2).string()), std::string::npos) << saved.error();
  EXPECT_EQ(loaded(), 1u);
  EXPECT_EQ(files().size(), 1u);
}

TEST_F(LastGoodTest, TheInstanceKeepsItsId) {
  const auto id = instance_id(state.string());
  ASSERT_TRUE(id) << id.error();
  EXPECT_EQ(id->size(), 16u);
  EXPECT_EQ(id->find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(instance_id(state.string()), id);
  EXPECT_EQ(contents(state / "instance_id"), *id + "\n");
  EXPECT_NE(instance_id((state / "other").string()), id);
}

TEST_F(LastGoodTest, ADamagedIdIsMadeAnew) {
  put(state / "instance_id", "");
  const auto id = instance_id(state.string());
  ASSERT_TRUE(id);
  EXPECT_EQ(instance_id(state.string()), id);
}

TEST_F(LastGoodTest, AnIdThatCannotBeKeptIsASentence) {
  const AsNobody user(state);
  fs::permissions(state, fs::perms::owner_read | fs::perms::owner_exec);
  const auto id = instance_id(state.string());
  ASSERT_FALSE(id);
  EXPECT_NE(id.error().find("must belong to the user that runs weir"), std::string::npos);
}

}  // namespace
}  // namespace weir::gateway
