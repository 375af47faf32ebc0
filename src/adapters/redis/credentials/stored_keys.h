// API keys in Redis: one hash, "weir:keys", whose fields are the ids of keys and whose values are records as JSON
// (identity/key_record.h), and a field "version" that every change raises. One hash, so that a change is one script
// on one node of a cluster. A change is told on the channel of the same name. Uses are in a hash of their own,
// "weir:keys:used", because they are no change. The client's loop.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "adapters/redis/client.h"
#include "identity/key_record.h"

namespace weir::adapters::redis {

inline constexpr std::string_view kKeysName = "weir:keys";

class StoredKeys {
 public:
  // `patience` is for each command. The client outlives it.
  StoredKeys(Client& client, io::Duration patience) noexcept : client_(client), patience_(patience) {}

  // Errors are sentences.
  template <class T>
  using Outcome = std::expected<T, std::string>;

  // nullopt: there are no keys in Redis, and never were, or it has lost them.
  io::Task<Outcome<std::optional<std::int64_t>>> version();
  // Every key. One that was changed meanwhile may be the old one or the new; records that cannot be read are left out
  // and counted.
  struct All {
    std::vector<identity::KeyRecord> records;
    std::size_t unreadable = 0;
  };
  io::Task<Outcome<All>> all();
  io::Task<Outcome<std::optional<identity::KeyRecord>>> one(std::string id);
  // Writes `next` where `before` stands (nullopt: where nothing stands) and tells everybody. False: something else
  // stands there.
  io::Task<Outcome<bool>> replace(std::string id, std::optional<identity::KeyRecord> before,
                                  identity::KeyRecord next);

  struct Use {
    std::string id;
    std::int64_t at = 0;  // seconds
  };
  io::Task<Outcome<std::size_t>> note_uses(std::vector<Use> uses);
  io::Task<Outcome<std::vector<Use>>> uses();

 private:
  // Walks a hash, a page of it in a turn of the loop. Returns how many pairs there were.
  using Each = std::function<void(std::string_view field, std::string_view value)>;
  io::Task<Outcome<std::size_t>> scan(std::string key, Each each);
  io::TimePoint deadline() noexcept { return client_.loop().refresh() + patience_; }

  Client& client_;
  io::Duration patience_;
};

}  // namespace weir::adapters::redis
