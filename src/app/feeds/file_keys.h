// Where a gateway's API keys come from when they are in a file: looked at four times a second, read when SQLite says
// that it has changed. Every call blocks, so key_feed.cc makes them by io/offload; one at a time.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>

#include "adapters/sqlite/key_file.h"
#include "crypto/digest.h"
#include "identity/key_ring.h"
#include "snapshot/snapshot.h"

namespace weir::app {

class FileKeys {
 public:
  explicit FileKeys(snapshot::CredentialSettings settings) : settings_(std::move(settings)) {}

  struct News {
    std::shared_ptr<const identity::KeySet> keys;  // nullptr: nothing has changed
    std::string complaint;                         // what is wrong now; empty: nothing
  };
  News look();

  // Tells the file which keys were used since the last time.
  std::string note_uses();

 private:
  bool open(News& news);
  bool read_pepper(News& news);

  snapshot::CredentialSettings settings_;
  std::unique_ptr<adapters::sqlite::KeyFile> file_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  std::optional<std::int64_t> version_;
  std::shared_ptr<const crypto::Mac> pepper_;
  // The one before too: a worker may still have counted there when it was replaced.
  std::shared_ptr<const identity::KeyTable> table_, before_;
};

}  // namespace weir::app
