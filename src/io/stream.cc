#include "io/stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cerrno>

namespace weir::io {
namespace {

using Wants = Operation::Wants;

IoStatus status_of(int error) noexcept {
  return error == ECONNRESET || error == EPIPE ? IoStatus::reset : IoStatus::failed;
}

}  // namespace

Stream::~Stream() {
  if (ssl_) {
    // A fatal error forbids SSL_shutdown; a queue left by another session would make ours look failed.
    ERR_clear_error();
    SSL_free(ssl_);
  }
}

// ---- Readable

Stream::Readable::Readable(Stream& stream, TimePoint deadline) noexcept
    : Operation(stream.handle_, &Readable::attempt, deadline), stream_(stream) {}

Wants Stream::Readable::attempt(Operation& operation) {
  auto& self = static_cast<Readable&>(operation);
  if (self.handle_.receives_by_ring()) return self.handle_.received().here ? Wants::nothing : Wants::read;
  if (self.stream_.ssl_ && SSL_pending(self.stream_.ssl_) > 0) return Wants::nothing;
  return self.handle_.maybe_readable() ? Wants::nothing : Wants::read;
}

// ---- Read

Stream::Read::Read(Stream& stream, std::span<char> into, TimePoint deadline) noexcept
    : Operation(stream.handle_,
                stream.ssl_                         ? &Read::attempt_tls
                : stream.handle_.receives_by_ring() ? &Read::attempt_ring
                                                    : &Read::attempt_plain,
                deadline),
      stream_(stream),
      into_(into) {}

Wants Stream::Read::attempt_ring(Operation& operation) {
  auto& self = static_cast<Read&>(operation);
  Handle::Received& received = self.handle_.received();
  if (!received.here) return Wants::read;
  self.status_ = received.status;
  self.error_ = received.error;
  if (received.status != IoStatus::ok) return Wants::nothing;  // stays: whoever reads again finds the same end
  self.bytes_ = std::min<std::size_t>(self.into_.size(), received.end - received.begin);
  std::memcpy(self.into_.data(), received.buffer.data() + received.begin, self.bytes_);
  received.begin += static_cast<std::uint32_t>(self.bytes_);
  if (received.begin == received.end) {
    received.buffer.give_back();
    received.here = false;
  }
  return Wants::nothing;
}

// ---- Receive

Stream::Receive::Receive(Stream& stream, TimePoint deadline) noexcept
    : Operation(stream.handle_, stream.handle_.receives_by_ring() ? &Receive::attempt_ring : &Receive::attempt_read,
                deadline),
      stream_(stream) {}

Wants Stream::Receive::attempt_ring(Operation& operation) {
  auto& self = static_cast<Receive&>(operation);
  Handle::Received& received = self.handle_.received();
  if (!received.here) return Wants::read;
  self.status_ = received.status;
  self.error_ = received.error;
  if (received.status != IoStatus::ok) return Wants::nothing;
  self.bytes_ = received.end - received.begin;
  if (received.begin != 0) std::memmove(received.buffer.data(), received.buffer.data() + received.begin, self.bytes_);
  self.buffer_ = std::move(received.buffer);
  received.here = false;
  return Wants::nothing;
}

Wants Stream::Receive::attempt_read(Operation& operation) {
  auto& self = static_cast<Receive&>(operation);
  if (!self.stream_.ssl_ && !self.handle_.maybe_readable()) return Wants::read;
  Buffer buffer = self.handle_.loop().buffers().take();
  Read once(self.stream_, {buffer.data(), Buffer::kSize}, kNever);
  auto wants = once.attempt_now();
  if (wants != Wants::nothing) return wants;
  IoResult result = once.await_resume();
  self.status_ = result.status;
  self.error_ = result.error;
  self.bytes_ = result.bytes;
  self.buffer_ = std::move(buffer);
  return Wants::nothing;
}

std::optional<IoResult> Stream::try_read(std::span<char> into) noexcept {
  Read once(*this, into, kNever);
  if (!once.await_ready()) return std::nullopt;
  return once.await_resume();
}

Wants Stream::Read::attempt_plain(Operation& operation) {
  auto& self = static_cast<Read&>(operation);
  Handle& handle = self.handle_;
  if (!handle.maybe_readable()) return Wants::read;
  for (;;) {
    ssize_t got = ::recv(handle.fd(), self.into_.data(), self.into_.size(), 0);
    if (got > 0) {
      self.bytes_ = static_cast<std::size_t>(got);
      if (self.bytes_ < self.into_.size()) handle.drained();
      self.status_ = IoStatus::ok;
      return Wants::nothing;
    }
    if (got == 0) {
      self.status_ = IoStatus::eof;
      return Wants::nothing;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      handle.blocked_reading();
      return Wants::read;
    }
    self.error_ = errno;
    self.status_ = status_of(errno);
    return Wants::nothing;
  }
}

Wants Stream::Read::attempt_tls(Operation& operation) {
  auto& self = static_cast<Read&>(operation);
  ERR_clear_error();
  std::size_t got = 0;
  int ok = SSL_read_ex(self.stream_.ssl_, self.into_.data(), self.into_.size(), &got);
  if (ok) {
    self.bytes_ = got;
    self.status_ = IoStatus::ok;
    return Wants::nothing;
  }
  int why = SSL_get_error(self.stream_.ssl_, ok);
  switch (why) {
    case SSL_ERROR_WANT_READ:
      self.handle_.blocked_reading();
      return Wants::read;
    case SSL_ERROR_WANT_WRITE:
      self.handle_.blocked_writing();
      return Wants::write;
    case SSL_ERROR_ZERO_RETURN:
      self.status_ = IoStatus::eof;
      return Wants::nothing;
    case SSL_ERROR_SYSCALL:
      self.error_ = errno;
      self.status_ = errno ? status_of(errno) : IoStatus::reset;
      return Wants::nothing;
    default:
      self.status_ =
          IoStatus::reset;  // a truncated or corrupted record: nothing that came can be trusted to be whole
      return Wants::nothing;
  }
}

// ---- Write

Stream::Write::Write(Stream& stream, std::span<iovec> parts, Duration stall) noexcept
    : Operation(stream.handle_,
                stream.ssl_                         ? &Write::attempt_tls
                : stream.handle_.receives_by_ring() ? &Write::submit
                                                    : &Write::attempt_plain,
                stream.handle_.loop().now() + stall),
      stream_(stream),
      parts_(parts),
      stall_(stall) {
  completed_ = &Write::completed;
}

Wants Stream::Write::submit(Operation& operation) {
  auto& self = static_cast<Write&>(operation);
  while (!self.parts_.empty() && self.parts_.front().iov_len == 0) self.parts_ = self.parts_.subspan(1);
  if (self.parts_.empty()) {
    self.status_ = IoStatus::ok;
    return Wants::nothing;
  }
  Ring& ring = *self.handle_.loop().ring();
  if (self.parts_.size() == 1) {
    ring.send(self.handle_.fd(), self.parts_[0].iov_base, self.parts_[0].iov_len, &operation);
  } else {
    self.message_ = {};
    self.message_.msg_iov = self.parts_.data();
    self.message_.msg_iovlen = self.parts_.size();
    ring.send(self.handle_.fd(), self.message_, &operation);
  }
  return Wants::kernel;
}

Wants Stream::Write::completed(Operation& operation, int result) {
  auto& self = static_cast<Write&>(operation);
  if (result >= 0) {
    self.advance(static_cast<std::size_t>(result));
    if (self.given_up_ && !self.parts_.empty()) return Wants::nothing;
    self.given_up_ = false;
    return submit(operation);
  }
  self.error_ = -result;
  self.status_ = status_of(-result);
  return Wants::nothing;
}

void Stream::Write::advance(std::size_t count) noexcept {
  bytes_ += count;
  deadline_ = handle_.loop().now() + stall_;
  while (!parts_.empty() && count >= parts_.front().iov_len) {
    count -= parts_.front().iov_len;
    parts_ = parts_.subspan(1);
  }
  if (count) {
    parts_.front().iov_base = static_cast<char*>(parts_.front().iov_base) + count;
    parts_.front().iov_len -= count;
  }
}

Wants Stream::Write::attempt_plain(Operation& operation) {
  auto& self = static_cast<Write&>(operation);
  Handle& handle = self.handle_;
  while (!self.parts_.empty()) {
    if (!handle.maybe_writable()) return Wants::write;
    ssize_t sent;
    if (self.parts_.size() == 1) {
      sent = ::send(handle.fd(), self.parts_[0].iov_base, self.parts_[0].iov_len, MSG_NOSIGNAL);
    } else {
      msghdr message{};
      message.msg_iov = self.parts_.data();
      message.msg_iovlen = self.parts_.size();
      sent = ::sendmsg(handle.fd(), &message, MSG_NOSIGNAL);
    }
    if (sent >= 0) {
      self.advance(static_cast<std::size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno == EAGAIN) {
      handle.blocked_writing();
      return Wants::write;
    }
    self.error_ = errno;
    self.status_ = status_of(errno);
    return Wants::nothing;
  }
  self.status_ = IoStatus::ok;
  return Wants::nothing;
}

Wants Stream::Write::attempt_tls(Operation& operation) {
  auto& self = static_cast<Write&>(operation);
  // One record's worth is gathered, so that a head and its body do not become two records; a retry gathers the same
  // bytes again, as SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER allows.
  constexpr std::size_t kRecord = 16 * 1024;
  char gathered[kRecord];
  while (!self.parts_.empty()) {
    std::size_t size = 0;
    for (const iovec& part : self.parts_) {
      std::size_t take = std::min(part.iov_len, kRecord - size);
      std::memcpy(gathered + size, part.iov_base, take);
      size += take;
      if (size == kRecord) break;
    }
    if (size == 0) {
      self.parts_ = {};
      break;
    }
    ERR_clear_error();
    std::size_t sent = 0;
    int ok = SSL_write_ex(self.stream_.ssl_, gathered, size, &sent);
    if (ok) {
      self.advance(sent);
      continue;
    }
    switch (SSL_get_error(self.stream_.ssl_, ok)) {
      case SSL_ERROR_WANT_READ:
        self.handle_.blocked_reading();
        return Wants::read;
      case SSL_ERROR_WANT_WRITE:
        self.handle_.blocked_writing();
        return Wants::write;
      case SSL_ERROR_SYSCALL:
        self.error_ = errno;
        self.status_ = errno ? status_of(errno) : IoStatus::reset;
        return Wants::nothing;
      default:
        self.status_ = IoStatus::failed;
        return Wants::nothing;
    }
  }
  self.status_ = IoStatus::ok;
  return Wants::nothing;
}

// ---- Handshake

Stream::Handshake::Handshake(Stream& stream, TimePoint deadline) noexcept
    : Operation(stream.handle_, &Handshake::attempt, deadline), stream_(stream) {}

Wants Stream::Handshake::attempt(Operation& operation) {
  auto& self = static_cast<Handshake&>(operation);
  if (!self.stream_.ssl_) {
    self.status_ = IoStatus::failed;
    return Wants::nothing;
  }
  ERR_clear_error();
  int ok = SSL_do_handshake(self.stream_.ssl_);
  if (ok == 1) {
    self.status_ = IoStatus::ok;
    return Wants::nothing;
  }
  switch (SSL_get_error(self.stream_.ssl_, ok)) {
    case SSL_ERROR_WANT_READ:
      self.handle_.blocked_reading();
      return Wants::read;
    case SSL_ERROR_WANT_WRITE:
      self.handle_.blocked_writing();
      return Wants::write;
    case SSL_ERROR_SYSCALL:
      self.status_ = IoStatus::reset;
      return Wants::nothing;
    default:
      self.status_ = IoStatus::failed;
      return Wants::nothing;
  }
}

Stream::Handshake Stream::handshake(ssl_st* session, TimePoint deadline) noexcept {
  if (handle_.receives_by_ring()) {
    // OpenSSL reads and writes the descriptor itself and must not be made to wait.
    handle_.receive_by_ring(false);
    ::fcntl(handle_.fd(), F_SETFL, ::fcntl(handle_.fd(), F_GETFL) | O_NONBLOCK);
  }
  ssl_ = session;
  return {*this, deadline};
}

// ---- ends

bool Stream::anything_unread() noexcept {
  if (handle_.receives_by_ring() && handle_.received().here) return true;
  char one;
  if (!ssl_) {
    if (::recv(handle_.fd(), &one, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN) return true;
    handle_.blocked_reading();
    return false;
  }
  std::size_t got = 0;
  ERR_clear_error();
  int ok = SSL_peek_ex(ssl_, &one, 1, &got);
  if (ok || SSL_get_error(ssl_, ok) != SSL_ERROR_WANT_READ) return true;
  handle_.blocked_reading();
  return false;
}

void Stream::end_writing() noexcept {
  if (ssl_ && SSL_is_init_finished(ssl_)) {
    ERR_clear_error();
    SSL_shutdown(ssl_);
  }
  ::shutdown(handle_.fd(), SHUT_WR);
}

void Stream::reset_on_close() noexcept {
  linger now{1, 0};
  ::setsockopt(handle_.fd(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

namespace {

class Connected : public Operation {
 public:
  Connected(Handle& handle, TimePoint deadline) noexcept : Operation(handle, &Connected::attempt, deadline) {}
  IoResult await_resume() const noexcept { return {status_, 0, error_}; }

 private:
  static Wants attempt(Operation& operation) {
    auto& self = static_cast<Connected&>(operation);
    if (!self.handle_.maybe_writable()) return Wants::write;
    socklen_t size = sizeof self.error_;
    ::getsockopt(self.handle_.fd(), SOL_SOCKET, SO_ERROR, &self.error_, &size);
    self.status_ = self.error_ ? IoStatus::failed : IoStatus::ok;
    return Wants::nothing;
  }
};

}  // namespace

Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, const SocketAddress& address, TimePoint deadline) {
  sockaddr_storage storage{};
  socklen_t size = address.to_sockaddr(storage);
  int fd = ::socket(storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return fail(Reason::upstream_refused, "no socket could be made");
  auto stream = std::make_unique<Stream>(loop, fd);
  stream->handle().receive_by_ring(false);  // until it is connected
  if (storage.ss_family != AF_UNIX) {
    int one = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  }
  // Nothing can be read before anything was sent; if something is, its event says so.
  stream->handle().blocked_reading();
  if (::connect(fd, reinterpret_cast<sockaddr*>(&storage), size) != 0) {
    if (errno != EINPROGRESS) co_return fail(Reason::upstream_refused, "the connection was refused");
    stream->handle().blocked_writing();
    IoResult result = co_await Connected(stream->handle(), deadline);
    if (result.status == IoStatus::timed_out) co_return fail(Reason::upstream_connect_timeout);
    if (result.status != IoStatus::ok) co_return fail(Reason::upstream_refused, "the connection was refused");
  }
  if (loop.by_ring()) {
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);
    stream->handle().receive_by_ring(true);
  } else {
    stream->handle().watch();
  }
  co_return stream;
}

}  // namespace weir::io
