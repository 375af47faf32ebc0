// What is said to systemd (sd_notify(3)): ready, reloading, stopping, alive. Does nothing when nobody listens.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

namespace weir::app {

class Supervisor {
 public:
  Supervisor();  // reads NOTIFY_SOCKET and WATCHDOG_USEC

  // READY=1 with our own MAINPID, so that a successor started by SIGUSR2 becomes the service's main process.
  void ready(std::string_view status) const;
  void reloading() const;
  void stopping() const;
  void alive() const;
  // How often alive() is wanted; zero: never.
  std::chrono::microseconds watchdog() const noexcept { return watchdog_; }

 private:
  void send(const std::string& message) const;
  std::string socket_;
  std::chrono::microseconds watchdog_{0};
};

}  // namespace weir::app
