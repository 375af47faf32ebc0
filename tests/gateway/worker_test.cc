// A worker on its thread, a real socket and a client: snapshots change under it, nothing is lost at its end.
#include "gateway/worker.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "io/listener.h"
#include "tests/gateway/probes.h"

namespace weir::gateway {
namespace {

constexpr std::uint32_t kListener = 1;

std::shared_ptr<const snapshot::Snapshot> config(std::string_view id, std::uint64_t revision,
                                                 std::string_view says = "answer") {
  const bool waits = says == "wait for the body";
  return snapshot_of(R"("access_log": {"path": "unused"}, "routes": [{"route_id": ")" + std::string(id) +
                         R"(", "path_pattern": "/**", "http_methods": ["GET", "POST"],)" +
                         (waits ? "" : R"("upstream_url": "http://127.0.0.1:9",)") +
                         R"("plugin_chain": [{"name": "second", "config": {"says": ")" + std::string(says) +
                         R"("}}]}])",
                     revision);
}

class Client {
 public:
  explicit Client(const SocketAddress& to) {
    sockaddr_storage storage{};
    const socklen_t size = to.to_sockaddr(storage);
    fd_ = ::socket(storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval limit{.tv_sec = 10, .tv_usec = 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&storage), size), 0);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { ::close(fd_); }

  void say(std::string_view text) {
    EXPECT_EQ(::send(fd_, text.data(), text.size(), MSG_NOSIGNAL), ssize_t(text.size()));
  }
  // Until `end` has come; all of it if the connection ends before.
  std::string hear_until(std::string_view end) {
    std::string out;
    char piece[4096];
    while (!out.ends_with(end)) {
      const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
      if (got <= 0) break;
      out.append(piece, static_cast<std::size_t>(got));
    }
    return out;
  }
  bool ended() {
    char byte;
    return ::recv(fd_, &byte, 1, 0) <= 0 && errno != EAGAIN;
  }
  std::string ask(std::string_view path) {
    say("GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n\r\n");
    return hear_until("\r\n\r\nsecond");
  }

 private:
  int fd_ = -1;
};

class WorkerTest : public testing::Test {
 protected:
  WorkerTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-worker-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    log = std::move(*LogFile::open((folder / "log").string()));
    worker = std::make_unique<Worker>(log.get(), 0);
    worker->start();
  }
  ~WorkerTest() override {
    worker->stop();
    std::filesystem::remove_all(folder);
  }
  // Runs on the worker's thread; what it gave.
  template <class F>
  auto on_worker(F work) {
    using Out = decltype(work(*worker));
    auto promise = std::make_shared<std::promise<Out>>();
    auto out = promise->get_future();
    worker->post([promise, work](Worker& self) mutable {
      if constexpr (std::is_void_v<Out>) {
        work(self);
        promise->set_value();
      } else {
        promise->set_value(work(self));
      }
    });
    return out.get();
  }
  void install(std::shared_ptr<const snapshot::Snapshot> snapshot) {
    on_worker([snapshot](Worker& self) { self.install(snapshot); });
  }
  void listen() {
    const int fd = *io::listen_on(*SocketAddress::parse("127.0.0.1:0"));
    sockaddr_storage storage{};
    socklen_t size = sizeof storage;
    ::getsockname(fd, reinterpret_cast<sockaddr*>(&storage), &size);
    address = *SocketAddress::from_sockaddr(reinterpret_cast<sockaddr*>(&storage), size);
    auto settings = std::make_shared<http::ListenerSettings>();
    settings->limits = config("any", 1)->limits;
    on_worker([fd, settings](Worker& self) { self.server().listen(kListener, fd, settings); });
  }
  Metrics measured() {
    return on_worker([](Worker& self) { return self.measure(); });
  }
  // A connection's end and a response's record come after the client has its bytes.
  template <class Predicate>
  Metrics measured_until(Predicate predicate) {
    const auto until = io::Clock::now() + std::chrono::seconds(10);
    for (;;) {
      Metrics out = measured();
      if (predicate(out) || io::Clock::now() > until) return out;
    }
  }
  std::string logged() {
    worker->stop();
    log.reset();
    std::ifstream in(folder / "log");
    std::ostringstream out;
    out << in.rdbuf();
    return out.str();
  }

  std::filesystem::path folder;
  std::unique_ptr<LogFile> log;
  std::unique_ptr<Worker> worker;
  SocketAddress address;
};

