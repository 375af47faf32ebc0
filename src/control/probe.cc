#include "control/probe.h"

#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "base/ip.h"

namespace weir::control {
namespace {

using Deadline = std::chrono::steady_clock::time_point;

// More at once would be a flood of its own; 32 that hang cost two seconds each.
constexpr std::size_t kAtOnce = 32;

std::string reason(int error) { return std::strerror(error); }

std::string connect_to(const sockaddr* address, socklen_t length, Deadline deadline) {
  const int fd = ::socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return reason(errno);
  std::string out;
  if (::connect(fd, address, length) != 0) {
    if (errno != EINPROGRESS) {
      out = reason(errno);
    } else {
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      pollfd waiting{fd, POLLOUT, 0};
      const int ready = ::poll(&waiting, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
      int error = 0;
      socklen_t size = sizeof error;
      if (ready <= 0)
        out = "did not take a connection within 2 seconds";
      else if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0)
        out = reason(error);
    }
  }
  ::close(fd);
  return out;
}

std::string try_name(std::string_view address, Deadline deadline) {
  const std::size_t colon = address.rfind(':');
  if (colon == std::string_view::npos) return "has no port";
  const std::string host(address.substr(0, colon)), port(address.substr(colon + 1));
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0)
    return std::string("cannot be resolved: ") + ::gai_strerror(failed);
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  std::string out = "has no address";
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    out = connect_to(each->ai_addr, each->ai_addrlen, deadline);
    if (out.empty()) break;
  }
  return out;
}

std::string try_target(const ProbeTarget& target) {
  const Deadline deadline = std::chrono::steady_clock::now() + kProbeTime;
  const auto socket = SocketAddress::parse(target.address);
  if (!socket) return try_name(target.address, deadline);
  sockaddr_storage address{};
  const socklen_t length = socket->to_sockaddr(address);
  return connect_to(reinterpret_cast<const sockaddr*>(&address), length, deadline);
}

}  // namespace

std::vector<std::string> probe_by_connecting(const std::vector<ProbeTarget>& targets) {
  std::vector<std::string> out(targets.size());
  std::atomic<std::size_t> next = 0;
  const auto work = [&] {
    for (std::size_t i = next++; i < targets.size(); i = next++) out[i] = try_target(targets[i]);
  };
  std::vector<std::jthread> threads;
  for (std::size_t i = 0; i < std::min(kAtOnce, targets.size()); ++i) threads.emplace_back(work);
  threads.clear();
  return out;
}

}  // namespace weir::control
