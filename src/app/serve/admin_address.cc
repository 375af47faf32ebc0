#include "app/serve/admin_address.h"

namespace weir::app {

AdminAddress::AdminAddress(io::Loop& loop, http::BufferPool& buffers, gateway::Gateway& gateway,
                           upstream::Directory& directory, const gateway::ProcessState& state)
    : pages_(gateway, directory, state), server_(loop, buffers, pages_) {}

std::expected<void, std::string> AdminAddress::listen(const snapshot::Snapshot& config,
                                                      gateway::InheritedSockets& inherited) {
  if (config.admin == address_) return {};
  std::vector<int> sockets;
  if (config.admin) {
    auto opened = gateway::open_own_socket(*config.admin, inherited);
    if (!opened) return std::unexpected("admin: " + opened.error());
    sockets = std::move(*opened);
  }
  if (listener_ != 0) server_.close_listener(listener_);
  ++listener_;
  auto settings = std::make_shared<http::ListenerSettings>();
  settings->limits = config.limits;
  for (int fd : sockets) server_.listen(listener_, fd, settings);
  address_ = config.admin;
  sockets_ = std::move(sockets);
  return {};
}

std::optional<SocketAddress> AdminAddress::bound() const {
  if (sockets_.empty()) return std::nullopt;
  const auto bound = gateway::bound_address(sockets_.front());
  return bound ? bound : address_;
}

}  // namespace weir::app
