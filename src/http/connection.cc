#include "http/connection.h"

#include <sys/socket.h>
#include <cerrno>
#include <cstring>
#include <utility>

#include "http/proxy_protocol.h"
#include "io/tls/tls_server.h"

namespace weir::http {
namespace {

// What is read and thrown away so that the client gets to read our answer before the connection ends (RFC 9112 §9.6).
constexpr std::uint64_t kDiscardBytes = 256 * 1024;
constexpr auto kDiscardTime = std::chrono::seconds(2);
// The longest PROXY header: v1 has 107 bytes, v2 16 + 65,535 of which no sender uses more than a few hundred.
constexpr std::size_t kProxyHeader = 4096;

}  // namespace

io::Task<void> Connection::run() {
  head_deadline_ = stream_.loop().now() + settings_->limits.head_timeout;
  if (!co_await open()) co_return;
  Next next = Next::more;
  io::TimePoint idle_until{};
  std::uint32_t idle_after = 0;  // which request the idleness follows
  while (next == Next::more || next == Next::wait) {
    if (next == Next::wait) {
      // Counted once for each idleness: bytes that make no head yet, such as a TLS record that drips in, do not
      // prolong it.
      if (std::exchange(idle_after, requests_) != requests_)
        idle_until = stream_.loop().now() + settings_->limits.idle_timeout;
      // Until the first request the head's deadline counts from the accept; after that, idleness is allowed.
      auto deadline = requests_ == 0 ? head_deadline_ : idle_until;
      if (server_.ending_ && requests_ != 0)
        deadline = std::min(deadline, stream_.loop().now() + Server::kDrainGrace);
      io::IoStatus status = co_await stream_.readable(deadline);
      if (status != io::IoStatus::ok) break;
      if (requests_ != 0) head_deadline_ = stream_.loop().now() + settings_->limits.head_timeout;
    }
    next = co_await exchange();
    idle_ = next == Next::wait;
  }
  if (next == Next::linger)
    co_await linger();
  else if (stream_.secure() && next != Next::reset)
    stream_.end_writing();  // close_notify: nothing was cut off
}

io::Task<bool> Connection::open() {
  if (settings_->proxy_protocol && !co_await read_proxy_header()) {
    ++server_.counters_.proxy_failed;
    co_return false;
  }
  if (!settings_->tls) co_return true;
  auto deadline = stream_.loop().now() + settings_->limits.tls_handshake_timeout;
  io::IoStatus status = co_await stream_.handshake(settings_->tls->new_session(stream_.handle().fd()), deadline);
  if (status != io::IoStatus::ok) {
    if (status == io::IoStatus::failed) (void)io::tls_error();
    ++server_.counters_.tls_failed;
    co_return false;
  }
  peer_.secure = true;
  peer_.tls_version = io::tls_info(stream_.ssl()).version;
  head_deadline_ = stream_.loop().now() + settings_->limits.head_timeout;
  co_return true;
}

io::Task<bool> Connection::read_proxy_header() {
  // Who may connect to a Unix socket its file's permissions say; there is no address to judge by.
  if (!peer_.address.is_unix() && !settings_->proxy_protocol_from.contains(peer_.address.ip())) co_return false;
  // Peeked at and then read exactly: what follows may be a TLS handshake, which OpenSSL reads from the socket itself.
  char bytes[kProxyHeader];
  int fd = stream_.handle().fd();
  bool by_ring = stream_.handle().receives_by_ring();
  stream_.handle().receive_by_ring(false);  // what the kernel has handed over cannot be peeked at
  for (std::size_t seen = 0;;) {
    ssize_t got = ::recv(fd, bytes, sizeof bytes, MSG_PEEK | MSG_DONTWAIT);
    if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) co_return false;
    if (got > 0 && static_cast<std::size_t>(got) > seen) {
      seen = static_cast<std::size_t>(got);
      auto header = parse_proxy_header({bytes, seen});
      if (!header) co_return false;
      if (*header) {
        if (::recv(fd, bytes, (*header)->consumed, 0) != static_cast<ssize_t>((*header)->consumed)) co_return false;
        stream_.handle().receive_by_ring(by_ring);
        if (!(*header)->local) peer_.address = SocketAddress((*header)->source, (*header)->source_port);
        co_return true;
      }
      if (seen == sizeof bytes) co_return false;
    }
    stream_.handle().blocked_reading();
    if (co_await stream_.readable(head_deadline_) != io::IoStatus::ok) co_return false;
  }
}

