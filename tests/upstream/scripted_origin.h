// A service on loopback that the test's own thread plays, between two turns of the loop: it takes connections, hears
// whole requests and answers each with the next line of its script. Under the tests of whatever asks outside
// services.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <deque>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pipeline/route.h"
#include "tests/upstream/loopback.h"

namespace weir::upstream {

class ScriptedOrigin {
 public:
  struct Answer {
    std::string bytes;   // empty: silence
    bool close = false;  // the connection, behind it
  };

  ScriptedOrigin() {
    const Loopback made = listen_on_loopback(SOCK_NONBLOCK);
    listening_ = made.fd;
    port_ = made.port;
  }
  ScriptedOrigin(const ScriptedOrigin&) = delete;
  ScriptedOrigin& operator=(const ScriptedOrigin&) = delete;
  ~ScriptedOrigin() {
    refuse();
    close_all();
  }

  // What an upstream with this one target looks like.
  pipeline::UpstreamSpec spec() const {
    pipeline::UpstreamSpec out;
    out.name = "outside";
    const SocketAddress address(IpAddress::v4(127, 0, 0, 1), port_);
    out.targets.push_back({address.to_string(), address, {}, 1});
    out.connect_timeout = out.first_byte_timeout = out.idle_timeout = std::chrono::seconds(5);
    out.keep_alive = std::chrono::seconds(60);
    out.max_idle = 8;
    return out;
  }

  void will_say(std::string bytes, bool then_close = false) { script_.push_back({std::move(bytes), then_close}); }
  void will_answer(int status, std::string_view body, std::string_view fields = {}) {
    std::string out =
        "HTTP/1.1 " + std::to_string(status) + " -\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
    will_say(out.append(fields).append("\r\n").append(body));
  }

  // Takes what has come and says what is due. Requests beyond the script meet silence.
  void play() {
    for (int fd; (fd = ::accept4(listening_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;)
      connections_.push_back({fd, {}}), ++accepted;
    for (Connection& connection : connections_) hear(connection);
  }
  void close_all() {
    for (Connection& connection : connections_) shut(connection);
  }
  // From now on connects are refused.
  void refuse() {
    if (listening_ >= 0) ::close(std::exchange(listening_, -1));
  }

  std::vector<std::string> requests;  // whole, in the order they came
  int accepted = 0;
  int left = 0;  // connections that the other side ended

 private:
  struct Connection {
    int fd;
    std::string in;
  };
  static void shut(Connection& connection) {
    if (connection.fd >= 0) ::close(std::exchange(connection.fd, -1));
  }
  static std::size_t whole(std::string_view in) {
    const std::size_t head = in.find("\r\n\r\n");
    if (head == std::string_view::npos) return 0;
    std::size_t length = 0;
    if (const std::size_t at = in.find("Content-Length: "); at < head)
      std::from_chars(in.data() + at + 16, in.data() + in.size(), length);
    return in.size() >= head + 4 + length ? head + 4 + length : 0;
  }
  void hear(Connection& connection) {
    if (connection.fd < 0) return;
    char piece[4096];
    ssize_t got;
    while ((got = ::recv(connection.fd, piece, sizeof piece, MSG_DONTWAIT)) > 0)
      connection.in.append(piece, static_cast<std::size_t>(got));
    while (std::size_t size = whole(connection.in)) {
      requests.push_back(connection.in.substr(0, size));
      connection.in.erase(0, size);
      if (script_.empty()) continue;
      const Answer answer = std::move(script_.front());
      script_.pop_front();
      ::send(connection.fd, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL);
      if (answer.close) return shut(connection);
    }
    if (got == 0) {
      ++left;
      shut(connection);
    }
  }

  int listening_ = -1;
  std::uint16_t port_ = 0;
  std::deque<Answer> script_;
  std::vector<Connection> connections_;
};

}  // namespace weir::upstream
