// A stream's operations over TLS: OpenSSL reads and writes the descriptor, and says what it waits for.
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <cstring>

#include "io/stream.h"

namespace weir::io {

using Wants = Operation::Wants;

Wants Stream::after_tls(int result, IoStatus& status, int& error) noexcept {
  switch (SSL_get_error(ssl_, result)) {
    case SSL_ERROR_WANT_READ:
      handle_.blocked_reading();
      return Wants::read;
    case SSL_ERROR_WANT_WRITE:
      handle_.blocked_writing();
      return Wants::write;
    case SSL_ERROR_ZERO_RETURN:
      status = IoStatus::eof;
      return Wants::nothing;
    case SSL_ERROR_SYSCALL:
      error = errno;
      status = errno ? status_for(errno) : IoStatus::reset;
      return Wants::nothing;
    default:
      // A failed handshake, or a truncated or corrupted record: nothing that came can be trusted to be whole.
      status = IoStatus::failed;
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
  return self.stream_.after_tls(ok, self.status_, self.error_);
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
    return self.stream_.after_tls(ok, self.status_, self.error_);
  }
  self.status_ = IoStatus::ok;
  return Wants::nothing;
}

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
  return self.stream_.after_tls(ok, self.status_, self.error_);
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

}  // namespace weir::io
