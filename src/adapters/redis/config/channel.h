// How a gateway follows the revisions in Redis (ports/config_channel.h): told of a new one by a message, and looking
// every two seconds and after every gap all the same. Fetches deltas where they lead there, else the document. Sends
// receipts, and the same again every two seconds as a sign of life. Made by app; the loop's thread only. It compiles
// nothing. What Redis holds is anybody's word: only what was signed and taken (have) is a floor for later numbers.
#pragma once

#include <expected>
#include <optional>
#include <string>

#include "adapters/redis/client.h"
#include "adapters/redis/config/names.h"
#include "adapters/redis/subscriber.h"
#include "io/loop/bell.h"
#include "io/task.h"
#include "ports/config_channel.h"

namespace weir::adapters::redis {

class ConfigChannel final : public ports::ConfigChannel {
 public:
  // Connects at once, with connections of its own: a document of 20 MB must not stand before a worker's questions.
  // `resolver` as for Client. `every`: how often to look and to give a sign of life; tests have less time.
  ConfigChannel(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings, ports::NameResolver* resolver,
                io::Duration every = kConfigEvery);
  ConfigChannel(const ConfigChannel&) = delete;
  ConfigChannel& operator=(const ConfigChannel&) = delete;
  ~ConfigChannel() override;  // after ended()

  // Only numbers above the one in use arrive or are broken, each revision once; what nobody signed again only when
  // other bytes lie there.
  void follow(revision::Signed have, Handlers handlers) override;
  void have(revision::Signed revision) override;
  void report(const ports::Receipt& receipt) override;

  void end() override;
  bool ended() const noexcept override;

 private:
  io::Task<void> watch();
  io::Task<bool> look();  // false: again soon
  io::Task<bool> fetch(ConfigHead head);
  io::Task<std::optional<revision::Signed>> by_deltas(ConfigHead head);
  bool is_to_be_fetched(const ConfigHead& head) const;
  void take(ConfigHead head, revision::Signed revision);
  void judge(ConfigHead head, std::size_t bytes, std::expected<revision::Signed, std::string> revision);
  io::Task<void> tell();
  io::Task<std::string> send_receipt();  // why it was not, or empty
  // Each of the two tasks has something to complain of, or nothing.
  void complain(std::string& mine, std::string sentence);

  io::Loop& loop_;
  const io::Duration every_;
  Handlers handlers_;
  revision::Signed have_;
  ConfigHead signed_;  // of the last that arrived and was signed
  // Of the last that was not. It is fetched again, for its document may have been mended under the same head, but
  // ever less often.
  struct Bad {
    ConfigHead head;
    std::size_t bytes = 0;  // a hash of what was there
    io::Duration pause{};
    io::TimePoint again;
  };
  Bad bad_;
  std::optional<ports::Receipt> receipt_;
  std::int64_t sent_ms_ = 0;  // of the last sign of life
  std::string of_revisions_, of_receipts_;
  bool ending_ = false;
  Client client_;
  io::Bell watch_bell_;
  io::Bell tell_bell_;
  io::TaskGroup tasks_;
  Subscriber subscriber_;
};

}  // namespace weir::adapters::redis
