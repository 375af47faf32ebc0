// Where the master is, from sentinels: asked before each attempt to connect, and told of a switch by the one that is
// listened to. Made by client.cc for the link to the master. The loop's thread only.
#pragma once

#include <functional>
#include <string>

#include "adapters/redis/wire/link.h"

namespace weir::adapters::redis {

class Sentinel final : public Guide {
 public:
  // `switched` is called when a sentinel says that another server is the master now.
  Sentinel(Shared& shared, std::function<void()> switched);
  Sentinel(const Sentinel&) = delete;
  Sentinel& operator=(const Sentinel&) = delete;

  // Asks one sentinel after the other, beginning with the one that knew last.
  io::Task<std::expected<Place, std::string>> where() override;

  void end();
  bool ended() const noexcept { return tasks_.running() == 0; }

 private:
  io::Task<std::expected<Place, std::string>> ask(const Place& sentinel);
  io::Task<void> listen();
  io::Task<void> listen_to(io::Stream& stream);
  void on_push(const Reply& push);

  Shared& shared_;
  std::function<void()> switched_;
  std::size_t known_ = 0;  // the sentinel that knew last
  bool ending_ = false;
  io::Stream* listening_ = nullptr;
  Backoff backoff_;
  io::Bell bell_;
  io::TaskGroup tasks_;
};

}  // namespace weir::adapters::redis
