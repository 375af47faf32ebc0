// DNS by c-ares (resolver.h).
#include "adapters/cares/resolver.h"

#include <ares.h>
#include <netdb.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <system_error>

namespace weir::adapters::cares {
namespace {

// So many names at a time: their answers, 512 bytes each, fit a socket's default receive buffer of 208 KiB many times
// over, and a name server is not flooded when a configuration with thousands of names is loaded.
constexpr int kInFlightLimit = 64;

// Longer than DNS allows any record to live (RFC 2181 §8): shorter-lived records bring it down.
constexpr int kNoTtl = INT32_MAX;

std::int64_t modified(const char* file) noexcept {
  struct stat status{};
  if (::stat(file, &status) != 0) return 0;
  return static_cast<std::int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
}

std::string_view describe_status(int status) noexcept {
  switch (status) {
    case ARES_ENOTFOUND:
      return "no such name";
    case ARES_ENODATA:
      return "the name has no address";
    // What c-ares says after every server failed, refused or could not be reached.
    case ARES_ECONNREFUSED:
      return "no name server could answer";
    case ARES_ETIMEOUT:
      return "the name servers do not answer";
    case ARES_EBADNAME:
      return "not a DNS name";
    case ARES_EDESTRUCTION:
    case ARES_ECANCELLED:
      return "the resolver is shutting down";
    default:
      return ares_strerror(status);  // static storage
  }
}

// c-ares itself would take port 99999 for another.
bool readable_servers(std::string_view list) {
  while (!list.empty()) {
    const std::string_view one = list.substr(0, list.find(','));
    const auto address = SocketAddress::parse(one);
    if (!IpAddress::parse(one) && (!address || address->is_unix() || address->port() == 0)) return false;
    list.remove_prefix(std::min(list.size(), one.size() + 1));
  }
  return true;
}

Problem problem(std::string message, std::string hint) {
  return Problem{{}, "dns", std::move(message), std::move(hint)};
}

}  // namespace

// What c-ares calls, on the resolver's thread and from inside ares_getaddrinfo, ares_process_fd or ares_destroy.
struct Resolver::Callbacks {
  struct Pending {
    Resolver* resolver;
    Done done;
  };

  static void socket_state(void* self, ares_socket_t fd, int readable, int writable) {
    auto& sockets = static_cast<Resolver*>(self)->sockets_;
    std::erase_if(sockets, [&](const Socket& socket) { return socket.fd == fd; });
    const int events = (readable != 0 ? POLLIN : 0) | (writable != 0 ? POLLOUT : 0);
    if (events != 0) sockets.push_back({fd, static_cast<short>(events)});
  }

  static void answered(void* argument, int status, int /*timeouts*/, ares_addrinfo* answer) {
    const std::unique_ptr<Pending> pending(static_cast<Pending*>(argument));
    --pending->resolver->in_flight_;
    auto result = pending->resolver->collect(status, answer);
    if (answer != nullptr) ares_freeaddrinfo(answer);
    pending->done(std::move(result));
  }
};

std::expected<std::unique_ptr<Resolver>, Problem> Resolver::make(ResolverSettings settings) {
  if (!readable_servers(settings.servers)) {
    return std::unexpected(problem("DNS servers \"" + settings.servers + "\" cannot be understood",
                                   "write each as address or address:port, with commas between"));
  }
  // Counted by c-ares; balanced in the destructor.
  if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS) {
    return std::unexpected(problem("c-ares cannot start", ""));
  }
  std::unique_ptr<Resolver> made(new Resolver(std::move(settings)));
  if (const char* why = made->open_channel()) {
    return std::unexpected(problem(std::string("c-ares cannot be set up: ") + why, "look at /etc/resolv.conf"));
  }
  made->wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (made->wake_ < 0)
    return std::unexpected(problem("no descriptor for the resolver", "raise the limit of open files"));
  try {
    made->thread_ = std::thread(&Resolver::run, made.get());
  } catch (const std::system_error&) {
    return std::unexpected(problem("no thread for the resolver", "raise the limit of processes"));
  }
  return made;
}

Resolver::~Resolver() {
  if (thread_.joinable()) {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake();
    thread_.join();
  } else if (channel_ != nullptr) {
    ares_destroy(channel_);
  }
  if (wake_ >= 0) ::close(wake_);
  ares_library_cleanup();
}

void Resolver::resolve(std::string name, Done done) {
  {
    const std::lock_guard lock(mutex_);
    posted_.push_back({std::move(name), std::move(done)});
  }
  wake();
}

void Resolver::wake() const noexcept {
  const std::uint64_t one = 1;
  // It fails only when the counter is full: then the thread is being woken anyway.
  [[maybe_unused]] const auto written = ::write(wake_, &one, sizeof one);
}