io::Task<Result<std::size_t>> Connection::read_head(HeadScanner& scanner, char* buffer, std::size_t& filled) {
  const Limits& limits = settings_->limits;
  for (;;) {
    if (filled != 0) {
      auto length = scanner.scan({buffer, filled}, limits.head);
      if (!length || *length != 0) co_return length;
    }
    std::span<char> room{buffer + filled, Buffer::kSize - filled};
    io::IoResult got;
    if (filled == 0) {
      auto at_hand = stream_.try_read(room);
      if (!at_hand) co_return std::size_t{0};
      got = *at_hand;
    } else {
      got = co_await stream_.read(room, head_deadline_);
    }
    if (got.status == io::IoStatus::timed_out) co_return fail(Reason::head_timeout);
    if (got.status != io::IoStatus::ok)
      co_return fail(filled == 0 ? Reason::idle_closed : Reason::client_closed, "in the middle of the head");
    filled += got.bytes;
  }
}

bool Connection::may_keep_alive(const RequestHead& request) const noexcept {
  auto most = settings_->limits.requests_per_connection;
  return request.keep_alive && !server_.ending_ && (most == 0 || requests_ < most);
}

io::Task<Connection::Next> Connection::exchange() {
  Buffer buffer = held_ ? std::move(held_) : server_.buffers_.take();
  std::size_t filled = held_end_ - held_begin_;
  if (held_begin_ != 0) std::memmove(buffer.data(), buffer.data() + held_begin_, filled);
  held_begin_ = held_end_ = 0;
  if (filled != 0) head_deadline_ = stream_.loop().now() + settings_->limits.head_timeout;

  HeadScanner scanner;
  auto length = co_await read_head(scanner, buffer.data(), filled);
  if (length && *length == 0) co_return Next::wait;
  if (!length && filled == 0) co_return Next::close;
  idle_ = false;
  ++requests_;

  const Limits& limits = settings_->limits;
  ServerExchange exchange(stream_, server_.buffers_, peer_, limits.write_stall);
  exchange.started = io::Clock::now();
  std::size_t end = filled;
  if (length) {
    end = *length;
    std::size_t begin = scanner.skipped();
    exchange.head_bytes = end - begin;
    exchange.parsed = parse_request_head({buffer.data() + begin, end - begin}, limits.head, exchange.request);
  } else {
    exchange.parsed = std::unexpected(length.error());
  }
  RequestHead& request = exchange.request;
  if (exchange.parsed) {
    exchange.writer.for_request(request, may_keep_alive(request), server_.ending_);
    exchange.body.start(stream_, buffer.data(), end, filled, request.framing, request.content_length,
                        Body::Side::request, limits.body_bytes);
    exchange.body_started = stream_.loop().now();
    exchange.min_body_rate = limits.min_body_rate;
    exchange.body_grace = limits.body_grace;
  }
  co_await server_.handler_.handle(exchange);

  if (!exchange.writer.begun()) co_return Next::close;
  if (!exchange.writer.whole()) {
    stream_.reset_on_close();
    co_return Next::reset;
  }
  if (exchange.writer.status() == 101) co_return Next::close;
  if (!exchange.parsed) co_return Next::linger;
  if (!exchange.body.finished() && !co_await discard_body(exchange)) co_return Next::linger;
  if (!exchange.writer.keep_alive()) {
    // After a refusal the client may well be sending still.
    bool clean = exchange.body.rest().empty() && exchange.writer.status() < 400;
    co_return clean ? Next::close : Next::linger;
  }
  if (auto rest = exchange.body.rest(); !rest.empty()) {
    held_begin_ = static_cast<std::uint32_t>(rest.data() - buffer.data());
    held_end_ = held_begin_ + static_cast<std::uint32_t>(rest.size());
    held_ = std::move(buffer);
    co_return Next::more;
  }
  co_return Next::wait;
}

io::Task<bool> Connection::discard_body(ServerExchange& exchange) {
  // A client that still waits for 100 Continue has not sent its body and, having our answer, will not.
  if (!exchange.writer.keep_alive()) co_return false;
  if (exchange.request.expect_continue && exchange.body.received() == 0 && exchange.body.rest().empty())
    co_return false;
  auto deadline = stream_.loop().now() + kDiscardTime;
  auto most = exchange.body.received() + kDiscardBytes;
  for (;;) {
    auto piece = exchange.body.take();
    if (!piece || exchange.body.received() > most) co_return false;
    if (piece->end) co_return true;
    if (piece->data.empty() && !co_await exchange.body.fill(deadline)) co_return false;
  }
}

io::Task<void> Connection::linger() {
  // Closing with unread bytes in the kernel's queue sends a reset, which may overtake our answer.
  stream_.end_writing();
  auto deadline = stream_.loop().now() + kDiscardTime;
  Buffer buffer = server_.buffers_.take();
  for (std::uint64_t discarded = 0; discarded < kDiscardBytes;) {
    io::IoResult got = co_await stream_.read({buffer.data(), Buffer::kSize}, deadline);
    if (got.status != io::IoStatus::ok) co_return;
    discarded += got.bytes;
  }
}

}  // namespace weir::http
