// Brings what the store has newest to the gateways: told by the admin API of this process at once, and by a look
// every two seconds of what other replicas of the control plane have published. One at a time and in order. Made by
// control_plane.cc; the control loop's thread only, the store is asked on a thread of its own: operators who wait for
// the database never keep a revision from gateways.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "control/store.h"
#include "gateway/config/follower.h"
#include "io/loop/bell.h"
#include "io/offload.h"
#include "io/task.h"

namespace weir::app {

class Announcer {
 public:
  using Revision = std::shared_ptr<const revision::Signed>;
  using Outcome = std::expected<void, std::string>;
  // Makes `now` known to gateways; `before` is what was announced last, or nullptr. Its error is a sentence, and it
  // goes on trying by itself.
  using Send = std::function<io::Task<Outcome>(Revision now, Revision before)>;
  using Say = std::function<void(const std::string&)>;
  Announcer(io::Loop& loop, control::Store& store, Send send, Say say);
  Announcer(const Announcer&) = delete;
  Announcer& operator=(const Announcer&) = delete;

  // Returns once that revision, or a later one, is announced, or it is clear why not, in some seconds at most.
  io::Task<Outcome> announce(std::uint64_t number);

  // Until end().
  io::Task<void> run();
  void end();

 private:
  io::Task<void> look();
  void complain(const std::string& what);

  io::Loop& loop_;
  control::Store& store_;
  Send send_;
  Say say_;
  io::Bell bell_;
  Revision announced_;
  Outcome sent_;              // of announced_
  std::uint64_t rounds_ = 0;  // looks that have ended
  std::string complaint_;
  std::string late_;  // why the last one could not be sent, not said yet
  bool ended_ = false;
  io::Offload offload_{1, 1};  // one look at a time
};

}  // namespace weir::app
