// The config channel when the control plane and the gateway are one process (`weir serve` with `control`): what one
// announces arrives at the other at once. Made by control_plane.cc; the control thread only.
#pragma once

#include <functional>

#include "ports/config_channel.h"

namespace weir::app {

class LocalChannel final : public ports::ConfigChannel {
 public:
  using Heard = std::function<void(const ports::Receipt&)>;
  explicit LocalChannel(Heard heard) : heard_(std::move(heard)) {}

  void follow(revision::Signed have, Handlers handlers) override;
  void have(revision::Signed revision) override { have_ = std::max(have_, revision.number); }
  void report(const ports::Receipt& receipt) override { heard_(receipt); }
  void end() override { handlers_ = {}; }
  bool ended() const noexcept override { return !handlers_.arrived; }

  // The control plane's side. The newest is kept for whoever follows later.
  void announce(revision::Signed revision);

 private:
  void deliver();

  Heard heard_;
  Handlers handlers_;
  std::uint64_t have_ = 0;
  revision::Signed newest_;
};

}  // namespace weir::app
