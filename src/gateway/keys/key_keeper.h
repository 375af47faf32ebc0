// Keeps the keys of issuers fresh: fetches each source of the snapshot in use, again when its time is over, and at
// once when a token names a key that is not there (at most once in 30 s per source, attacks B11). Whatever goes
// wrong, the last good set stays for 24 h (faults R20). Lives on the control thread; workers get immutable sets.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gateway/keys/fetched_keys.h"
#include "gateway/keys/key_fetch.h"
#include "gateway/metrics.h"
#include "io/loop/bell.h"
#include "io/task.h"

namespace weir::gateway {

inline constexpr auto kOnDemandPause = std::chrono::seconds(30);
inline constexpr auto kStaleKeys = std::chrono::hours(24);

class KeyKeeper {
 public:
  using Publish = std::function<void(KeyUpdate)>;
  using Say = std::function<void(const std::string&)>;

  KeyKeeper(io::Loop& loop, upstream::Directory& directory, http::BufferPool& buffers, Publish publish, Say say);
  KeyKeeper(const KeyKeeper&) = delete;
  KeyKeeper& operator=(const KeyKeeper&) = delete;
  ~KeyKeeper();  // after run() has returned

  // The sources there are from now on; those that were there before keep their keys.
  void follow(const std::vector<pipeline::KeySourceSpec>& sources);
  // A worker's keys, those of update number `seen`, do not suffice.
  void ask(std::uint64_t source, std::uint64_t seen);

  // Until end().
  io::Task<void> run();
  void end();

  std::vector<KeySourceFacts> facts() const;

 private:
  struct Source;
  using Fetched = std::expected<std::shared_ptr<const jose::KeySet>, std::string>;

  io::Task<void> keep(Source& source);
  io::Task<Fetched> fetch(Source& source);
  io::Task<std::expected<std::string, std::string>> discover(Source& source, io::TimePoint deadline);
  void settle(Source& source, Fetched fetched);
  void publish(Source& source);
  void forget_gone();

  io::Loop& loop_;
  upstream::Directory& directory_;
  http::BufferPool& buffers_;
  Publish publish_;
  Say say_;
  std::vector<std::unique_ptr<Source>> sources_;
  io::Bell bell_;
  bool ended_ = false;
  io::TaskGroup tasks_;
};

}  // namespace weir::gateway
