// The listening sockets of this process: opened here, or handed in by systemd (LISTEN_FDS) or by the process this one
// replaces (SIGUSR2). Main thread. The descriptors are used by the workers' listeners; this table only knows their
// numbers.
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"

namespace weir::gateway {

// Descriptors that others opened, by the address they are bound to.
class InheritedSockets {
 public:
  // Takes the descriptors that WEIR_SOCKETS (ours: "7,8,9") and LISTEN_FDS (systemd's, if LISTEN_PID is this process)
  // name and removes both from the environment. Call once, before any thread.
  static InheritedSockets from_environment();

  // All sockets bound to that address; they are the caller's now.
  std::vector<int> take(const SocketAddress& address);
  // Addresses nobody took; their sockets are closed.
  std::vector<std::string> close_rest();

 private:
  void add(int fd);
  std::multimap<std::string, int> by_address_;
};

// Where a socket is bound: the real port, when 0 was asked for.
std::optional<SocketAddress> bound_address(int fd);

// One address and its sockets: one per worker, or those that were handed in.
struct OpenListener {
  std::uint32_t id = 0;
  SocketAddress address;
  std::vector<int> sockets;
};

// `count` sockets for `address`; inherited ones first, and all of them even if they are more: each may hold
// connections that wait to be accepted. A single inherited socket is shared by all workers.
std::expected<std::vector<int>, std::string> open_sockets(const SocketAddress& address, int count,
                                                          InheritedSockets& inherited);
// One, which no other process shares: what is asked there must not be answered by now this one, now that one.
std::expected<std::vector<int>, std::string> open_own_socket(const SocketAddress& address,
                                                             InheritedSockets& inherited);

}  // namespace weir::gateway
