// A TCP proxy on a thread of its own that passes a server's bytes on as late as the test says, and cuts connections.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <list>
#include <string>
#include <thread>
#include <vector>

namespace weir::adapters::redis {

class SlowProxy {
 public:
  explicit SlowProxy(std::uint16_t target) : target_(target) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    ::bind(listener_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_, 64);
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { run(); });
  }
  SlowProxy(const SlowProxy&) = delete;
  SlowProxy& operator=(const SlowProxy&) = delete;
  ~SlowProxy() {
    ended_ = true;
    thread_.join();
    ::close(listener_);
  }

  std::uint16_t port() const { return port_; }
  void delay(std::chrono::milliseconds by) { delay_ = by.count(); }
  void cut() { cut_ = true; }

 private:
  using Clock = std::chrono::steady_clock;
  struct Piece {
    Clock::time_point due;
    std::string bytes;  // empty: the end
  };
  struct Pair {
    int client = -1, server = -1;
    std::deque<Piece> late;
    bool over = false;
  };

  static sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
  }

  void run() {
    while (!ended_) {
      std::vector<pollfd> fds{{listener_, POLLIN, 0}};
      for (const Pair& pair : pairs_) {
        fds.push_back({pair.client, POLLIN, 0});
        fds.push_back({pair.server, POLLIN, 0});
      }
      ::poll(fds.data(), fds.size(), 1);
      if (cut_.exchange(false)) {
        for (Pair& pair : pairs_) pair.over = true;
      }
      accept_one();
      for (Pair& pair : pairs_) pass(pair);
      pairs_.remove_if([](Pair& pair) {
        if (!pair.over) return false;
        ::close(pair.client);
        ::close(pair.server);
        return true;
      });
    }
    for (Pair& pair : pairs_) {
      ::close(pair.client);
      ::close(pair.server);
    }
  }

  void accept_one() {
    const int client = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (client < 0) return;
    const int server = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in address = loopback(target_);
    if (::connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
      ::close(client);
      ::close(server);
      return;
    }
    const int one = 1;
    for (const int fd : {client, server}) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    ::fcntl(server, F_SETFL, O_NONBLOCK);
    pairs_.push_back({client, server, {}, false});
  }

  void pass(Pair& pair) {
    char bytes[65536];
    for (ssize_t got; (got = ::recv(pair.client, bytes, sizeof bytes, 0)) != -1;) {
      if (got == 0 || ::send(pair.server, bytes, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) {
        pair.over = true;
        return;
      }
    }
    for (ssize_t got; (got = ::recv(pair.server, bytes, sizeof bytes, 0)) != -1;) {
      pair.late.push_back({Clock::now() + std::chrono::milliseconds(delay_.load()),
                           std::string(bytes, static_cast<std::size_t>(got))});
      if (got == 0) break;
    }
    while (!pair.late.empty() && pair.late.front().due <= Clock::now()) {
      const std::string& piece = pair.late.front().bytes;
      if (piece.empty() || ::send(pair.client, piece.data(), piece.size(), MSG_NOSIGNAL) < 0) pair.over = true;
      pair.late.pop_front();
    }
  }

  std::uint16_t target_;
  std::uint16_t port_ = 0;
  int listener_ = -1;
  std::atomic<std::int64_t> delay_{0};
  std::atomic<bool> cut_{false};
  std::atomic<bool> ended_{false};
  std::list<Pair> pairs_;  // the thread's
  std::thread thread_;
};

}  // namespace weir::adapters::redis
