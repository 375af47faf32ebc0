// A plain stream's operations when the loop has a ring: what has come lies in the kernel's buffers
// (io/loop/handle.h), what is to be sent is handed over whole.
#include "io/stream.h"

namespace weir::io {

using Wants = Operation::Wants;

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
  self.status_ = status_for(-result);
  return Wants::nothing;
}

}  // namespace weir::io
