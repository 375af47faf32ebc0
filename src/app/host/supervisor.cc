#include "app/host/supervisor.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace weir::app {

Supervisor::Supervisor() {
  if (const char* socket = std::getenv("NOTIFY_SOCKET")) socket_ = socket;
  const char* pid = std::getenv("WATCHDOG_PID");
  const char* period = std::getenv("WATCHDOG_USEC");
  if (period && (!pid || std::atoll(pid) == ::getpid())) watchdog_ = std::chrono::microseconds(std::atoll(period));
}

void Supervisor::send(const std::string& message) const {
  sockaddr_un address{};
  if (socket_.empty() || socket_.size() >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, socket_.data(), socket_.size());
  if (socket_[0] == '@') address.sun_path[0] = '\0';  // an abstract name
  int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return;
  auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
  ::sendto(fd, message.data(), message.size(), MSG_NOSIGNAL, reinterpret_cast<sockaddr*>(&address), size);
  ::close(fd);
}

void Supervisor::ready(std::string_view status) const {
  send(fmt::format("READY=1\nMAINPID={}\nSTATUS={}\n", ::getpid(), status));
}

void Supervisor::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}\n", now.tv_sec * 1'000'000LL + now.tv_nsec / 1000));
}

void Supervisor::stopping() const { send("STOPPING=1\n"); }
void Supervisor::alive() const { send("WATCHDOG=1\n"); }

}  // namespace weir::app
