#include "app/serve/successor.h"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

extern char** environ;

namespace weir::app {
namespace {

constexpr const char* kReady = "WEIR_READY_FD";
constexpr auto kPatience = std::chrono::seconds(60);

}  // namespace

Successor::Successor() {
  std::error_code error;
  path_ = std::filesystem::read_symlink("/proc/self/exe", error).string();
  std::ifstream file("/proc/self/cmdline", std::ios::binary);
  std::string all((std::istreambuf_iterator<char>(file)), {});
  for (std::size_t at = 0; at < all.size(); at += arguments_.back().size() + 1)
    arguments_.emplace_back(all.c_str() + at);
}

io::Task<std::expected<void, std::string>> Successor::start(io::Loop& loop, std::vector<int> sockets) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
    co_return std::unexpected(std::string(std::strerror(errno)));
  io::Stream ours(loop, pair[0]);

  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  std::string list;
  // A dup2 onto itself is how posix_spawn is told to let a descriptor through.
  for (int fd : sockets) {
    posix_spawn_file_actions_adddup2(&actions, fd, fd);
    list += (list.empty() ? "" : ",") + std::to_string(fd);
  }
  posix_spawn_file_actions_adddup2(&actions, pair[1], pair[1]);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigemptyset(&none);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);

  std::vector<std::string> variables;
  // WATCHDOG_PID names this process; without it the successor takes over feeding systemd's watchdog
  // (sd_watchdog_enabled(3)).
  for (char** each = environ; *each; ++each)
    if (!std::string_view(*each).starts_with("WATCHDOG_PID=")) variables.emplace_back(*each);
  variables.push_back("WEIR_SOCKETS=" + list);
  variables.push_back(std::string(kReady) + "=" + std::to_string(pair[1]));
  std::vector<char*> argv, envp;
  for (auto& each : arguments_) argv.push_back(each.data());
  for (auto& each : variables) envp.push_back(each.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  pid_t child = 0;
  int failed = ::posix_spawn(&child, path_.c_str(), &actions, &attributes, argv.data(), envp.data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  ::close(pair[1]);
  if (failed != 0) co_return std::unexpected(fmt::format("cannot start {}: {}", path_, std::strerror(failed)));

  char word[1];
  io::IoResult got = co_await ours.read(word, loop.refresh() + kPatience);
  if (got.status == io::IoStatus::ok) co_return std::expected<void, std::string>{};
  if (got.status == io::IoStatus::timed_out) ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  co_return std::unexpected(got.status == io::IoStatus::timed_out
                                ? "the new process did not become ready within a minute"
                                : "the new process ended before it was ready");
}

void Successor::announce() {
  const char* text = std::getenv(kReady);
  if (!text) return;
  int fd = std::atoi(text);
  ::unsetenv(kReady);
  if (fd <= 2) return;
  [[maybe_unused]] auto wrote = ::write(fd, "1", 1);
  ::close(fd);
}

}  // namespace weir::app
