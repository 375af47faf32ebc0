// How a gateway follows the revisions in Redis (ports/config_channel.h): told of a new one by a message, and looking
// every two seconds and after every gap all the same. Fetches deltas where they lead there, else the document. Sends
// receipts, and the same again every two seconds as a sign of life. Made by app; the loop's thread only. It verifies
// no signature and compiles nothing.
#pragma once

#include <optional>
#include <string>

#include "adapters/redis/client.h"
#include "adapters/redis/subscriber.h"
#include "io/bell.h"
#include "io/task.h"
#include "ports/config_channel.h"

namespace weir::adapters::redis {

class ConfigChannel final : public ports::ConfigChannel {
 public:
  // Connects at once, with connections of its own: a document of 20 MB must not stand before a worker's questions.
  // `resolver` as for Client.
  ConfigChannel(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings, ports::NameResolver* resolver);
  ConfigChannel(const ConfigChannel&) = delete;
  ConfigChannel& operator=(const ConfigChannel&) = delete;
  ~ConfigChannel() override;  // after ended()

  // Each number arrives (or is broken) once, and only rising ones do.
  void follow(revision::Signed have, Handlers handlers) override;
  void have(revision::Signed revision) override;
  void report(const ports::Receipt& receipt) override;

  // The last receipt is sent once more if Redis is there, within command_timeout.
  void end() override;
  bool ended() const noexcept override;

 private:
  struct Head {
    std::uint64_t number = 0;
    std::string digest;
  };

  io::Task<void> watch();
  io::Task<bool> look();  // false: again soon
  io::Task<std::optional<revision::Signed>> by_deltas(Head head);
  io::Task<bool> by_document(Head head);
  io::Task<void> tell();
  void hinted(std::string_view text);
  void complain(const std::string& sentence);

  io::Loop& loop_;
  Handlers handlers_;
  revision::Signed have_;
  std::uint64_t judged_ = 0;  // the newest that arrived or was broken
  std::optional<ports::Receipt> receipt_;
  std::string complaint_;
  bool following_ = false;
  bool ending_ = false;
  Client client_;
  io::Bell watch_bell_;
  io::Bell tell_bell_;
  io::TaskGroup tasks_;
  Subscriber subscriber_;
};

}  // namespace weir::adapters::redis
