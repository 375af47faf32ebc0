#include "adapters/sqlite/key_file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "crypto/digest.h"

namespace weir::adapters::sqlite {
namespace {

using identity::KeyRecord;

class KeyFiles : public testing::Test {
 protected:
  KeyFiles() {
    std::string name = (std::filesystem::temp_directory_path() / "weir-keys-XXXXXX").string();
    folder_ = ::mkdtemp(name.data());
  }
  ~KeyFiles() override { std::filesystem::remove_all(folder_); }

  std::string path() const { return (folder_ / "keys.db").string(); }
  std::unique_ptr<KeyFile> open(KeyFile::Mode mode = KeyFile::Mode::create) {
    auto opened = KeyFile::open(path(), mode);
    if (!opened) ADD_FAILURE() << opened.error();
    return opened ? std::move(*opened) : nullptr;
  }

  static KeyRecord record(std::string id) {
    KeyRecord out;
    out.id = std::move(id);
    out.consumer = "shop";
    out.custom_id = "c 1";
    out.groups = {"gold", "eu"};
    out.scopes = {"a:read"};
    out.secrets = {{crypto::sha256("one"), 5, 0}};
    out.created = 5;
    return out;
  }

  std::filesystem::path folder_;
};

TEST_F(KeyFiles, WhatIsAddedIsThereForOthers) {
  auto writer = open();
  KeyRecord full = record("0000000000a1");
  full.secrets.push_back({crypto::sha256("two"), 6, 7});
  full.expires = 8;
  full.last_used = 9;
  full.revoked = 10;
  full.disabled = true;
  ASSERT_TRUE(writer->add(full));
  ASSERT_TRUE(writer->add(record("0000000000a2")));
  EXPECT_FALSE(writer->add(record("0000000000a2"))) << "an id is given once";
  const auto all = open(KeyFile::Mode::existing)->all();
  ASSERT_TRUE(all) << all.error();
  EXPECT_EQ(*all, (std::vector{full, record("0000000000a2")}));
}

TEST_F(KeyFiles, AChangeIsWholeOrNotAtAll) {
  auto file = open();
  ASSERT_TRUE(file->add(record("0000000000a1")));
  const auto changed = file->change("0000000000a1", [](KeyRecord& one) -> std::expected<void, std::string> {
    one.revoked = 77;
    return {};
  });
  ASSERT_TRUE(changed) << changed.error();
  EXPECT_EQ(changed->revoked, 77);
  const auto refused = file->change("0000000000a1", [](KeyRecord& one) -> std::expected<void, std::string> {
    one.revoked = 0;
    return std::unexpected(std::string("no"));
  });
  EXPECT_EQ(refused.error(), "no");
  EXPECT_EQ(file->all()->front().revoked, 77);
  EXPECT_EQ(file->change("000000000nil", [](KeyRecord&) -> std::expected<void, std::string> { return {}; }).error(),
            "there is no key with the id 000000000nil");
  EXPECT_TRUE(file->add(record("0000000000a2"))) << "no transaction is left open";
}

TEST_F(KeyFiles, TheVersionTellsOfOthersChangesOnly) {
  auto writer = open();
  auto reader = open(KeyFile::Mode::existing);
  const auto before = *reader->version();
  EXPECT_EQ(*reader->version(), before);
  ASSERT_TRUE(writer->add(record("0000000000a1")));
  const auto after = *reader->version();
  EXPECT_NE(after, before);
  const std::vector<KeyFile::Use> uses = {{"0000000000a1", 50}};
  ASSERT_TRUE(reader->note_uses(uses));
  EXPECT_EQ(*reader->version(), after) << "its own writes are no news";
  EXPECT_EQ(writer->all()->front().last_used, 50);
  const std::vector<KeyFile::Use> older = {{"0000000000a1", 40}};
  ASSERT_TRUE(reader->note_uses(older));
  EXPECT_EQ(writer->all()->front().last_used, 50);
}

TEST_F(KeyFiles, TheFileIsItsOwners) {
  (void)open();
  struct stat about{};
  ASSERT_EQ(::stat(path().c_str(), &about), 0);
  EXPECT_EQ(about.st_mode & 0777, 0600u);
}

TEST_F(KeyFiles, WhatIsNoSuchFileIsTold) {
  EXPECT_TRUE(KeyFile::open(path(), KeyFile::Mode::existing).error().contains("cannot be opened"));
  std::ofstream(path()) << std::string(4096, 'x');
  const auto opened = KeyFile::open(path(), KeyFile::Mode::create);
  ASSERT_FALSE(opened);
  EXPECT_TRUE(opened.error().contains("not a database")) << opened.error();
}

}  // namespace
}  // namespace weir::adapters::sqlite
