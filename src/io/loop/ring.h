// io_uring under a loop: operations are queued and handed to the kernel together, once a turn, and so are received
// bytes back; an idle connection waits with no buffer, the kernel takes one from a small stock when bytes come. Made
// by loop.cc on the worker's thread if the kernel allows it; epoll is the fallback, and who awaits an Operation sees
// no difference. Needs Linux 6.1 (SINGLE_ISSUER with DEFER_TASKRUN); liburing's header stays in ring.cc.
#pragma once

#include <sys/socket.h>
#include <cstdint>
#include <memory>
#include <span>

#include "io/loop/buffer.h"
#include "io/loop/clock.h"

struct io_uring;
struct io_uring_sqe;
struct io_uring_buf_ring;

namespace weir::io {

class Ring {
 public:
  // nullptr when the kernel refuses (too old, or forbidden as in many containers).
  static std::unique_ptr<Ring> make(BufferPool& buffers);
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  ~Ring();

  // What a completion is for. Operations are named by their address, handles by their key in the loop's table, since
  // a handle may be gone before the kernel is done with it.
  enum class Kind : std::uint8_t { operation, received, poll_read, poll_write, ignored };
  struct Completion {
    Kind kind;
    void* operation;    // Kind::operation
    std::uint64_t key;  // the others
    int result;         // bytes, events or -errno
    Buffer buffer;      // Kind::received with result > 0
  };

  // Queued until submit.
  void send(int fd, const void* data, std::size_t size, void* operation);
  void send(int fd, const msghdr& message, void* operation);
  void receive(int fd, std::uint64_t key);
  void poll(int fd, unsigned events, std::uint64_t key, bool for_write);
  void cancel(void* operation);
  void cancel(std::uint64_t key, Kind kind);

  // Submits what is queued and waits, at most `limit`, for a completion.
  void wait(Duration limit);
  // The next completion, if there is one.
  bool next(Completion& out);

 private:
  explicit Ring(BufferPool& buffers) noexcept;
  io_uring_sqe* entry();
  void stock(unsigned short slot);

  // How many buffers the kernel holds ready. Those come back in rotation, so few of them stay warm in the cache; a
  // burst that empties the stock is answered with ENOBUFS and simply tried again.
  static constexpr unsigned kStock = 64;

  BufferPool& buffers_;
  std::unique_ptr<io_uring> ring_;
  io_uring_buf_ring* stock_ = nullptr;
  std::unique_ptr<char[]> lent_[kStock];
};

}  // namespace weir::io
