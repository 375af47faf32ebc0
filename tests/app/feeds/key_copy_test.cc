#include "app/feeds/key_copy.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "crypto/digest.h"

namespace weir::app {
namespace {

namespace fs = std::filesystem;
using identity::KeyRecord;

class KeyCopy : public testing::Test {
 protected:
  KeyCopy() : folder_(fs::temp_directory_path() / ("key_copy." + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::create_directory(folder_);
  }
  ~KeyCopy() override { fs::remove_all(folder_); }

  std::string file() const { return folder_ / "keys.copy"; }
  std::string text() const {
    std::ostringstream out;
    out << std::ifstream(file()).rdbuf();
    return out.str();
  }
  void put(std::string_view text) const { std::ofstream(file(), std::ios::binary) << text; }

  static std::vector<KeyRecord> records() {
    KeyRecord one;
    one.id = "abcdefghijkl";
    one.consumer = "Jürgen \"the key\"\n";
    one.scopes = {"read", "write"};
    one.secrets.push_back({crypto::sha256("one"), 1'700'000'000, 0});
    one.secrets.push_back({crypto::sha256("two"), 1'700'000'001, 1'800'000'000});
    KeyRecord two;
    two.id = "ABCDEFGHIJKL";
    two.consumer = "other";
    two.disabled = true;
    return {one, two};
  }

  fs::path folder_;
  const crypto::Mac pepper_{"a pepper of thirty-two characters"};
};

TEST_F(KeyCopy, ReadsBackWhatWasWritten) {
  ASSERT_EQ(write_key_copy(file(), records(), pepper_), "");
  EXPECT_EQ(read_key_copy(file(), pepper_), records());
  ASSERT_EQ(write_key_copy(file(), {}, pepper_), "");
  EXPECT_EQ(read_key_copy(file(), pepper_), std::vector<KeyRecord>());
}

TEST_F(KeyCopy, OfAnotherPepperItIsNone) {
  ASSERT_EQ(write_key_copy(file(), records(), pepper_), "");
  const auto read = read_key_copy(file(), crypto::Mac("another pepper, as long as the first"));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error(), "the local copy " + file() + " is damaged, or of another pepper");
}

TEST_F(KeyCopy, WhateverWasCutOrChangedIsNone) {
  ASSERT_EQ(write_key_copy(file(), records(), pepper_), "");
  const std::string whole = text();
  for (std::size_t at = 0; at < whole.size(); ++at) {
    put(std::string_view(whole).substr(0, at));
    EXPECT_FALSE(read_key_copy(file(), pepper_)) << "cut at " << at;
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    put(changed);
    EXPECT_FALSE(read_key_copy(file(), pepper_)) << "changed at " << at;
  }
  put(whole + "x\n");
  EXPECT_FALSE(read_key_copy(file(), pepper_));
}

TEST_F(KeyCopy, SaysWhatIsMissing) {
  EXPECT_EQ(read_key_copy(file(), pepper_).error(), "there is no local copy at " + file());
  put("in the way");
  const std::string error = write_key_copy(file() + "/keys.copy", records(), pepper_);
  EXPECT_TRUE(error.starts_with("the local copy of the keys: cannot open ")) << error;
}

}  // namespace
}  // namespace weir::app
