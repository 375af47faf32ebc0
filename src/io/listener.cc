#include "io/listener.h"

#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <cerrno>
#include <cstring>

namespace weir::io {
namespace {

// The kernel cuts this to net.core.somaxconn.
constexpr int kBacklog = 4096;
// nginx's multi_accept knows 1 or all; 32 keeps a flood of connections from delaying the established ones.
constexpr int kMostAccepts = 32;

// With io_uring the kernel waits for the socket, and does so only for a blocking one (stream.h).
int accept_flags(const Loop& loop) noexcept { return loop.by_ring() ? SOCK_CLOEXEC : SOCK_CLOEXEC | SOCK_NONBLOCK; }

std::string advice(int error) {
  switch (error) {
    case EADDRINUSE:
      return "the address is in use; `ss -ltnp` shows by whom";
    case EACCES:
      return "not permitted; ports below 1024 need CAP_NET_BIND_SERVICE";
    case EADDRNOTAVAIL:
      return "this machine has no such address";
    default:
      return std::strerror(error);
  }
}

}  // namespace

std::expected<int, std::string> listen_on(const SocketAddress& address, Sharing sharing) {
  sockaddr_storage storage{};
  socklen_t size = address.to_sockaddr(storage);
  int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  auto failed = [&](int error) {
    if (fd >= 0) ::close(fd);
    return std::unexpected(fmt::format("cannot listen on {}: {}", address.to_string(), advice(error)));
  };
  if (fd < 0) return failed(errno);
  int one = 1;
  if (storage.ss_family == AF_UNIX) {
    const char* path = reinterpret_cast<sockaddr_un*>(&storage)->sun_path;
    struct stat what{};
    if (::stat(path, &what) == 0 && S_ISSOCK(what.st_mode)) ::unlink(path);
  } else {
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (sharing == Sharing::yes) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (storage.ss_family == AF_INET6) ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  }
  if (::bind(fd, reinterpret_cast<sockaddr*>(&storage), size) != 0) return failed(errno);
  if (::listen(fd, kBacklog) != 0) return failed(errno);
  return fd;
}

Operation::Wants Listener::Accept::attempt(Operation& operation) {
  auto& self = static_cast<Accept&>(operation);
  Listener& listener = self.listener_;
  Handle& handle = listener.handle_;
  if (listener.stopped_) {
    self.status_ = IoStatus::cancelled;
    return Wants::nothing;
  }
  if (!handle.maybe_readable()) {
    // Registered here and not by park(): this socket wants level-triggered, exclusive events.
    handle.watch_accepts();
    return Wants::read;
  }
  for (;;) {
    sockaddr_storage peer;
    socklen_t size = sizeof peer;
    int fd = ::accept4(handle.fd(), reinterpret_cast<sockaddr*>(&peer), &size, accept_flags(handle.loop()));
    if (fd >= 0) {
      self.fd_ = fd;
      self.peer_ = SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&peer), size).value_or(SocketAddress{});
      if (++listener.accepted_ >= listener.budget_) {
        listener.budget_ = std::min(listener.budget_ * 2, kMostAccepts);
        listener.accepted_ = 0;
        handle.blocked_reading();
      }
      self.status_ = IoStatus::ok;
      return Wants::nothing;
    }
    if (errno == EINTR || errno == ECONNABORTED || errno == EPROTO) continue;
    if (errno == EAGAIN) {
      listener.budget_ = std::max(1, listener.accepted_);
      listener.accepted_ = 0;
      handle.blocked_reading();
      handle.watch_accepts();
      return Wants::read;
    }
    self.error_ = errno;
    self.status_ = IoStatus::failed;
    return Wants::nothing;
  }
}

std::optional<Listener::Accepted> Listener::accept_now() noexcept {
  sockaddr_storage peer;
  socklen_t size = sizeof peer;
  int fd = ::accept4(handle_.fd(), reinterpret_cast<sockaddr*>(&peer), &size, accept_flags(handle_.loop()));
  if (fd < 0) return std::nullopt;
  return Accepted{IoStatus::ok, 0, fd,
                  SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&peer), size).value_or(SocketAddress{})};
}

}  // namespace weir::io
