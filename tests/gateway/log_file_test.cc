// The access log on disk and a worker's end of it.
#include "gateway/log_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

namespace weir::gateway {
namespace {

using std::chrono::milliseconds;

class LogFileTest : public testing::Test {
 protected:
  LogFileTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-log-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~LogFileTest() override { std::filesystem::remove_all(folder); }
  std::string path(std::string_view name) const { return (folder / name).string(); }
  std::string contents(std::string_view name) const {
    std::ifstream in(path(name), std::ios::binary);
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }
  static std::unique_ptr<LogFile> opened(std::string path) {
    auto out = LogFile::open(std::move(path));
    EXPECT_TRUE(out) << out.error();
    return out ? std::move(*out) : nullptr;
  }

  std::filesystem::path folder;
};

TEST_F(LogFileTest, MakesItsFolderAppendsInOrderAndIsWholeAtTheEnd) {
  std::string expected;
  for (int round = 0; round < 2; ++round) {
    auto log = opened(path("deep/er/access.log"));
    for (int i = 0; i < 100; ++i) {
      const std::string line = std::to_string(round) + " " + std::to_string(i) + "\n";
      log->write(line, 1);
      expected += line;
    }
    log.reset();  // writes what is there
    EXPECT_EQ(contents("deep/er/access.log"), expected);
  }
  EXPECT_EQ(std::filesystem::status(path("deep/er/access.log")).permissions() & std::filesystem::perms::others_all,
            std::filesystem::perms::none)
      << "it tells who called";
}

TEST_F(LogFileTest, SaysWhyItCannotBeOpened) {
  std::filesystem::create_directory(path("folder"));
  const auto out = LogFile::open(path("folder"));
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().find(path("folder")), std::string::npos) << out.error();
  EXPECT_NE(out.error().find("directory"), std::string::npos) << out.error();
}

TEST_F(LogFileTest, ReopensForLogrotate) {
  auto log = opened(path("access.log"));
  log->write("one\n", 1);
  log.reset();
  log = opened(path("access.log"));
  std::filesystem::rename(path("access.log"), path("access.log.1"));
  log->reopen(path("access.log"));
  // Reopening comes before whatever is written after it was asked for.
  log->write("two\n", 1);
  log.reset();
  EXPECT_EQ(contents("access.log.1"), "one\n");
  EXPECT_EQ(contents("access.log"), "two\n");
}

TEST_F(LogFileTest, KeepsTheOldFileIfTheNewOneCannotBeOpened) {
  auto log = opened(path("access.log"));
  std::filesystem::create_directory(path("folder"));
  log->reopen(path("folder"));
  log->write("kept\n", 1);
  log.reset();
  EXPECT_EQ(contents("access.log"), "kept\n");
}

TEST_F(LogFileTest, WhatTheDiskDoesNotTakeIsCounted) {
  if (::access("/dev/full", W_OK) != 0) GTEST_SKIP() << "no /dev/full here";
  auto log = opened("/dev/full");
  log->write("a\nb\nc\n", 3);
  log->write("d\n", 1);
  while (log->dropped() < 4) std::this_thread::yield();
  log->reopen(path("access.log"));  // there is room elsewhere
  log->write("e\n", 1);
  EXPECT_EQ(log->dropped(), 4u);
  log.reset();
  EXPECT_EQ(contents("access.log"), "e\n");
}

TEST_F(LogFileTest, ADiskThatHangsCostsRecordsAndNotMemory) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  const int reader = ::open(path("pipe").c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  ASSERT_GE(reader, 0);
  auto log = opened(path("pipe"));
  const std::string batch(40'000'000, 'x');  // two of them are more than is kept
  for (int i = 0; i < 4; ++i) log->write(batch, 1);
  const std::uint64_t dropped = log->dropped();
  EXPECT_GE(dropped, 1u);
  EXPECT_LE(dropped, 3u);
  // The disk comes back: what was kept is written.
  std::uint64_t bytes = 0;
  std::thread drain([&] {
    ::fcntl(reader, F_SETFL, 0);
    std::string piece(1 << 20, '\0');
    for (ssize_t got; (got = ::read(reader, piece.data(), piece.size())) > 0;)
      bytes += static_cast<std::uint64_t>(got);
  });
  log.reset();
  drain.join();
  ::close(reader);
  EXPECT_EQ(bytes, (4 - dropped) * batch.size());
}

// ---- a worker's end

class LogBufferTest : public LogFileTest {
 protected:
  // Whatever has been handed over is in the file once the log is closed.
  std::string written() {
    log.reset();
    return contents("access.log");
  }
  io::Loop loop;
  std::unique_ptr<LogFile> log = opened(path("access.log"));
};

TEST_F(LogBufferTest, HandsOverWhatItHasOnRequestAndAtItsEnd) {
  {
    LogBuffer buffer(loop, log.get());
    buffer.append("one");
    buffer.hand_over();
    buffer.hand_over();
    buffer.append("two");
  }
  EXPECT_EQ(written(), "one\ntwo\n");
}

TEST_F(LogBufferTest, HandsOverByAge) {
  LogBuffer buffer(loop, log.get());
  buffer.append("old");
  const auto until = io::Clock::now() + std::chrono::seconds(5);
  while (!std::filesystem::file_size(path("access.log")) && io::Clock::now() < until) loop.turn(milliseconds(50));
  EXPECT_EQ(contents("access.log"), "old\n") << "without being asked";
  buffer.append("next");  // the age begins anew
  while (std::filesystem::file_size(path("access.log")) == 4 && io::Clock::now() < until) loop.turn(milliseconds(50));
  EXPECT_EQ(written(), "old\nnext\n");
}

TEST_F(LogBufferTest, HandsOverBySize) {
  std::string expected;
  {
    LogBuffer buffer(loop, log.get());
    const std::string record(1'000, 'r');
    for (int i = 0; i < 200; ++i) {
      buffer.append(record);
      expected += record + "\n";
    }
    // The loop has not turned: size alone did it.
    const auto until = io::Clock::now() + std::chrono::seconds(5);
    while (std::filesystem::file_size(path("access.log")) < 128'000 && io::Clock::now() < until)
      std::this_thread::yield();
    EXPECT_GE(std::filesystem::file_size(path("access.log")), 128'000u);
  }
  EXPECT_EQ(written(), expected);
}

TEST_F(LogBufferTest, WithoutAFileRecordsAreLostAndNobodyMinds) {
  LogBuffer buffer(loop, nullptr);
  buffer.append("lost");
  buffer.hand_over();
  EXPECT_EQ(written(), "");
}

}  // namespace
}  // namespace weir::gateway
