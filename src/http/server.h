// The server's side of HTTP/1.1: accepts connections on one worker's loop, reads requests off them and gives each to
// the handler; keep-alive, pipelining, deadlines and closing in good order are decided here. It knows nothing of
// routes. One server per worker, its thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/ip.h"
#include "http/body.h"
#include "http/limits.h"
#include "http/response_writer.h"
#include "io/listener.h"
#include "io/task.h"

namespace weir::io {
class TlsServerContext;
}

namespace weir::http {

// What the server knows of the client's end of a connection.
struct Peer {
  SocketAddress address;  // of the connection, or what the PROXY header said
  bool secure = false;
  std::string_view tls_version;  // "TLSv1.3"; static
};

// One request and the means to answer it; lives until the handler returns. `parsed` an error: the head could not be
// read as a request; the fields that could be are filled in, and what is answered closes the connection.
struct ServerExchange {
  ServerExchange(io::Stream& stream, BufferPool& pool, const Peer& client, io::Duration stall)
      : peer(client), buffers(pool), writer(stream, pool, stall) {}
  const Peer& peer;
  BufferPool& buffers;
  RequestHead request;
  Body body;
  ResponseWriter writer;
  Result<void> parsed;
  io::TimePoint started{};
  std::uint64_t head_bytes = 0;
  // The time by which the next byte of the body must have come, by the minimum rate.
  io::TimePoint body_deadline() const noexcept;
  io::TimePoint body_started{};
  std::uint64_t min_body_rate = 0;
  milliseconds body_grace{0};
};

class Handler {
 public:
  virtual ~Handler() = default;
  // Answers through exchange.writer. A response not begun when this returns closes the connection without one; one
  // begun and not whole resets it.
  virtual io::Task<void> handle(ServerExchange& exchange) = 0;
};

// Of one listening socket; replaced as a whole on reload.
struct ListenerSettings {
  Limits limits;
  std::shared_ptr<const io::TlsServerContext> tls;
  bool proxy_protocol = false;
  CidrSet proxy_protocol_from;
};

// Counted and read on the server's thread.
struct ServerCounters {
  std::uint64_t accepted = 0;
  std::uint64_t open = 0;
  std::uint64_t refused = 0;  // beyond limits.connections, or no descriptors left
  std::uint64_t tls_failed = 0;
  std::uint64_t proxy_failed = 0;
};

class Connection;

class Server {
 public:
  Server(io::Loop& loop, BufferPool& buffers, Handler& handler) noexcept;
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  // All connections must have ended: drain() and drained(), or abort().
  ~Server();

  // Accepts from `fd`, which it takes, until close_listener(id).
  void listen(std::uint32_t id, int fd, std::shared_ptr<const ListenerSettings> settings);
  void update(std::uint32_t id, const std::shared_ptr<const ListenerSettings>& settings);
  void close_listener(std::uint32_t id);

  // No more connections. Those on a response end after it; the idle ones after kDrainGrace, in which a request that
  // is already on its way is still answered, with Connection: close.
  void drain();
  static constexpr auto kDrainGrace = std::chrono::milliseconds(500);
  // Before drain(): still accepts, but every response from now on ends its connection.
  void stop_keeping_alive() noexcept { ending_ = true; }
  std::size_t connections() const noexcept { return open_; }
  // Nothing of this server runs any more: it may be destroyed.
  bool ended() const noexcept { return tasks_.running() == 0; }
  // Ends every connection at once. They are gone after the loop's next turns.
  void abort();

  const ServerCounters& counters() const noexcept { return counters_; }

 private:
  friend class Connection;
  struct Port;
  io::Task<void> accept_loop(std::unique_ptr<Port> port);
  void accepted(Port& port, const io::Listener::Accepted& accepted);
  io::Task<void> end_idle();
  io::Task<void> serve(int fd, SocketAddress peer, std::shared_ptr<const ListenerSettings> settings);

  io::Loop& loop_;
  BufferPool& buffers_;
  Handler& handler_;
  std::vector<Port*> ports_;     // each owned by its accept_loop, which takes it out at its end
  Connection* first_ = nullptr;  // all connections, so that drain can find the idle ones
  std::size_t open_ = 0;
  bool ending_ = false;
  bool draining_ = false;
  ServerCounters counters_;
  io::TaskGroup tasks_;
};

}  // namespace weir::http
