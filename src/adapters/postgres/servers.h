// A database URL, read once, and connecting to the servers it names, one after the other, each with its share of the
// patience: libpq alone would give all of it to a first server that accepts connections and then says nothing. Used
// by store.cc and session.cc; several threads at once.
#pragma once

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "control/store.h"

struct pg_conn;

namespace weir::adapters::postgres {

struct CloseConnection {
  void operator()(pg_conn* connection) const noexcept;
};
using Connection = std::unique_ptr<pg_conn, CloseConnection>;

class Servers {
 public:
  // The error never repeats the URL: its password may be what is wrong with it.
  static control::StoreResult<std::unique_ptr<Servers>> parse(const std::string& url);
  // Non-blocking, with UTF8 on both sides.
  control::StoreResult<Connection> connect(std::chrono::milliseconds patience);

 private:
  struct Server {
    std::string host;
    std::string hostaddr;
    std::string port;
  };
  Servers() = default;
  control::StoreResult<Connection> connect_to(const Server& server, std::chrono::milliseconds patience) const;

  std::vector<std::pair<std::string, std::string>> options_;  // all but those of Server
  std::vector<Server> servers_;
  std::atomic<std::size_t> first_ = 0;  // the one that worked last
};

// One sentence out of libpq's lines.
std::string sentence(const char* message);

// Waits until the connection's socket is ready for poll(2)'s `events`, or `deadline`: false.
bool wait_for(const pg_conn* connection, short events, std::chrono::steady_clock::time_point deadline) noexcept;

}  // namespace weir::adapters::postgres
