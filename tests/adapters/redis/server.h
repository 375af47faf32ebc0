// A real redis-server for one test, on a free port and a Unix socket, and a loop to talk to it on.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "adapters/redis/client.h"

namespace weir::adapters::redis {

inline std::uint16_t free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  EXPECT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_EQ(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size), 0);
  ::close(fd);
  return ntohs(address.sin_port);
}

// The server's program: redis-tools has it under the name redis-check-rdb, and it goes by the name it is called.
inline const char* redis_program() {
  for (const char* path : {"/usr/bin/redis-server", "/usr/bin/redis-check-rdb", "/usr/local/bin/redis-server"})
    if (::access(path, X_OK) == 0) return path;
  return nullptr;
}

class Server {
 public:
  explicit Server(std::vector<std::string> options = {}, std::uint16_t port = free_port())
      : port(port), options_(std::move(options)) {
    char pattern[] = "/tmp/weir-redis-XXXXXX";
    directory_ = ::mkdtemp(pattern);
    socket = directory_ + "/s";
    start();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    kill();
    std::filesystem::remove_all(directory_);
  }

  // It answers some milliseconds later; clients find out by themselves.
  void start() {
    const char* program = redis_program();
    ASSERT_NE(program, nullptr) << "install redis-tools";
    std::vector<std::string> words{"redis-server", "--port",    std::to_string(port),     "--bind",       "127.0.0.1",
                                   "--save",       "",          "--appendonly",           "no",           "--dir",
                                   directory_,     "--logfile", directory_ + "/log",      "--unixsocket", socket,
                                   "--daemonize",  "no",        "--enable-debug-command", "yes"};
    words.insert(words.end(), options_.begin(), options_.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    pid_ = ::fork();
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // a test that crashes leaves no server behind
      const int null = ::open("/dev/null", O_RDWR);
      ::dup2(null, 1);
      ::execv(program, argv.data());
      ::_exit(127);
    }
  }
  void signal(int number) { ::kill(pid_, number); }
  void kill() {
    if (pid_ <= 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

  std::uint16_t port;
  std::string socket;

 private:
  std::vector<std::string> options_;
  std::string directory_;
  pid_t pid_ = -1;
};

// A loop with a client on it, run by hand.
class Bench {
 public:
  using Settings = ports::RedisSettings;
  explicit Bench(Settings settings, ports::NameResolver* resolver = nullptr,
                 io::Loop::Backend backend = io::Loop::Backend::epoll)
      : loop(backend) {
    loop.turn(io::Duration::zero());
    client.emplace(loop, std::make_shared<Settings>(std::move(settings)), resolver);
  }
  ~Bench() {
    client->end();
    until([&] { return client->ended() && group.running() == 0; });
  }

  static Settings to(const Server& server) {
    Settings settings;
    settings.places = {{"127.0.0.1", server.port}};
    // What these tests look at is the client, not a machine that runs three other builds.
    settings.command_timeout = std::chrono::seconds(2);
    return settings;
  }

  // Turns the loop until it holds; false after `limit`.
  template <class Condition>
  bool until(Condition holds, io::Duration limit = std::chrono::seconds(20)) {
    const io::TimePoint end = io::Clock::now() + limit;
    while (!holds()) {
      if (io::Clock::now() > end) return false;
      loop.turn(std::chrono::milliseconds(10));
    }
    return true;
  }

  bool connected() {
    return until([&] { return call({"PING"}).has_value(); });
  }

  Answer call(std::initializer_list<std::string_view> words, io::Duration within = std::chrono::seconds(2)) {
    std::optional<Answer> out;
    group.spawn(keep(client->call(Command(words), loop.refresh() + within), out));
    until([&] { return out.has_value(); });
    return std::move(*out);
  }
  Answer call(const Script& script, std::string_view key, std::initializer_list<std::string_view> arguments) {
    std::optional<Answer> out;
    group.spawn(keep(
        client->call(script, key, {arguments.begin(), arguments.size()}, loop.refresh() + std::chrono::seconds(2)),
        out));
    until([&] { return out.has_value(); });
    return std::move(*out);
  }
  static io::Task<void> keep(io::Task<Answer> call, std::optional<Answer>& out) { out = co_await call; }

  io::Loop loop;
  io::TaskGroup group;
  std::optional<Client> client;
};

}  // namespace weir::adapters::redis
