// The load generator of the benchmark: one epoll thread, a closed loop over N connections to 127.0.0.1.
//   load PORT PATH CONNECTIONS SECONDS KIB keep|close [HEADER]   sends GETs and prints one JSON line of what came
//   back load PORT PATH CONNECTIONS 0 KIB idle               one GET on each connection, prints "idle", holds them
//   until stdin ends
// Every answer is checked: status 200 and a body of KIB kibibytes. Anything else is counted as an error, never as a
// request. It talks to loopback only and ends by itself after SECONDS (at most 60). bench/run.py compiles and starts
// it.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

namespace {

enum class Mode { keep, close, idle };

uint64_t now_ns() {
  timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(time.tv_nsec);
}

// Latencies in buckets of 1/16 of a power of two (6 % wide), so that it costs nothing to keep them all.
class Histogram {
 public:
  void add(uint64_t ns) {
    ++counts_[bucket(ns)];
    ++total_;
  }
  double quantile_us(double q) const {
    uint64_t left = static_cast<uint64_t>(q * static_cast<double>(total_));
    for (size_t i = 0; i < counts_.size(); ++i) {
      if (counts_[i] > left) return static_cast<double>(value(i)) / 1000;
      left -= counts_[i];
    }
    return 0;
  }

 private:
  static size_t bucket(uint64_t ns) {
    if (ns < 16) return ns;
    const unsigned shift = static_cast<unsigned>(std::bit_width(ns)) - 5;
    return (shift + 1) * 16 + ((ns >> shift) & 15);
  }
  static uint64_t value(size_t i) { return i < 16 ? i : (16 + i % 16) << (i / 16 - 1); }

  std::array<uint64_t, 1024> counts_{};
  uint64_t total_ = 0;
};

struct Connection {
  int fd = -1;
  uint64_t started = 0;   // when the request (or, in close mode, the connect) began
  size_t head_bytes = 0;  // 0 until the head is complete
  size_t got = 0;         // bytes of this answer so far
  std::string head;       // the head while it is incomplete
  bool complete = false;  // the whole answer is here (close mode then waits for the end)
};

class Load {
 public:
  // `field`: one more header line, without its end; empty for none.
  Load(uint16_t port, std::string path, size_t connections, size_t body, Mode mode, const std::string& field)
      : body_(body), mode_(mode), connections_(connections), poll_(epoll_create1(0)) {
    address_.sin_family = AF_INET;
    address_.sin_port = htons(port);
    address_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    request_ = "GET " + path + " HTTP/1.1\r\nHost: bench.example.com\r\nUser-Agent: weir-bench/1\r\nAccept: */*\r\n";
    if (!field.empty()) request_ += field + "\r\n";
    if (mode == Mode::close) request_ += "Connection: close\r\n";
    request_ += "\r\n";
  }

  void run(double seconds) {
    const uint64_t begin = now_ns();
    const uint64_t end = begin + static_cast<uint64_t>(seconds * 1e9);
    for (Connection& connection : connections_) open(connection);
    while (now_ns() < end) {
      poll(static_cast<int>((end - now_ns()) / 1'000'000) + 1);
      if (errors_ > 1000) break;  // Something is broken: say so rather than spin.
    }
    const double took = static_cast<double>(now_ns() - begin) / 1e9;
    std::printf("{\"requests\": %llu, \"errors\": %llu, \"seconds\": %.4f, \"p50_us\": %.1f, \"p99_us\": %.1f}\n",
                static_cast<unsigned long long>(requests_), static_cast<unsigned long long>(errors_), took,
                latency_.quantile_us(0.50), latency_.quantile_us(0.99));
  }

  // Opens the connections 64 at a time, so that no accept queue overflows.
  int hold() {
    const uint64_t end = now_ns() + 60'000'000'000;
    for (size_t opened = 0; opened < connections_.size(); ++opened) {
      open(connections_[opened]);
      while (opened + 1 - requests_ >= 64 && errors_ == 0 && now_ns() < end) poll(100);
    }
    while (requests_ < connections_.size() && errors_ == 0 && now_ns() < end) poll(100);
    if (requests_ < connections_.size()) return std::fputs("load: not every connection got its answer\n", stderr), 1;
    std::puts("idle");
    std::fflush(stdout);
    char byte;
    while (read(0, &byte, 1) > 0) {
    }
    return 0;
  }

