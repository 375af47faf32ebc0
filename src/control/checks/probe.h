// Whether upstreams take a connection, before a revision names them (control.probe_upstreams). Used by publish, never
// while it holds the store's lock. Blocking, bounded by kProbeAllTime however many targets hang and whatever DNS
// does; any thread. What cannot be found out is a sentence like any other: it warns, it never stands in the way.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "base/ip.h"

namespace weir::control {

// Two SYNs: the kernel sends the second after a second. An operator waits for it. Names get as long.
inline constexpr auto kProbeTime = std::chrono::seconds(2);
// All of them: names, and four rounds of connections of which each hangs.
inline constexpr auto kProbeAllTime = std::chrono::seconds(10);

struct ProbeTarget {
  std::string upstream;
  std::string address;  // host:port, ip:port or unix:/path
};
// Of each target a sentence of why it cannot be reached; empty: it can.
using Probe = std::function<std::vector<std::string>(const std::vector<ProbeTarget>&)>;

// What a name is; `error` is a sentence, empty: found.
struct Looked {
  std::string error;
  std::vector<SocketAddress> addresses;
};
// Blocking, for as long as it likes: called on threads that are given up when they are late. "host:port".
using LookUp = std::function<Looked(const std::string& name)>;
Looked look_up_by_system(const std::string& name);

// Names resolved by the system, then connect().
std::vector<std::string> probe_by_connecting(const std::vector<ProbeTarget>& targets);
// The same with another way to resolve; for tests. `look_up` is kept for as long as a thread that hangs in it.
std::vector<std::string> probe_by(const LookUp& look_up, const std::vector<ProbeTarget>& targets);

}  // namespace weir::control
