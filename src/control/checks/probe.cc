#include "control/checks/probe.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>

#include "control/checks/probe_names.h"

namespace weir::control {
namespace {

using Clock = std::chrono::steady_clock;

// Sockets at a time: no flood, and far below the 1,024 files of a process with usual limits.
constexpr std::size_t kAtOnce = 128;

std::string reason(int error) { return std::strerror(error); }

// connect() to many, without a thread for each.
class Connecting {
 public:
  Connecting(std::vector<std::string>& out, Clock::time_point end) : out_(out), end_(end) {}
  Connecting(const Connecting&) = delete;
  Connecting& operator=(const Connecting&) = delete;
  ~Connecting() {
    for (const Attempt& each : active_) ::close(each.fd);
  }

  void add(std::size_t target, std::vector<SocketAddress> addresses) {
    waiting_.push_back({.target = target, .addresses = std::move(addresses)});
  }

  void run() {
    for (auto now = Clock::now(); now < end_; now = Clock::now()) {
      while (active_.size() < kAtOnce && !waiting_.empty()) {
        waiting_.front().until = std::min(now + kProbeTime, end_);
        begin(std::move(waiting_.front()));
        waiting_.pop_front();
      }
      if (active_.empty()) return;
      turn(now);
    }
    for (const Attempt& each : active_) late(each);
    for (const Attempt& each : waiting_) out_[each.target] = "was not tried: others took all the time there is";
  }

 private:
  struct Attempt {
    std::size_t target;
    std::vector<SocketAddress> addresses;  // not tried yet
    Clock::time_point until{};
    int fd = -1;
  };

  void late(const Attempt& attempt) { out_[attempt.target] = "did not take a connection within 2 seconds"; }

  // Its addresses, until one takes a connection or makes it wait.
  void begin(Attempt attempt) {
    while (!attempt.addresses.empty()) {
      sockaddr_storage address{};
      const socklen_t length = attempt.addresses.front().to_sockaddr(address);
      attempt.addresses.erase(attempt.addresses.begin());
      attempt.fd = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      const bool done =
          attempt.fd >= 0 && ::connect(attempt.fd, reinterpret_cast<const sockaddr*>(&address), length) == 0;
      const int error = errno;
      if (!done && attempt.fd >= 0 && error == EINPROGRESS) return active_.push_back(std::move(attempt));
      if (attempt.fd >= 0) ::close(attempt.fd);
      out_[attempt.target] = done ? "" : reason(error);
      if (done) return;
    }
  }

  void turn(Clock::time_point now) {
    std::vector<pollfd> waiting;
    auto until = end_;
    for (const Attempt& each : active_) {
      waiting.push_back({each.fd, POLLOUT, 0});
      until = std::min(until, each.until);
    }
    // Rounded up: a wait of no time at all would spin.
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now);
    (void)::poll(waiting.data(), waiting.size(), static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    now = Clock::now();
    std::vector<Attempt> before = std::exchange(active_, {});
    for (std::size_t i = 0; i < before.size(); ++i) {
      if (waiting[i].revents != 0) {
        ended(std::move(before[i]));
      } else if (now >= before[i].until) {
        late(before[i]);
        ::close(before[i].fd);
      } else {
        active_.push_back(std::move(before[i]));
      }
    }
  }

  void ended(Attempt attempt) {
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(attempt.fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    ::close(attempt.fd);
    out_[attempt.target] = error == 0 ? "" : reason(error);
    if (error != 0) begin(std::move(attempt));
  }

  std::vector<std::string>& out_;
  const Clock::time_point end_;
  std::deque<Attempt> waiting_;
  std::vector<Attempt> active_;
};

}  // namespace

std::vector<std::string> probe_by(const LookUp& look_up, const std::vector<ProbeTarget>& targets) {
  std::vector<std::string> out(targets.size());
  Connecting connecting(out, Clock::now() + kProbeAllTime);
  std::set<std::string> names;
  for (const ProbeTarget& each : targets)
    if (!SocketAddress::parse(each.address)) names.insert(each.address);
  const auto found = look_up_all(look_up, names);
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (const auto socket = SocketAddress::parse(targets[i].address)) {
      connecting.add(i, {*socket});
      continue;
    }
    const Looked& looked = found.at(targets[i].address);
    if (looked.error.empty())
      connecting.add(i, looked.addresses);
    else
      out[i] = looked.error;
  }
  connecting.run();
  return out;
}

std::vector<std::string> probe_by_connecting(const std::vector<ProbeTarget>& targets) {
  return probe_by(look_up_by_system, targets);
}

}  // namespace weir::control
