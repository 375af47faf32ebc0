#include "io/stream.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cerrno>

namespace weir::io {
namespace {

using Wants = Operation::Wants;

// The library's recv() and send() are cancellation points of threads, which in a process with threads costs 1.5 % of
// a proxied request (measured); nothing of ours is ever cancelled that way. As the library's, they set errno.
ssize_t receive_into(int fd, std::span<char> into) noexcept {
  return ::syscall(SYS_recvfrom, fd, into.data(), into.size(), 0, nullptr, nullptr);
}

ssize_t send_parts(int fd, std::span<const iovec> parts) noexcept {
  if (parts.size() == 1)
    return ::syscall(SYS_sendto, fd, parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL, nullptr, 0);
  msghdr message{};
  message.msg_iov = const_cast<iovec*>(parts.data());
  message.msg_iovlen = parts.size();
  return ::syscall(SYS_sendmsg, fd, &message, MSG_NOSIGNAL);
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

// ---- Receive

Stream::Receive::Receive(Stream& stream, TimePoint deadline) noexcept
    : Operation(stream.handle_, stream.handle_.receives_by_ring() ? &Receive::attempt_ring : &Receive::attempt_read,
                deadline),
      stream_(stream) {}

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
    ssize_t got = receive_into(handle.fd(), self.into_);
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
    self.status_ = status_for(errno);
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
      end_of_turn_(*this),
      parts_(parts),
      stall_(stall) {
  completed_ = &Write::completed;
}

Stream::Write::EndOfTurn::EndOfTurn(Write& write) noexcept
    : Deferred(write.handle_.loop(),
               [](Deferred& self) {
                 auto& writing = static_cast<EndOfTurn&>(self).owner;
                 writing.handle_.retry(writing);
               }),
      owner(write) {}

bool Stream::Write::await_ready() noexcept {
  return attempt_ == &Write::attempt_plain && !handle_.aborted() ? false : Operation::await_ready();
}

void Stream::Write::await_suspend(std::coroutine_handle<> awaiter) noexcept {
  if (attempt_ != &Write::attempt_plain) return Operation::await_suspend(awaiter);
  handle_.postpone(*this, awaiter);
  end_of_turn_.ask();
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
    ssize_t sent = send_parts(handle.fd(), self.parts_);
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
    self.status_ = status_for(errno);
    return Wants::nothing;
  }
  self.status_ = IoStatus::ok;
  return Wants::nothing;
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

}  // namespace weir::io
