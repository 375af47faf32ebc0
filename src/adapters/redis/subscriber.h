// Pub/sub: a connection of its own that listens to channels and comes back by itself. Delivery is at most once: what
// is published while it is not connected is lost, so the owner is told of every gap and asks for the state itself.
// Used by feeds (control thread). The loop's thread only.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/loop/loop.h"
#include "ports/name_resolver.h"
#include "ports/redis_settings.h"

namespace weir::adapters::redis {

class Subscriber {
 public:
  struct Handlers {
    // Both views are valid during the call.
    std::function<void(std::string_view channel, std::string_view message)> message;
    // Subscribed, for the first time or again: from now on messages come, but those before may have been missed.
    std::function<void()> listening = [] {};
    // The connection ended; it will come back. `why` is valid during the call.
    std::function<void(std::string_view why)> lost = [](std::string_view) {};
  };

  // As for Client. Neither handler may destroy the subscriber.
  Subscriber(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings, ports::NameResolver* resolver,
             std::vector<std::string> channels, Handlers handlers);
  Subscriber(const Subscriber&) = delete;
  Subscriber& operator=(const Subscriber&) = delete;
  ~Subscriber();  // after ended()

  bool listening() const noexcept;
  void end();
  bool ended() const noexcept;

 private:
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace weir::adapters::redis
