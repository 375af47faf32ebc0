// A gateway's API keys when they are in Redis: makes tables of what adapters/redis/credentials/key_feed.h reads,
// small ones of what is pushed, and keeps the copy on disk that a start without Redis needs. Control thread; tables
// and copies are made by io/offload.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "adapters/redis/credentials/key_feed.h"
#include "crypto/digest.h"
#include "identity/key_ring.h"
#include "io/offload.h"
#include "snapshot/snapshot.h"

namespace weir::app {

class RedisKeys {
 public:
  using Publish = std::function<void(std::shared_ptr<const identity::KeySet>)>;
  using Say = std::function<void(const std::string&)>;
  RedisKeys(io::Loop& loop, io::Offload& offload, ports::NameResolver* resolver,
            const snapshot::CredentialSettings& settings, std::shared_ptr<const ports::RedisSettings> redis,
            Publish publish, Say complain);
  RedisKeys(const RedisKeys&) = delete;
  RedisKeys& operator=(const RedisKeys&) = delete;

  const ports::RedisSettings& redis() const noexcept { return feed_.settings(); }

  // Returns when the keys are known: those of Redis if it answers within `patience`, else those of the copy, else
  // none.
  io::Task<void> begin(io::Duration patience);
  io::Task<void> note_uses();
  void end();
  bool ended() const noexcept { return feed_.ended() && tasks_.running() == 0; }

 private:
  using Records = std::vector<identity::KeyRecord>;
  void take_all(Records records);
  void take_changed(const std::string& id, std::optional<identity::KeyRecord> record);
  void publish();
  void collect_uses(const identity::KeyTable* table);
  io::Task<void> work();
  io::Task<void> make_table(Records records);
  io::Task<std::optional<Records>> read_copy();

  io::Loop& loop_;
  io::Offload& offload_;
  snapshot::CredentialSettings settings_;
  Publish publish_;
  Say complain_;
  std::shared_ptr<const crypto::Mac> pepper_;
  std::map<std::string, identity::KeyRecord> known_;    // what the copy is written of
  std::map<std::string, identity::KeyRecord> changed_;  // since table_ was read
  std::map<std::string, identity::KeyRecord> newest_;   // since what arrived_ holds was read, or is being made
  std::shared_ptr<const identity::KeyTable> table_, before_, overlay_;
  std::map<std::string, std::int64_t> uses_;  // of keys, not told yet
  std::optional<Records> arrived_;            // all, to be made a table of
  std::string copy_missing_;                  // why read_copy() gave nothing
  bool copy_due_ = false;
  io::Bell bell_;
  bool ended_ = false;
  io::TaskGroup tasks_;
  adapters::redis::KeyFeed feed_;
};

}  // namespace weir::app
