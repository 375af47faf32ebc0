#include "http/body.h"

#include <cstring>

namespace weir::http {

void Body::start(io::Stream& stream, char* buffer, std::size_t used, std::size_t filled, Framing framing,
                 std::uint64_t content_length, Side side, std::uint64_t limit) {
  stream_ = &stream;
  buffer_ = buffer;
  floor_ = used_ = used;
  filled_ = filled;
  framing_ = framing;
  length_ = content_length;
  received_ = 0;
  limit_ = limit;
  side_ = side;
  finished_ = empty();
  closed_ = false;
  decoder_ = {};
  trailers_.clear();
  // Trailers carry checksums and statuses: a tenth of a head is ample.
  trailer_limits_ = {.bytes = 4096, .target_bytes = 0, .fields = 32};
}

Error Body::malformed(Error error) const noexcept {
  if (side_ == Side::response) return {Reason::upstream_protocol_error, error.detail};
  return error;
}

Result<Body::Piece> Body::take() {
  if (finished_) return Piece{{}, true};
  if (framing_ == Framing::length && length_ > limit_) return fail(Reason::body_too_large);
  if (framing_ == Framing::chunked) return take_chunked();
  std::size_t at_hand = filled_ - used_;
  if (framing_ == Framing::length) {
    auto left = length_ - received_;
    if (at_hand > left) at_hand = static_cast<std::size_t>(left);
  }
  Piece piece{{buffer_ + used_, at_hand}, false};
  used_ += at_hand;
  received_ += at_hand;
  if (framing_ == Framing::length ? received_ == length_ : closed_) finished_ = true;
  if (received_ > limit_) return fail(Reason::body_too_large);
  piece.end = finished_;
  return piece;
}

Result<Body::Piece> Body::take_chunked() {
  auto step = decoder_.step({buffer_ + used_, filled_ - used_}, trailer_limits_, trailers_);
  if (!step) return std::unexpected(malformed(step.error()));
  used_ += step->consumed;
  received_ += step->data.size();
  finished_ = step->done;
  if (received_ > limit_) return fail(Reason::body_too_large);
  return Piece{step->data, finished_};
}

io::Task<Result<void>> Body::fill(io::TimePoint deadline) {
  // What is left is at most half a chunk-size line or a trailer section; it moves to where the body's part begins.
  std::size_t left = filled_ - used_;
  if (left != 0 && used_ != floor_) std::memmove(buffer_ + floor_, buffer_ + used_, left);
  used_ = floor_;
  filled_ = floor_ + left;
  if (filled_ == Buffer::kSize)
    co_return std::unexpected(malformed({Reason::bad_request, "the trailers are too large"}));
  io::IoResult got = co_await stream_->read({buffer_ + filled_, Buffer::kSize - filled_}, deadline);
  bool request = side_ == Side::request;
  switch (got.status) {
    case io::IoStatus::ok:
      filled_ += got.bytes;
      co_return Result<void>{};
    case io::IoStatus::timed_out:
      co_return fail(request ? Reason::body_timeout : Reason::upstream_idle_timeout);
    case io::IoStatus::eof:
      if (framing_ == Framing::until_close) {
        closed_ = true;
        co_return Result<void>{};
      }
      [[fallthrough]];
    default:
      co_return fail(request ? Reason::client_closed : Reason::upstream_closed, "in the middle of the body");
  }
}

}  // namespace weir::http
