// Follows the API keys in Redis for one gateway: all of them at the start and whenever the version has moved (looked
// at once a minute and after every gap in the messages), a changed one at once when it is told of. Control thread.
// What is made of the records is the owner's: app/feeds/redis_keys.h.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "adapters/redis/client.h"
#include "adapters/redis/credentials/stored_keys.h"
#include "adapters/redis/subscriber.h"
#include "io/loop/bell.h"
#include "io/task.h"

namespace weir::adapters::redis {

class KeyFeed {
 public:
  struct Handlers {
    std::function<void(std::vector<identity::KeyRecord>)> all;                               // these and no others
    std::function<void(const std::string& id, std::optional<identity::KeyRecord>)> changed;  // nullopt: it is gone
    std::function<void(const std::string&)> complain;  // a sentence; empty: all is well again
  };
  // Begins at once. `resolver` as for Client.
  KeyFeed(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings, ports::NameResolver* resolver,
          Handlers handlers);
  KeyFeed(const KeyFeed&) = delete;
  KeyFeed& operator=(const KeyFeed&) = delete;
  ~KeyFeed();  // after ended()

  const ports::RedisSettings& settings() const noexcept { return client_.settings(); }
  // The owner has that many keys from elsewhere: a Redis without any has lost them.
  void known(std::size_t count) noexcept { known_ = count; }
  StoredKeys& store() noexcept { return store_; }

  void end();
  bool ended() const noexcept;

 private:
  io::Task<void> run();
  io::Task<void> refresh();
  io::Task<void> follow_changes();

  io::Loop& loop_;
  Handlers handlers_;
  Client client_;
  StoredKeys store_;
  io::Bell bell_;
  std::set<std::string> told_;  // ids that have changed and are not read yet
  bool gap_ = true;             // something may have been missed
  bool loaded_ = false;
  std::int64_t version_ = -1;  // of the last whole load
  std::size_t known_ = 0;      // keys in it
  bool ended_ = false;
  io::TaskGroup tasks_;
  Subscriber subscriber_;
};

}  // namespace weir::adapters::redis
