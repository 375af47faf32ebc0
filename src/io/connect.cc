// Opening a connection to an upstream (connect() of stream.h).
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>

#include "io/stream.h"

namespace weir::io {
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

Task<Result<std::unique_ptr<Stream>>> connect(Loop& loop, const SocketAddress& address, TimePoint deadline,
                                              Opening* opening) {
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
    if (opening) opening->is(stream.get());
    IoResult result = co_await Connected(stream->handle(), deadline);
    if (opening) opening->is(nullptr);
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
