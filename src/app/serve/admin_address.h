// The admin address of a serving process: its sockets, and the pages of gateway/admin.h on the control thread's loop.
// Made by process.cc; that thread only.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "gateway/admin.h"
#include "snapshot/snapshot.h"

namespace weir::app {

class AdminAddress {
 public:
  AdminAddress(io::Loop& loop, http::BufferPool& buffers, gateway::Gateway& gateway, upstream::Directory& directory,
               const gateway::ProcessState& state);

  // Listens where `config` says, or nowhere; the same address as before changes nothing. The error is a sentence, and
  // where it listened it goes on.
  std::expected<void, std::string> listen(const snapshot::Snapshot& config, gateway::InheritedSockets& inherited);
  void stop_listening() { server_.close_listener(listener_); }
  const std::vector<int>& sockets() const noexcept { return sockets_; }
  std::optional<SocketAddress> bound() const;  // nullopt: nowhere

  // Ends every connection; then destroy it after some turns of the loop, when ended().
  void abort() { server_.abort(); }
  bool ended() const noexcept { return server_.ended(); }

 private:
  gateway::Admin pages_;
  http::Server server_;
  std::optional<SocketAddress> address_;
  std::vector<int> sockets_;
  std::uint32_t listener_ = 0;
};

}  // namespace weir::app
