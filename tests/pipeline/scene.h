// An exchange without a server, for tests of filters and of pipeline/respond: a socket pair, a writer, a request made
// of a few words. Header values passed in must be literals. One scene is one exchange.
#pragma once

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "http/server.h"
#include "io/stream.h"
#include "io/task.h"
#include "pipeline/exchange.h"
#include "pipeline/filter.h"
#include "pipeline/respond.h"
#include "ports/log_sink.h"

namespace weir {

inline constexpr bool kNotEnding = false;

class KeptRecords final : public ports::LogSink {
 public:
  void append(std::string_view record) override { records.emplace_back(record); }
  std::vector<std::string> records;
};

class Scene {
  struct Ends {
    int ours = -1;
    int theirs = -1;
    Ends() {
      int fds[2];
      if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) == 0) {
        ours = fds[0];
        theirs = fds[1];
      }
    }
    ~Ends() {
      if (theirs >= 0) ::close(theirs);
    }
  };

 public:
  // "GET", "/a", "x=1": the path is canonical already; no query if it is nullptr.
  explicit Scene(std::string_view method = "GET", std::string_view path = "/", const char* query = nullptr)
      : stream(loop, ends_.ours),
        server(stream, buffers, peer, std::chrono::seconds(5)),
        exchange(loop, lease, server) {
    http::RequestHead& request = exchange.request;
    request.method = http::method_of(method);
    request.method_text = method;
    server.writer.for_request(request, true, kNotEnding);
    exchange.path = exchange.upstream_path = path;
    exchange.has_query = exchange.upstream_has_query = query != nullptr;
    if (query != nullptr) exchange.query = exchange.upstream_query = query;
    exchange.host = "shop.example.com";
    exchange.client = IpAddress::v4(192, 0, 2, 7);
    exchange.wall_started_us = 1'772'323'199'123'456;  // 2026-02-28T23:59:59.123456Z
    exchange.started = io::Clock::now();
    lease.revision = 3;
    lease.access_log = &log;
    lease.buffers = &buffers;
    route.id = "order";
  }

  Scene& header(std::string_view name, std::string_view value) {
    exchange.request.fields.append(name, value);
    return *this;
  }
  Scene& matched() {
    exchange.route = &route;
    return *this;
  }
  Scene& capture(std::string_view name, std::string_view value) {
    exchange.captures.items[exchange.captures.count++] = {name, value};
    return *this;
  }

  // The values of a field, joined by " | "; "-" without any.
  static std::string all(const http::Fields& fields, std::string_view name) {
    std::string out;
    for (const http::Field& field : fields) {
      if (!http::equal_ignoring_case(field.name, name)) continue;
      out.append(out.empty() ? "" : " | ").append(field.value);
    }
    return out.empty() ? "-" : out;
  }
  std::string request(std::string_view name) const { return all(exchange.request.fields, name); }
  std::string response(std::string_view name) const { return all(exchange.response.fields, name); }

  // The client goes away.
  void leave() { ::close(std::exchange(ends_.theirs, -1)); }

  // Runs `task` to its end and returns what the client got.
  std::string wire(io::Task<Result<void>> task) {
    io::TaskGroup group;
    group.spawn(finish(std::move(task)));
    for (int i = 0; i < 1000 && group.running() != 0; ++i) loop.turn(std::chrono::milliseconds(10));
    EXPECT_EQ(group.running(), 0u);
    std::string out(64 * 1024, '\0');
    const auto got = ::read(ends_.theirs, out.data(), out.size());
    out.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return out;
  }

 private:
  static io::Task<void> finish(io::Task<Result<void>> task) {
    const Result<void> done = co_await std::move(task);
    EXPECT_TRUE(done.has_value());
  }
  Ends ends_;

 public:
  io::Loop loop;
  http::BufferPool buffers;
  io::Stream stream;
  http::Peer peer;
  http::ServerExchange server;
  KeptRecords log;
  pipeline::Lease lease;
  pipeline::Route route;
  pipeline::Exchange exchange;
};

}  // namespace weir
