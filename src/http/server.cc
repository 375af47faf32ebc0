#include "http/server.h"

#include <unistd.h>
#include <cerrno>

#include "http/connection.h"

namespace weir::http {
namespace {

// Without descriptors nothing can be accepted; 50 ms lets exchanges end and give theirs back without spinning.
constexpr auto kAcceptPause = std::chrono::milliseconds(50);

}  // namespace

io::TimePoint ServerExchange::body_deadline() const noexcept {
  if (min_body_rate == 0) return io::kNever;
  auto earned = std::chrono::milliseconds(body.received() * 1000 / min_body_rate);
  return body_started + body_grace + earned;
}

struct Server::Port {
  std::uint32_t id;
  io::Listener listener;
  std::shared_ptr<const ListenerSettings> settings;
  Port(io::Loop& loop, std::uint32_t name, int fd, std::shared_ptr<const ListenerSettings> with)
      : id(name), listener(loop, fd), settings(std::move(with)) {}
};

Server::Server(io::Loop& loop, BufferPool& buffers, Handler& handler) noexcept
    : loop_(loop), buffers_(buffers), handler_(handler) {}

Server::~Server() = default;

void Server::listen(std::uint32_t id, int fd, std::shared_ptr<const ListenerSettings> settings) {
  auto port = std::make_unique<Port>(loop_, id, fd, std::move(settings));
  ports_.push_back(port.get());
  tasks_.spawn(accept_loop(std::move(port)));
}

void Server::update(std::uint32_t id, const std::shared_ptr<const ListenerSettings>& settings) {
  for (Port* port : ports_)
    if (port->id == id) port->settings = settings;
}

void Server::close_listener(std::uint32_t id) {
  for (Port* port : ports_)
    if (port->id == id) port->listener.stop();
}

void Server::accepted(Port& port, const io::Listener::Accepted& accepted) {
  if (open_ >= port.settings->limits.connections) {
    ++counters_.refused;
    ::close(accepted.fd);
    return;
  }
  ++counters_.accepted;
  tasks_.spawn(serve(accepted.fd, accepted.peer, port.settings));
}

io::Task<void> Server::accept_loop(std::unique_ptr<Port> port) {
  for (;;) {
    auto one = co_await port->listener.accept();
    if (one.status == io::IoStatus::cancelled) break;
    if (one.status == io::IoStatus::ok) {
      accepted(*port, one);
      continue;
    }
    ++counters_.refused;
    port->listener.pause();
    co_await io::sleep(loop_, kAcceptPause);
  }
  // Who is in the kernel's queue already has been told that the connection stands.
  while (auto one = port->listener.accept_now()) accepted(*port, *one);
  std::erase(ports_, port.get());
}

io::Task<void> Server::serve(int fd, SocketAddress peer, std::shared_ptr<const ListenerSettings> settings) {
  Connection connection(*this, fd, peer, std::move(settings));
  co_await connection.run();
}

void Server::drain() {
  if (draining_) return;
  draining_ = ending_ = true;
  for (Port* port : ports_) port->listener.stop();
  tasks_.spawn(end_idle());
}

io::Task<void> Server::end_idle() {
  co_await io::sleep(loop_, kDrainGrace);
  for (Connection* each = first_; each; each = each->next_) each->end_if_idle();
}

void Server::abort() {
  for (Port* port : ports_) port->listener.stop();
  for (Connection* each = first_; each; each = each->next_) each->abort();
}

// ---- the list of connections

Connection::Connection(Server& server, int fd, const SocketAddress& peer,
                       std::shared_ptr<const ListenerSettings> settings)
    : server_(server), stream_(server.loop_, fd), settings_(std::move(settings)) {
  peer_.address = peer;
  next_ = server.first_;
  if (next_) next_->previous_ = this;
  server.first_ = this;
  ++server.open_;
  server.counters_.open = server.open_;
}

Connection::~Connection() {
  (previous_ ? previous_->next_ : server_.first_) = next_;
  if (next_) next_->previous_ = previous_;
  --server_.open_;
  server_.counters_.open = server_.open_;
}

}  // namespace weir::http
