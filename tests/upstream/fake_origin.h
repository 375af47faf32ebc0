// A listening socket on loopback and the connections accepted from it, all in the test's own hands and thread.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "pipeline/route.h"
#include "tests/upstream/loopback.h"

namespace weir::upstream {

class FakeOrigin {
 public:
  FakeOrigin() {
    const Loopback made = listen_on_loopback();
    listening_ = made.fd;
    port_ = made.port;
  }
  FakeOrigin(const FakeOrigin&) = delete;
  FakeOrigin& operator=(const FakeOrigin&) = delete;
  ~FakeOrigin() {
    stop();
    for (int fd : connections_) ::close(fd);
  }

  std::uint16_t port() const noexcept { return port_; }
  SocketAddress address() const { return {IpAddress::v4(127, 0, 0, 1), port_}; }
  pipeline::TargetSpec target(std::uint32_t weight = 1) const {
    return {address().to_string(), address(), {}, weight};
  }
  // By a name that the test resolves.
  pipeline::TargetSpec target(std::string host) const {
    return {host + ":" + std::to_string(port_), SocketAddress({}, port_), std::move(host), 1};
  }

  // Takes the next connection; its number here.
  std::size_t accept() {
    const int fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC);
    EXPECT_GE(fd, 0);
    connections_.push_back(fd);
    return connections_.size() - 1;
  }
  void say(std::size_t connection, std::string_view text) {
    EXPECT_EQ(::send(connections_[connection], text.data(), text.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(text.size()));
  }
  void close(std::size_t connection) { ::close(std::exchange(connections_[connection], -1)); }
  // Whether the other side has closed this connection; what it said before is dropped.
  bool closed(std::size_t connection) const {
    char piece[256];
    ssize_t got;
    do got = ::recv(connections_[connection], piece, sizeof piece, MSG_DONTWAIT);
    while (got > 0);
    return got == 0 || errno != EAGAIN;
  }
  // Nobody listens on the port any more: connects are refused.
  void stop() {
    if (listening_ >= 0) ::close(std::exchange(listening_, -1));
  }

 private:
  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::vector<int> connections_;
};

}  // namespace weir::upstream