const char* Resolver::open_channel() {
  char files_then_dns[] = "fb";
  ares_options options{};
  options.timeout = static_cast<int>(settings_.timeout.count());
  options.tries = settings_.tries;
  options.lookups = files_then_dns;
  options.sock_state_cb = &Callbacks::socket_state;
  options.sock_state_cb_data = this;
  configured_at_ = modified("/etc/resolv.conf");
  int status = ares_init_options(&channel_, &options,
                                 ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB);
  if (status == ARES_SUCCESS && !settings_.servers.empty()) {
    status = ares_set_servers_ports_csv(channel_, settings_.servers.c_str());
  }
  return status == ARES_SUCCESS ? nullptr : ares_strerror(status);
}

void Resolver::reopen_if_changed() {
  if (in_flight_ > 0 || modified("/etc/resolv.conf") == configured_at_) return;
  ares_channeldata* old = std::exchange(channel_, nullptr);
  if (open_channel() == nullptr) {
    ares_destroy(old);
  } else {
    // A file that cannot be read right now: the old servers are better than none.
    channel_ = old;
  }
}

void Resolver::run() {
  ::pthread_setname_np(::pthread_self(), "weir-dns");
  while (take_posted()) {
    start_waiting();
    wait_and_process();
  }
  ares_destroy(channel_);  // answers what is in flight
  for (Query& query : waiting_) {
    query.done(fail(Reason::upstream_no_address, describe_status(ARES_EDESTRUCTION)));
  }
}

bool Resolver::take_posted() {
  const std::lock_guard lock(mutex_);
  std::move(posted_.begin(), posted_.end(), std::back_inserter(waiting_));
  posted_.clear();
  return !stopping_;
}

void Resolver::start_waiting() {
  if (!waiting_.empty()) reopen_if_changed();
  while (!waiting_.empty() && in_flight_ < kInFlightLimit) {
    Query query = std::move(waiting_.front());
    waiting_.pop_front();
    ares_addrinfo_hints hints{};
    hints.ai_family = settings_.families == Families::v4_only   ? AF_INET
                      : settings_.families == Families::v6_only ? AF_INET6
                                                                : AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    // NOSORT: sorting would open a socket per address; the directory sorts for stability.
    hints.ai_flags = ARES_AI_NOSORT;
    auto pending = std::make_unique<Callbacks::Pending>(this, std::move(query.done));
    ++in_flight_;
    ares_getaddrinfo(channel_, query.name.c_str(), nullptr, &hints, &Callbacks::answered, pending.release());
  }
}

void Resolver::wait_and_process() {
  // Not ares_fds(): its fd_set ends at descriptor 1023, and a gateway has more.
  std::vector<pollfd> ready{{wake_, POLLIN, 0}};
  for (const Socket& socket : sockets_) ready.push_back({socket.fd, socket.events, 0});
  timeval limit{};
  const bool pending = ares_timeout(channel_, nullptr, &limit) != nullptr;
  // Rounded up: a millisecond too early would turn into a busy one.
  const auto milliseconds = static_cast<int>(limit.tv_sec * 1000 + (limit.tv_usec + 999) / 1000);
  // Names still waiting have a free slot only after an answer, unless answers came at once from the hosts file.
  const bool more = !waiting_.empty() && in_flight_ < kInFlightLimit;
  ::poll(ready.data(), ready.size(), more ? 0 : pending ? milliseconds : -1);
  std::uint64_t count = 0;
  [[maybe_unused]] const auto drained = ::read(wake_, &count, sizeof count);
  for (std::size_t i = 1; i < ready.size(); ++i) {
    const short events = ready[i].revents;
    if (events == 0) continue;
    ares_process_fd(channel_, (events & (POLLIN | POLLERR | POLLHUP)) != 0 ? ready[i].fd : ARES_SOCKET_BAD,
                    (events & POLLOUT) != 0 ? ready[i].fd : ARES_SOCKET_BAD);
  }
  ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // timeouts
}

Result<ports::Addresses> Resolver::collect(int status, const ares_addrinfo* answer) const {
  if (status != ARES_SUCCESS || answer == nullptr) return fail(Reason::upstream_no_address, describe_status(status));
  ports::Addresses out;
  int ttl = kNoTtl;
  for (const ares_addrinfo_cname* link = answer->cnames; link != nullptr; link = link->next) {
    ttl = std::min(ttl, link->ttl);
  }
  for (const ares_addrinfo_node* node = answer->nodes; node != nullptr; node = node->ai_next) {
    const auto address = SocketAddress::from_sockaddr(node->ai_addr, node->ai_addrlen);
    if (!address) continue;
    ttl = std::min(ttl, node->ai_ttl);
    out.addresses.push_back(address->ip());
  }
  const auto is_v4 = [](const IpAddress& address) { return address.is_v4(); };
  if (settings_.families == Families::v4_first && std::any_of(out.addresses.begin(), out.addresses.end(), is_v4)) {
    std::erase_if(out.addresses, [&](const IpAddress& address) { return !is_v4(address); });
  }
  if (out.addresses.empty()) return fail(Reason::upstream_no_address, describe_status(ARES_ENODATA));
  out.ttl = std::chrono::seconds(std::max(ttl, 0));
  return out;
}

}  // namespace weir::adapters::cares
