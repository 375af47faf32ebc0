// The origin of the benchmark: one epoll thread that answers any GET with a body of fixed size, keep-alive, nothing
// else. The last path segment says the size: /1k, /16k. bench/run.py compiles and starts it; no part of Weir uses it.
// It does not read request bodies, does not log and does not limit anything: only the harness talks to it, on
// loopback.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

struct Connection {
  int fd = -1;
  std::string in;   // bytes of requests not yet complete
  std::string out;  // bytes of answers the socket did not take
};

// The whole answer, head and body, made once per size.
const std::string& answer(std::string_view target) {
  static std::map<unsigned, std::string> made;
  const std::string_view last = target.substr(target.rfind('/') + 1);
  unsigned kib = 1;
  std::from_chars(last.data(), last.data() + last.size(), kib);
  std::string& text = made[kib];
  if (text.empty()) {
    const std::string body(kib * 1024UL, 'x');
    text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nCache-Control: no-store\r\nContent-Length: " +
           std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  return text;
}

// Answers every complete request in connection.in. False: the connection is over.
bool serve(Connection& connection) {
  while (true) {
    const size_t end = connection.in.find("\r\n\r\n");
    if (end == std::string::npos) return true;
    const std::string_view line = std::string_view(connection.in).substr(0, connection.in.find("\r\n"));
    const size_t from = line.find(' ') + 1;
    const std::string& text = answer(line.substr(from, line.rfind(' ') - from));
    connection.in.erase(0, end + 4);
    if (!connection.out.empty()) {
      connection.out += text;
      continue;
    }
    const ssize_t sent = send(connection.fd, text.data(), text.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN) return false;
    connection.out.assign(text, sent < 0 ? 0 : static_cast<size_t>(sent));
  }
}

bool readable(Connection& connection) {
  std::array<char, 16384> bytes;
  const ssize_t got = recv(connection.fd, bytes.data(), bytes.size(), 0);
  if (got == 0 || (got < 0 && errno != EAGAIN)) return false;
  if (got > 0) connection.in.append(bytes.data(), static_cast<size_t>(got));
  return serve(connection);
}

bool writable(Connection& connection) {
  if (connection.out.empty()) return true;
  const ssize_t sent = send(connection.fd, connection.out.data(), connection.out.size(), MSG_NOSIGNAL);
  if (sent < 0) return errno == EAGAIN;
  connection.out.erase(0, static_cast<size_t>(sent));
  return true;
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::fputs("usage: origin PORT\n", stderr), 2;
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(std::atoi(arguments[1])));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 || listen(listener, 4096) != 0) {
    return std::perror("origin"), 1;
  }
  const int poll = epoll_create1(0);
  epoll_event event{.events = EPOLLIN, .data = {.fd = listener}};
  epoll_ctl(poll, EPOLL_CTL_ADD, listener, &event);

  std::vector<std::unique_ptr<Connection>> connections;
  std::array<epoll_event, 512> ready;
  while (true) {
    const int number = epoll_wait(poll, ready.data(), static_cast<int>(ready.size()), -1);
    for (int i = 0; i < number; ++i) {
      const int fd = ready[static_cast<size_t>(i)].data.fd;
      if (fd == listener) {
        int accepted;
        while ((accepted = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK)) >= 0) {
          setsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
          if (connections.size() <= static_cast<size_t>(accepted))
            connections.resize(static_cast<size_t>(accepted) + 1);
          connections[static_cast<size_t>(accepted)] =
              std::make_unique<Connection>(Connection{.fd = accepted, .in = {}, .out = {}});
          epoll_event added{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.fd = accepted}};
          epoll_ctl(poll, EPOLL_CTL_ADD, accepted, &added);
        }
        continue;
      }
      Connection& connection = *connections[static_cast<size_t>(fd)];
      const uint32_t events = ready[static_cast<size_t>(i)].events;
      bool alive = (events & EPOLLERR) == 0;
      if (alive && (events & EPOLLOUT)) alive = writable(connection);
      if (alive && (events & (EPOLLIN | EPOLLHUP))) alive = readable(connection);
      if (!alive) {
        close(fd);
        connections[static_cast<size_t>(fd)].reset();
      }
    }
  }
}
