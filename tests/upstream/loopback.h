// A listening socket on a free port of loopback, for the services that tests play themselves.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

namespace weir::upstream {

struct Loopback {
  int fd = -1;  // the caller's to close
  std::uint16_t port = 0;
};

// `flags`: SOCK_NONBLOCK, or none.
inline Loopback listen_on_loopback(int flags = 0) {
  Loopback out;
  out.fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(out.fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::listen(out.fd, 64), 0);
  EXPECT_EQ(::getsockname(out.fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  out.port = ntohs(address.sin_port);
  return out;
}

}  // namespace weir::upstream