 private:
  void open(Connection& connection) {
    connection.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (connection.fd < 0) std::perror("load: socket"), std::exit(1);
    const int on = 1;
    setsockopt(connection.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection.started = now_ns();
    // On loopback connect() is done when it returns, or fails: no answer is waited for.
    if (connect(connection.fd, reinterpret_cast<sockaddr*>(&address_), sizeof address_) != 0 &&
        errno != EINPROGRESS) {
      std::perror("load: connect"), std::exit(1);
    }
    epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = &connection}};
    epoll_ctl(poll_, EPOLL_CTL_ADD, connection.fd, &event);
    send_request(connection);
  }

  void send_request(Connection& connection) {
    connection.head_bytes = connection.got = 0;
    connection.head.clear();
    connection.complete = false;
    if (mode_ == Mode::keep) connection.started = now_ns();
    if (send(connection.fd, request_.data(), request_.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request_.size())) {
      ++errors_;
    }
  }

  void reopen(Connection& connection) {
    ::close(connection.fd);
    open(connection);
  }

  void poll(int timeout_ms) {
    const int number = epoll_wait(poll_, ready_.data(), static_cast<int>(ready_.size()), timeout_ms);
    for (int i = 0; i < number; ++i) receive(*static_cast<Connection*>(ready_[static_cast<size_t>(i)].data.ptr));
  }

  void receive(Connection& connection) {
    while (true) {
      const ssize_t got = recv(connection.fd, bytes_.data(), bytes_.size(), 0);
      if (got < 0 && errno == EAGAIN) return;
      if (got <= 0) {
        // The end is right only after a whole answer and only where it was asked for.
        if (!connection.complete || mode_ != Mode::close) ++errors_;
        return reopen(connection);
      }
      if (!take(connection, {bytes_.data(), static_cast<size_t>(got)})) {
        ++errors_;
        return reopen(connection);
      }
      if (static_cast<size_t>(got) < bytes_.size() && mode_ != Mode::close) return;
    }
  }

  // False when the answer is not what was asked for.
  bool take(Connection& connection, std::string_view bytes) {
    if (connection.complete) return false;
    if (connection.head_bytes == 0) {
      connection.head += bytes;
      const size_t end = connection.head.find("\r\n\r\n");
      connection.got += bytes.size();
      if (end == std::string::npos) return connection.head.size() < 16384;
      if (!good_head(std::string_view(connection.head).substr(0, end + 2))) return false;
      connection.head_bytes = end + 4;
    } else {
      connection.got += bytes.size();
    }
    if (connection.got < connection.head_bytes + body_) return true;
    if (connection.got > connection.head_bytes + body_) return false;
    connection.complete = true;
    ++requests_;
    latency_.add(now_ns() - connection.started);
    if (mode_ == Mode::keep) send_request(connection);
    return true;
  }

  bool good_head(std::string_view head) const {
    if (!head.starts_with("HTTP/1.1 200 ")) return false;
    static constexpr std::string_view name = "content-length:";
    for (size_t at = head.find("\r\n"); at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
      const std::string_view line = head.substr(at + 2);
      if (line.size() < name.size() || strncasecmp(line.data(), name.data(), name.size()) != 0) continue;
      size_t value = 0;
      const char* from = line.data() + name.size();
      while (*from == ' ') ++from;
      std::from_chars(from, line.data() + line.size(), value);
      return value == body_;
    }
    return false;
  }

  sockaddr_in address_{};
  std::string request_;
  size_t body_;
  Mode mode_;
  std::vector<Connection> connections_;
  int poll_;
  std::array<epoll_event, 256> ready_;
  std::array<char, 65536> bytes_;
  uint64_t requests_ = 0;
  uint64_t errors_ = 0;
  Histogram latency_;
};

}  // namespace

int main(int count, char** arguments) {
  if (count != 7 && count != 8)
    return std::fputs("usage: load PORT PATH CONNECTIONS SECONDS KIB keep|close|idle [HEADER]\n", stderr), 2;
  const std::string_view word = arguments[6];
  const Mode mode = word == "idle" ? Mode::idle : word == "close" ? Mode::close : Mode::keep;
  static Load load(static_cast<uint16_t>(std::atoi(arguments[1])), arguments[2],
                   static_cast<size_t>(std::atoi(arguments[3])), static_cast<size_t>(std::atoi(arguments[5])) * 1024,
                   mode, count == 8 ? arguments[7] : "");
  if (mode == Mode::idle) return load.hold();
  const double seconds = std::atof(arguments[4]);
  load.run(seconds > 60 ? 60 : seconds);
  return 0;
}
