#include "control/checks/probe_names.h"

#include <netdb.h>
#include <sys/socket.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <system_error>
#include <thread>

namespace weir::control {
namespace {

// Over all probes of this process, those included that were given up and still hang: DNS that is down then costs this
// many threads, not more with every publication.
constexpr int kThreadsAtMost = 16;
constinit std::atomic<int> threads{0};

// Of one probe; lives as long as its last thread.
struct Names {
  std::mutex mutex;  // guards what follows but look_up
  std::condition_variable more;
  std::set<std::string> waiting;
  std::map<std::string, Looked> found;
  int threads_left = 0;
  bool given_up = false;
  LookUp look_up;
};

void work(Names& names) {
  std::unique_lock lock(names.mutex);
  while (!names.given_up && !names.waiting.empty()) {
    const std::string name = std::move(names.waiting.extract(names.waiting.begin()).value());
    lock.unlock();
    Looked looked = names.look_up(name);
    lock.lock();
    names.found.insert_or_assign(name, std::move(looked));
  }
  --names.threads_left;
  names.more.notify_all();
}

// False: there are enough, or the system has none.
bool begin_thread(const std::shared_ptr<Names>& names) {
  if (threads.fetch_add(1) >= kThreadsAtMost) {
    threads.fetch_sub(1);
    return false;
  }
  try {
    std::thread([names] {
      work(*names);
      threads.fetch_sub(1);
    }).detach();
  } catch (const std::system_error&) {  // EAGAIN
    threads.fetch_sub(1);
    return false;
  }
  return true;
}

}  // namespace

std::map<std::string, Looked> look_up_all(const LookUp& look_up, const std::set<std::string>& names,
                                          std::chrono::milliseconds patience) {
  const auto all = std::make_shared<Names>();
  all->waiting = names;
  all->look_up = look_up;
  std::unique_lock lock(all->mutex);
  for (std::size_t i = 0; i < names.size() && begin_thread(all); ++i) ++all->threads_left;
  const bool none = all->threads_left == 0;
  all->more.wait_for(lock, patience, [&] { return all->threads_left == 0; });
  all->given_up = true;
  std::map<std::string, Looked> out = std::move(all->found);
  for (const std::string& name : names)
    if (!out.contains(name))
      out[name].error =
          none ? "was not resolved: look-ups of earlier probes still hang" : "cannot be resolved within 2 seconds";
  return out;
}

Looked look_up_by_system(const std::string& name) {
  const std::size_t colon = name.rfind(':');
  if (colon == std::string::npos) return {"has no port", {}};
  const std::string host = name.substr(0, colon), port = name.substr(colon + 1);
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int failed = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found); failed != 0)
    return {std::string("cannot be resolved: ") + ::gai_strerror(failed), {}};
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  Looked out;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next)
    if (auto address = SocketAddress::from_sockaddr(each->ai_addr, each->ai_addrlen))
      out.addresses.push_back(std::move(*address));
  if (out.addresses.empty()) out.error = "has no address";
  return out;
}

}  // namespace weir::control
