// A gateway's side of publishing: takes what arrives over a config channel, refuses what is not signed by the control
// plane, keeps the newest for the process to compile and apply, and tells the control plane what became of it. Made
// by app/serve/following.cc; the control thread only. It compiles nothing and writes no file.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "ports/config_channel.h"

namespace weir::gateway {

using Revision = std::shared_ptr<const revision::Signed>;

class ConfigFollower {
 public:
  struct Identity {
    revision::PublicKey key{};  // the control plane's
    std::string instance;
    std::string host;
    std::string version;
  };
  using Say = std::function<void(const std::string&)>;
  // `wake` is called when take() has something.
  ConfigFollower(Identity identity, std::function<void()> wake, Say say);
  ConfigFollower(const ConfigFollower&) = delete;
  ConfigFollower& operator=(const ConfigFollower&) = delete;

  // Begins, or goes on over another channel, which must live until the next call or its own end. `in_use`: nullptr if
  // there is none yet.
  void follow(ports::ConfigChannel& channel, Revision in_use);
  // Another key from now on: the config has changed.
  void trust(const revision::PublicKey& key) { identity_.key = key; }

  // The newest that is waiting, verified; nullptr: none. Whoever takes it says what became of it by one of the next
  // two.
  Revision take() { return std::exchange(waiting_, nullptr); }
  // It is in use.
  void applied(const Revision& revision);
  // It is not, for `reason`; what was in use stays.
  void refused(const Revision& revision, const std::string& reason);
  // This gateway's own part of the config has changed: what was refused because of it may be right now.
  void offer_again();

  const Revision& in_use() const noexcept { return in_use_; }

 private:
  void complain(const std::string& what);
  void arrived(revision::Signed revision);
  void refuse(std::uint64_t number, const std::string& reason);
  void broken(std::uint64_t number, const std::string& reason);
  void settled(std::uint64_t number);
  void report(ports::Receipt::State state, std::uint64_t number, std::string reason);

  Identity identity_;
  std::function<void()> wake_;
  Say say_;
  ports::ConfigChannel* channel_ = nullptr;
  Revision in_use_;
  Revision waiting_;
  std::string complaint_;
  bool told_broken_ = false;  // by the last receipt: of what the control plane has not signed
  Revision refused_;          // the newest that was verified and still not taken, for refused_why_
  std::string refused_why_;
};

}  // namespace weir::gateway