TEST_F(WorkerTest, ServesCountsAndLogs) {
  install(config("users", 7));
  listen();
  Client client(address);
  EXPECT_TRUE(client.ask("/a").starts_with("HTTP/1.1 200 OK\r\n"));
  EXPECT_TRUE(client.ask("/b").starts_with("HTTP/1.1 200 OK\r\n"));
  {
    Client other(address);
    other.say("BREW / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(other.hear_until("}\n").starts_with("HTTP/1.1 405 "));
    other.say("nonsense\r\n\r\n");
    EXPECT_TRUE(other.hear_until("}\n").starts_with("HTTP/1.1 400 "));
    EXPECT_TRUE(other.ended());
  }
  Metrics metrics = measured_until([](const Metrics& m) { return m.connections_open == 1 && m.active == 0; });
  EXPECT_EQ(metrics.connections_accepted, 2u);
  EXPECT_EQ(metrics.connections_open, 1u);
  EXPECT_EQ(metrics.active, 0u);
  EXPECT_EQ(metrics.overhead.count, 4u);
  RouteMetrics& users = metrics.routes["users"];
  ASSERT_EQ(users.series.size(), 1u);
  EXPECT_EQ(users.series[0].method, http::Method::get);
  EXPECT_EQ(users.series[0].status, 200);
  EXPECT_EQ(users.series[0].duration.count, 2u);
  EXPECT_EQ(users.bytes_out, 12u);
  RouteMetrics& none = metrics.routes[std::string(kNoRoute)];
  EXPECT_EQ(none.reasons[static_cast<std::size_t>(Reason::method_not_allowed)], 1u);
  EXPECT_EQ(none.reasons[static_cast<std::size_t>(Reason::bad_request)], 1u);
  // Two filters with a finish on the route's chain, one on the global one.
  EXPECT_EQ(logged().substr(0, 20), "7 /a\n7 /a\n7 /b\n7 /b\n");
}

TEST_F(WorkerTest, TheNextRequestOfAConnectionRunsUnderTheNextSnapshot) {
  install(config("old", 1));
  listen();
  Client client(address);
  client.ask("/a");
  install(config("new", 2));
  client.ask("/b");
  const Metrics metrics = measured_until([](const Metrics& m) { return m.active == 0 && m.routes.contains("new"); });
  EXPECT_FALSE(metrics.routes.contains("old")) << "a route that is gone takes its counters with it";
  EXPECT_EQ(metrics.routes.at("new").series.at(0).duration.count, 1u);
  EXPECT_EQ(logged(), "1 /a\n1 /a\n2 /b\n2 /b\n");
}

TEST_F(WorkerTest, WhatIsUnderWayEndsUnderTheSnapshotItBeganWith) {
  auto first = config("slow", 1, "wait for the body");
  const std::weak_ptr<const snapshot::Snapshot> watch = first;
  install(std::move(first));
  listen();
  Client slow(address);
  slow.say("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
  measured_until([](const Metrics& m) { return m.active == 1; });
  install(config("new", 2));
  Client quick(address);
  quick.ask("/quick");
  EXPECT_FALSE(watch.expired()) << "it is in use";
  Metrics metrics = measured();
  EXPECT_EQ(metrics.active, 1u);
  EXPECT_TRUE(metrics.routes.contains("slow"));
  slow.say("x");
  EXPECT_TRUE(slow.hear_until("second").starts_with("HTTP/1.1 200 OK\r\n"));
  metrics = measured_until([](const Metrics& m) { return m.active == 0 && !m.routes.contains("slow"); });
  EXPECT_TRUE(watch.expired()) << "its last exchange has ended";
  EXPECT_FALSE(metrics.routes.contains("slow"));
  EXPECT_EQ(logged(), "2 /quick\n2 /quick\n1 /slow\n1 /slow\n");
}

TEST_F(WorkerTest, ManySnapshotsLeaveNothingBehind) {
  listen();
  std::vector<std::weak_ptr<const snapshot::Snapshot>> all;
  for (std::uint64_t revision = 1; revision <= 50; ++revision) {
    auto next = config("r" + std::to_string(revision), revision);
    all.emplace_back(next);
    install(std::move(next));
  }
  for (std::size_t i = 0; i + 1 < all.size(); ++i) EXPECT_TRUE(all[i].expired()) << i;
  EXPECT_FALSE(all.back().expired());
  EXPECT_EQ(measured().routes.size(), 2u) << "its own and the one of those that no route took";
}

TEST_F(WorkerTest, StopCutsWhatIsOpenAndLogsIt) {
  install(config("slow", 1, "wait for the body"));
  listen();
  Client idle(address), slow(address);
  slow.say("POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
  measured_until([](const Metrics& m) { return m.active == 1 && m.connections_open == 2; });
  EXPECT_EQ(logged(), "1 /slow\n1 /slow\n");
  EXPECT_TRUE(slow.ended());
  EXPECT_TRUE(idle.ended());
}

}  // namespace
}  // namespace weir::gateway
