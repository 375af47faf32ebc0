// A real Postgres for tests, on a free port of 127.0.0.1, in a folder that goes away with it. Postgres refuses to run
// as root, so then it runs as the user `postgres` that its package has made.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <span>
#include <string>
#include <thread>
#include <vector>

namespace weir::adapters::postgres {

// The folder of the newest version's programs, or "".
inline std::string programs() {
  std::string newest;
  std::error_code none;
  for (const auto& version : std::filesystem::directory_iterator("/usr/lib/postgresql", none))
    if (std::filesystem::exists(version.path() / "bin/initdb") && (version.path() / "bin").string() > newest)
      newest = (version.path() / "bin").string();
  return newest;
}

class Server {
 public:
  // A new cluster; or with `primary` a standby of it, named by `name` to synchronous_standby_names.
  explicit Server(const Server* primary = nullptr, const std::string& name = "") : port(free_port()) {
    char pattern[] = "/tmp/weir-postgres-XXXXXX";
    folder_ = ::mkdtemp(pattern);
    if (const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr) {
      EXPECT_EQ(::chown(folder_.c_str(), user->pw_uid, user->pw_gid), 0);
    }
    if (primary != nullptr) {
      run({"pg_basebackup", "-D", data(), "-R", "-X", "stream", "-c", "fast", "-d",
           "host=127.0.0.1 port=" + std::to_string(primary->port) + " user=postgres application_name=" + name});
    } else {
      run({"initdb", "-D", data(), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync"});
      // Whoever names this user needs its password.
      std::ofstream(data() + "/pg_hba.conf")
          << "host all secretive 127.0.0.1/32 scram-sha-256\nhost all all 127.0.0.1/32 trust\n"
             "host replication all 127.0.0.1/32 trust\n";
    }
    start();
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server() {
    resume();
    kill();
    std::filesystem::remove_all(folder_);
  }

  void start() {
    for (int i = 0; i < 600; ++i) {
      // Anew if it ended: started too soon after kill(), what the last one left is still being taken down.
      int status = 0;
      if (pid_ == 0 || ::waitpid(pid_, &status, WNOHANG) == pid_) launch();
      if (sql("SELECT 1") == "1") return;
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
    ADD_FAILURE() << "Postgres does not start: " << log();
  }
  void launch() {
    // Durability is not what these tests prove, but for those that kill only the server: its memory is the kernel's.
    pid_ = spawn({"postgres", "-D", data(), "-p", std::to_string(port), "-c", "listen_addresses=127.0.0.1", "-c",
                  "unix_socket_directories=", "-c", "fsync=off", "-c", "max_connections=50", "-c",
                  "shared_buffers=16MB"});
  }
  // As a crash: nothing is written, nobody is told.
  void kill() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }
  void stop() { signal_all(SIGSTOP); }
  void resume() { signal_all(SIGCONT); }
  void promote() { EXPECT_EQ(sql("SELECT pg_promote(true, 30)"), "t") << log(); }

  // The first line of what psql prints, an error's for an error.
  std::string sql(const std::string& statement, const std::string& database = "postgres") const {
    int out[2];
    EXPECT_EQ(::pipe2(out, O_CLOEXEC), 0);
    const pid_t child = spawn({"psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p",
                               std::to_string(port), "-U", "postgres", "-d", database, "-c", statement},
                              out[1]);
    ::close(out[1]);
    std::string text;
    char buffer[4096];
    for (ssize_t got = 0; (got = ::read(out[0], buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(got));
    ::close(out[0]);
    ::waitpid(child, nullptr, 0);
    return text.substr(0, text.find('\n'));
  }

  std::string url(const std::string& database, const std::string& user = "postgres") const {
    return "postgres://" + user + "@127.0.0.1:" + std::to_string(port) + "/" + database;
  }
  std::string log() const {
    std::ifstream file(folder_ + "/log");
    return {std::istreambuf_iterator<char>(file), {}};
  }

  const std::uint16_t port;

 private:
  static std::uint16_t free_port() {
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

  std::string data() const { return folder_ + "/data"; }

  void run(const std::vector<std::string>& command) const {
    int status = 0;
    ::waitpid(spawn(command), &status, 0);
    EXPECT_EQ(status, 0) << command[0] << ": " << log();
  }

  pid_t spawn(const std::vector<std::string>& command, int output = -1) const {
    // By its whole path: Postgres's programs look for each other beside what they were started as.
    const std::string program = programs() + "/" + command[0];
    std::vector<char*> words = {const_cast<char*>(program.c_str())};
    for (const std::string& word : std::span(command).subspan(1)) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
    const std::string log_file = folder_ + "/log";
    const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
    const pid_t parent = ::getpid();
    const pid_t child = ::fork();
    if (child != 0) return child;
    if (user != nullptr &&
        (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 || ::setuid(user->pw_uid) != 0))
      ::_exit(126);
    // After setuid(), which would clear it. SIGQUIT: Postgres takes all its processes down at once.
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (::getppid() != parent || ::chdir("/") != 0) ::_exit(126);
    const int log_fd = ::open(log_file.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
    ::dup2(output >= 0 ? output : log_fd, STDOUT_FILENO);
    ::dup2(output >= 0 ? output : log_fd, STDERR_FILENO);
    ::execv(program.c_str(), words.data());
    ::_exit(127);
  }

  // Postgres's processes are in sessions of their own, so it takes their ids.
  void signal_all(int signal) const {
    if (pid_ == 0) return;
    ::kill(pid_, signal);
    const std::string id = std::to_string(pid_);
    std::ifstream children("/proc/" + id + "/task/" + id + "/children");
    for (pid_t child = 0; children >> child;) ::kill(child, signal);
  }

  std::string folder_;
  pid_t pid_ = 0;
};

}  // namespace weir::adapters::postgres
