#include "app/feeds/file_keys.h"

#include <sys/stat.h>

#include <cerrno>

#include "app/stores/pepper.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

namespace weir::app {

// The file may not be there yet (`weir key create` makes it), and may be replaced by another (a restored backup).
bool FileKeys::open(News& news) {
  struct stat about{};
  if (::stat(settings_.file.c_str(), &about) != 0) {
    file_.reset();
    version_.reset();
    if (errno != ENOENT) news.complaint = settings_.file + " cannot be read; the keys known before stay in use";
    if (errno == ENOENT && table_ && table_->size() != 0)
      news.complaint = settings_.file + " is gone; the keys that were in it stay in use until another is there";
    return false;
  }
  if (file_ && about.st_dev == device_ && about.st_ino == inode_) return true;
  version_.reset();
  auto opened = adapters::sqlite::KeyFile::open(settings_.file, adapters::sqlite::KeyFile::Mode::existing);
  if (!opened) {
    news.complaint = opened.error();
    return false;
  }
  file_ = std::move(*opened);
  device_ = about.st_dev;
  inode_ = about.st_ino;
  return true;
}

bool FileKeys::read_pepper(News& news) {
  std::string pepper = settings_.pepper;
  if (pepper.empty()) {
    auto read = app::read_pepper(settings_.pepper_file);
    if (!read) {
      news.complaint = read.error();
      return false;
    }
    pepper = std::move(*read);
  }
  pepper_ = std::make_shared<const crypto::Mac>(pepper);
  crypto::wipe(pepper);
  return true;
}

FileKeys::News FileKeys::look() {
  News news;
  if (!open(news)) {
    // No file and none before: no key is known, which is an answer. The pepper does not matter then.
    if (news.complaint.empty() && !table_) {
      table_ = std::make_shared<const identity::KeyTable>(std::span<const identity::KeyRecord>());
      pepper_ = std::make_shared<const crypto::Mac>("");
      news.keys = std::make_shared<const identity::KeySet>(identity::KeySet{table_, nullptr, pepper_});
    }
    return news;
  }
  const auto version = file_->version();
  if (!version) {
    news.complaint = version.error();
    return news;
  }
  if (version_ == *version || !read_pepper(news)) return news;
  auto records = file_->all();
  if (!records) {
    news.complaint = records.error();
    return news;
  }
  version_ = *version;
  before_ = std::exchange(table_, std::make_shared<const identity::KeyTable>(*records));
  news.keys = std::make_shared<const identity::KeySet>(identity::KeySet{table_, nullptr, pepper_});
  return news;
}

std::string FileKeys::note_uses() {
  if (!file_) return {};
  std::vector<adapters::sqlite::KeyFile::Use> uses;
  for (const auto& table : {before_, table_}) {
    if (!table) continue;
    for (const auto& use : table->take_uses()) uses.push_back({std::string(use.id), use.at});
  }
  auto noted = file_->note_uses(uses);
  return noted ? std::string() : noted.error();
}

}  // namespace weir::app
