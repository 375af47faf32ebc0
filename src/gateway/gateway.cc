#include "gateway/gateway.h"

#include <unistd.h>

#include <set>

namespace weir::gateway {
namespace {

// A name that is new in a config is looked up before the config goes live, so that its first requests find an
// address. A name server that does not answer must not hold up the rest.
constexpr auto kResolveWait = std::chrono::seconds(2);
// A worker swaps between two events; one that has not after this long is stuck, which /livez tells.
constexpr auto kSwapWait = std::chrono::seconds(5);
constexpr auto kLook = std::chrono::milliseconds(5);

std::set<std::string> host_names(const snapshot::Snapshot& snapshot) {
  std::set<std::string> out;
  for (const auto& upstream : snapshot.upstreams)
    for (const auto& target : upstream.targets)
      if (!target.host.empty()) out.insert(target.host);
  return out;
}

std::shared_ptr<const http::ListenerSettings> settings_of(const snapshot::ListenerSpec& spec,
                                                          const snapshot::Snapshot& snapshot) {
  auto out = std::make_shared<http::ListenerSettings>();
  out->limits = snapshot.limits;
  out->tls = spec.tls;
  out->proxy_protocol = spec.proxy_protocol;
  out->proxy_protocol_from = spec.proxy_protocol_from;
  return out;
}

}  // namespace

Gateway::Gateway(io::Loop& control, upstream::Directory& directory, std::unique_ptr<LogFile> log, int workers,
                 const Attach& attach)
    : control_(control), directory_(directory), log_(std::move(log)) {
  directory_.subscribe(
      [this](std::string_view name, std::span<const IpAddress> addresses) { share_addresses(name, addresses); });
  for (int i = 0; i < workers; ++i) workers_.push_back(std::make_unique<Worker>(log_.get(), i, attach));
  for (auto& worker : workers_) worker->start();
}

Gateway::~Gateway() {
  for (auto& worker : workers_) worker->stop();
}

void Gateway::share_addresses(std::string_view name, std::span<const IpAddress> addresses) {
  for (auto& worker : workers_)
    worker->post([name = std::string(name), list = std::vector(addresses.begin(), addresses.end())](Worker& self) {
      self.upstreams().resolved(name, list);
    });
}

void Gateway::tell(const std::function<void(Worker&)>& message) {
  for (auto& worker : workers_) worker->post([message](Worker& self) { message(self); });
}

io::Task<int> Gateway::on_all(std::function<void(Worker&)> message, io::Duration patience) {
  auto left = std::make_shared<std::atomic<int>>(static_cast<int>(workers_.size()));
  for (auto& worker : workers_)
    worker->post([message, left](Worker& self) {
      message(self);
      left->fetch_sub(1, std::memory_order_release);
    });
  auto until = control_.refresh() + patience;
  while (left->load(std::memory_order_acquire) != 0 && control_.now() < until) co_await io::sleep(control_, kLook);
  co_return left->load(std::memory_order_acquire);
}

io::Task<void> Gateway::resolve_new_names(const snapshot::Snapshot& snapshot) {
  auto names = host_names(snapshot);
  for (const auto& name : names) directory_.watch(name);
  directory_.poll(control_.refresh());
  auto until = control_.now() + kResolveWait;
  auto unknown = [&](const std::string& name) {
    return directory_.addresses(name).empty() && directory_.last_error(name).empty();
  };
  while (std::ranges::any_of(names, unknown) && control_.now() < until) {
    co_await io::sleep(control_, kLook);
    directory_.poll(control_.now());
  }
  if (current_)
    for (const auto& name : host_names(*current_)) directory_.unwatch(name);
}

io::Task<std::expected<void, std::string>> Gateway::apply(std::shared_ptr<const snapshot::Snapshot> snapshot,
                                                          InheritedSockets& inherited) {
  struct Opened {
    const snapshot::ListenerSpec* spec;
    std::vector<int> sockets;
  };
  std::vector<Opened> opened;
  std::set<std::string> wanted;
  for (const auto& spec : snapshot->listeners) {
    wanted.insert(spec.address.to_string());
    if (std::ranges::any_of(listeners_, [&](const auto& each) { return each.address == spec.address; })) continue;
    auto sockets = open_sockets(spec.address, workers(), inherited);
    if (!sockets) {
      for (auto& each : opened)
        for (int fd : each.sockets) ::close(fd);
      co_return std::unexpected(sockets.error());
    }
    opened.push_back({&spec, std::move(*sockets)});
  }

  co_await resolve_new_names(*snapshot);
  co_await on_all([snapshot](Worker& worker) { worker.install(snapshot); }, kSwapWait);

  for (const auto& listener : listeners_) {
    auto spec =
        std::ranges::find_if(snapshot->listeners, [&](const auto& s) { return s.address == listener.address; });
    for (auto& worker : workers_) {
      if (spec == snapshot->listeners.end())
        worker->post([id = listener.id](Worker& self) { self.server().close_listener(id); });
      else
        worker->post([id = listener.id, settings = settings_of(*spec, *snapshot)](Worker& self) {
          self.server().update(id, settings);
        });
    }
  }
  std::erase_if(listeners_, [&](const auto& each) { return !wanted.contains(each.address.to_string()); });
  for (auto& each : opened) {
    std::uint32_t id = next_listener_++;
    auto settings = settings_of(*each.spec, *snapshot);
    for (std::size_t i = 0; i < each.sockets.size(); ++i)
      workers_[i % workers_.size()]->post(
          [id, fd = each.sockets[i], settings](Worker& self) { self.server().listen(id, fd, settings); });
    listeners_.push_back({id, each.spec->address, std::move(each.sockets)});
  }
  co_await on_all([](Worker&) {}, kSwapWait);  // behind the messages above: listening when this returns
  current_ = std::move(snapshot);
  co_return std::expected<void, std::string>{};
}

io::Task<void> Gateway::stop_keeping_alive() {
  co_await on_all([](Worker& worker) { worker.server().stop_keeping_alive(); }, kSwapWait);
}

io::Task<std::size_t> Gateway::drain(io::Duration timeout) {
  co_await on_all([](Worker& worker) { worker.server().drain(); }, kSwapWait);
  auto until = control_.refresh() + timeout;
  std::size_t open = 0;
  for (;;) {
    Measured now = co_await measure(kSwapWait);
    open = now.sum.connections_open;
    if (open == 0 || control_.now() >= until) break;
    co_await io::sleep(control_, std::chrono::milliseconds(20));
  }
  co_return open;
}

io::Task<Gateway::Measured> Gateway::measure(io::Duration patience) {
  struct Answers {
    std::mutex mutex;
    Metrics sum;
  };
  auto answers = std::make_shared<Answers>();
  int silent = co_await on_all(
      [answers](Worker& worker) {
        Metrics mine = worker.measure();
        std::lock_guard lock(answers->mutex);
        answers->sum.add(mine);
      },
      patience);
  std::lock_guard lock(answers->mutex);
  co_return Measured{answers->sum, silent};
}

SocketAddress Gateway::bound(const SocketAddress& address) const {
  for (const auto& listener : listeners_)
    if (listener.address == address && !listener.sockets.empty())
      return bound_address(listener.sockets.front()).value_or(address);
  return address;
}

std::vector<int> Gateway::sockets() const {
  std::vector<int> out;
  for (const auto& listener : listeners_) out.insert(out.end(), listener.sockets.begin(), listener.sockets.end());
  return out;
}

}  // namespace weir::gateway
