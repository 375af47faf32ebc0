#include "gateway/sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <charconv>
#include <cstdlib>

#include "io/listener.h"

namespace weir::gateway {
namespace {

constexpr int kSystemdFirst = 3;  // SD_LISTEN_FDS_START, sd_listen_fds(3)

int number(const char* text) {
  int out = 0;
  if (text) std::from_chars(text, text + std::char_traits<char>::length(text), out);
  return out;
}

}  // namespace

std::optional<SocketAddress> bound_address(int fd) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return std::nullopt;
  return SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), size);
}

void InheritedSockets::add(int fd) {
  auto address = bound_address(fd);
  if (!address) return;
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
  by_address_.emplace(address->to_string(), fd);
}

InheritedSockets InheritedSockets::from_environment() {
  InheritedSockets out;
  if (number(std::getenv("LISTEN_PID")) == ::getpid()) {
    int count = number(std::getenv("LISTEN_FDS"));
    for (int fd = kSystemdFirst; fd < kSystemdFirst + count; ++fd) out.add(fd);
  }
  if (const char* list = std::getenv("WEIR_SOCKETS")) {
    for (std::string_view rest = list; !rest.empty();) {
      std::size_t comma = rest.find(',');
      int fd = -1;
      std::string one(rest.substr(0, comma));
      std::from_chars(one.data(), one.data() + one.size(), fd);
      if (fd > 2) out.add(fd);
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
  }
  for (const char* name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "WEIR_SOCKETS"}) ::unsetenv(name);
  return out;
}

std::vector<int> InheritedSockets::take(const SocketAddress& address) {
  std::vector<int> out;
  auto [first, last] = by_address_.equal_range(address.to_string());
  for (auto each = first; each != last; ++each) out.push_back(each->second);
  by_address_.erase(first, last);
  return out;
}

std::vector<std::string> InheritedSockets::close_rest() {
  std::vector<std::string> out;
  for (const auto& [address, fd] : by_address_) {
    out.push_back(address);
    ::close(fd);
  }
  by_address_.clear();
  return out;
}

std::expected<std::vector<int>, std::string> open_sockets(const SocketAddress& address, int count,
                                                          InheritedSockets& inherited) {
  std::vector<int> out = inherited.take(address);
  // A socket of a Unix path or one made without SO_REUSEPORT cannot be opened twice: the workers share it.
  bool share = !out.empty() || address.is_unix();
  while (static_cast<int>(out.size()) < count) {
    int fd;
    if (share && !out.empty()) {
      fd = ::fcntl(out.front(), F_DUPFD_CLOEXEC, 3);
      if (fd < 0) break;
    } else {
      // Port 0: the kernel chooses once, and all workers share what it chose.
      auto where = out.empty() ? address : bound_address(out.front()).value_or(address);
      auto opened = io::listen_on(where);
      if (!opened) {
        for (int each : out) ::close(each);
        return std::unexpected(opened.error());
      }
      fd = *opened;
    }
    out.push_back(fd);
  }
  return out;
}

std::expected<std::vector<int>, std::string> open_own_socket(const SocketAddress& address,
                                                             InheritedSockets& inherited) {
  std::vector<int> out = inherited.take(address);
  if (!out.empty()) return out;
  const auto opened = io::listen_on(address, io::Sharing::no);
  if (!opened) return std::unexpected(opened.error());
  out.push_back(*opened);
  return out;
}

}  // namespace weir::gateway
