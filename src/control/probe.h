// Whether upstreams take a connection, before a revision names them (control.probe_upstreams). Used by publish.
// Blocking, bounded by kProbeTime; any thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

namespace weir::control {

// Two SYNs: the kernel sends the second after a second. An operator waits for it.
inline constexpr auto kProbeTime = std::chrono::seconds(2);

struct ProbeTarget {
  std::string upstream;
  std::string address;  // host:port, ip:port or unix:/path
};
// Of each target a sentence of why it cannot be reached; empty: it can.
using Probe = std::function<std::vector<std::string>(const std::vector<ProbeTarget>&)>;

// All at once: names resolved by the system, then connect().
std::vector<std::string> probe_by_connecting(const std::vector<ProbeTarget>& targets);

}  // namespace weir::control
