// One client connection on its way through the server: handshakes, then one exchange after the other. Only server.cc
// makes it; it lives in the frame of that coroutine. Kept small: this is what an idle connection costs.
#pragma once

#include "http/server.h"

namespace weir::http {

class Connection {
 public:
  Connection(Server& server, int fd, const SocketAddress& peer, std::shared_ptr<const ListenerSettings> settings);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  io::Task<void> run();
  // A connection that has not yet sent its first request is not idle: its client was promised an answer.
  void end_if_idle() noexcept {
    if (idle_ && requests_ != 0) stream_.abort();
  }
  void abort() noexcept { stream_.abort(); }

 private:
  friend class Server;
  enum class Next : std::uint8_t { more, wait, close, linger, reset };

  io::Task<bool> open();  // PROXY header and TLS
  io::Task<bool> read_proxy_header();
  io::Task<Next> exchange();
  // Reads until a whole head is in the buffer; its length, 0 when the connection is to be left idle.
  io::Task<Result<std::size_t>> read_head(HeadScanner& scanner, char* buffer, std::size_t& filled);
  io::Task<bool> discard_body(ServerExchange& exchange);
  io::Task<void> linger();
  bool may_keep_alive(const RequestHead& request) const noexcept;

  Server& server_;
  io::Stream stream_;
  Peer peer_;
  std::shared_ptr<const ListenerSettings> settings_;
  Buffer held_;  // bytes of the next request that came with the last one
  std::uint32_t held_begin_ = 0;
  std::uint32_t held_end_ = 0;
  std::uint32_t requests_ = 0;
  bool idle_ = true;
  io::TimePoint head_deadline_;
  Connection* next_ = nullptr;
  Connection* previous_ = nullptr;
};

}  // namespace weir::http
