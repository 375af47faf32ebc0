// Keeps the workers' API keys fresh: follows the store that the config in use names, and hands each new table to the
// workers. A store that cannot be read leaves the last table in use, and is complained of once. Control thread; what
// blocks is done by io/offload.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "identity/key_ring.h"
#include "io/loop/bell.h"
#include "io/offload.h"
#include "io/task.h"
#include "ports/name_resolver.h"
#include "snapshot/snapshot.h"

namespace weir::app {

class RedisKeys;
class FileKeys;

class KeyFeed {
 public:
  using Publish = std::function<void(std::shared_ptr<const identity::KeySet>)>;
  using Say = std::function<void(const std::string&)>;
  KeyFeed(io::Loop& loop, io::Offload& offload, ports::NameResolver* resolver, Publish publish, Say say);
  KeyFeed(const KeyFeed&) = delete;
  KeyFeed& operator=(const KeyFeed&) = delete;
  ~KeyFeed();

  // From now on; the same settings as before change nothing. The keys of another store are published as soon as they
  // are read: until then those of the one before serve.
  void follow(const snapshot::Snapshot& config);

  // Returns when the keys are known as far as they can be: before the first request is served.
  io::Task<void> begin();
  // Until end().
  io::Task<void> run();
  void end();
  // What is in use, by state; nullptr: the config has no store of keys.
  const identity::KeySet* keys() const noexcept { return keys_.get(); }

 private:
  void publish(std::shared_ptr<const identity::KeySet> keys);
  void complain(const std::string& what);
  io::Task<void> refresh();
  io::Task<void> note_uses();
  io::Task<void> retire(std::unique_ptr<RedisKeys> keys);

  io::Loop& loop_;
  io::Offload& offload_;
  ports::NameResolver* resolver_;
  Publish publish_;
  Say say_;
  io::Bell bell_;
  std::shared_ptr<const identity::KeySet> keys_;
  snapshot::CredentialSettings settings_;
  std::shared_ptr<FileKeys> source_;  // shared with what is being read just now; nullptr: no store
  std::unique_ptr<RedisKeys> redis_;
  io::TaskGroup retiring_;
  std::string complaint_;
  io::TimePoint uses_noted_{};
  bool ended_ = false;
};

}  // namespace weir::app
