#include "io/loop/ring.h"

#include <liburing.h>

#include <poll.h>
#include <cstdlib>

namespace weir::io {
namespace {

constexpr unsigned kEntries = 1024;  // queued between two submits; more are submitted early
constexpr unsigned kCompletions = 8192;
constexpr int kGroup = 0;  // the stock's buffer group

// user_data: an operation's address (aligned, so its low bits are free), or a handle's key shifted up; the low three
// bits say which. A key is a descriptor (21 bits are more than any limit) and a generation.
constexpr std::uint64_t kKindMask = 7;

std::uint64_t tagged(std::uint64_t key, Ring::Kind kind) noexcept {
  std::uint64_t fd = key & 0xffffffff, generation = key >> 32;
  return (generation << 32) | (fd << 3) | static_cast<std::uint64_t>(kind);
}

std::uint64_t key_of(std::uint64_t data) noexcept { return (data >> 32 << 32) | ((data & 0xffffffff) >> 3); }

}  // namespace

Ring::Ring(BufferPool& buffers) noexcept : buffers_(buffers) {}

std::unique_ptr<Ring> Ring::make(BufferPool& buffers) {
  std::unique_ptr<Ring> out(new Ring(buffers));
  auto ring = std::make_unique<io_uring>();
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE;
  params.cq_entries = kCompletions;
  if (io_uring_queue_init_params(kEntries, ring.get(), &params) != 0) return nullptr;
  out->ring_ = std::move(ring);
  void* memory = nullptr;
  if (::posix_memalign(&memory, 4096, kStock * sizeof(io_uring_buf)) != 0) return nullptr;
  out->stock_ = static_cast<io_uring_buf_ring*>(memory);
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
  registration.ring_entries = kStock;
  registration.bgid = kGroup;
  if (io_uring_register_buf_ring(out->ring_.get(), &registration, 0) != 0) return nullptr;
  io_uring_buf_ring_init(out->stock_);
  for (unsigned short slot = 0; slot < kStock; ++slot) out->stock(slot);
  return out;
}

Ring::~Ring() {
  if (ring_) io_uring_queue_exit(ring_.get());
  std::free(stock_);
}

void Ring::stock(unsigned short slot) {
  lent_[slot] = buffers_.take().detach();
  io_uring_buf_ring_add(stock_, lent_[slot].get(), Buffer::kSize, slot, io_uring_buf_ring_mask(kStock), 0);
  io_uring_buf_ring_advance(stock_, 1);
}

io_uring_sqe* Ring::entry() {
  io_uring_sqe* sqe = io_uring_get_sqe(ring_.get());
  while (!sqe) {
    io_uring_submit(ring_.get());
    sqe = io_uring_get_sqe(ring_.get());
  }
  return sqe;
}

void Ring::send(int fd, const void* data, std::size_t size, void* operation) {
  io_uring_sqe* sqe = entry();
  io_uring_prep_send(sqe, fd, data, size, MSG_NOSIGNAL);
  sqe->user_data = reinterpret_cast<std::uint64_t>(operation);
}

void Ring::send(int fd, const msghdr& message, void* operation) {
  io_uring_sqe* sqe = entry();
  io_uring_prep_sendmsg(sqe, fd, &message, MSG_NOSIGNAL);
  sqe->user_data = reinterpret_cast<std::uint64_t>(operation);
}

void Ring::receive(int fd, std::uint64_t key) {
  io_uring_sqe* sqe = entry();
  io_uring_prep_recv(sqe, fd, nullptr, Buffer::kSize, 0);
  sqe->flags |= IOSQE_BUFFER_SELECT;
  // What is asked for has seldom come already: a first attempt would mostly be in vain.
  sqe->ioprio |= IORING_RECVSEND_POLL_FIRST;
  sqe->buf_group = kGroup;
  sqe->user_data = tagged(key, Kind::received);
}

void Ring::poll(int fd, unsigned events, std::uint64_t key, bool for_write) {
  io_uring_sqe* sqe = entry();
  io_uring_prep_poll_add(sqe, fd, events);
  sqe->user_data = tagged(key, for_write ? Kind::poll_write : Kind::poll_read);
}

void Ring::cancel(void* operation) {
  io_uring_sqe* sqe = entry();
  io_uring_prep_cancel64(sqe, reinterpret_cast<std::uint64_t>(operation), 0);
  sqe->user_data = static_cast<std::uint64_t>(Kind::ignored);
}

void Ring::cancel(std::uint64_t key, Kind kind) {
  io_uring_sqe* sqe = entry();
  io_uring_prep_cancel64(sqe, tagged(key, kind), 0);
  sqe->user_data = static_cast<std::uint64_t>(Kind::ignored);
}

void Ring::wait(Duration limit) {
  io_uring_cqe* cqe = nullptr;
  if (limit == Duration::max()) {
    io_uring_submit_and_wait(ring_.get(), 1);
    return;
  }
  auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit);
  __kernel_timespec time{seconds.count(), std::chrono::nanoseconds(limit - seconds).count()};
  io_uring_submit_and_wait_timeout(ring_.get(), &cqe, 1, &time, nullptr);
}

bool Ring::next(Completion& out) {
  io_uring_cqe* cqe = nullptr;
  if (io_uring_peek_cqe(ring_.get(), &cqe) != 0) return false;
  std::uint64_t data = cqe->user_data;
  out.kind = static_cast<Kind>(data & kKindMask);
  out.operation = reinterpret_cast<void*>(data);  // NOLINT(performance-no-int-to-ptr): the pointer that was given
  out.key = key_of(data);
  out.result = cqe->res;
  out.buffer = {};
  if (cqe->flags & IORING_CQE_F_BUFFER) {
    auto slot = static_cast<unsigned short>(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    out.buffer = Buffer(buffers_, std::move(lent_[slot]));
    stock(slot);
  }
  io_uring_cqe_seen(ring_.get(), cqe);
  return true;
}

}  // namespace weir::io
