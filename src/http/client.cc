#include "http/client.h"

#include <cstring>

namespace weir::http {

io::Task<Result<void>> ClientExchange::flush(io::Duration stall) {
  if (out_.overflown()) co_return fail(Reason::headers_too_large, "the forwarded header is too large");
  io::IoResult result = co_await out_.write(stream_, stall);
  out_.sent();
  sent_ += result.bytes;
  if (result.status == io::IoStatus::ok) co_return Result<void>{};
  co_return fail(result.status == io::IoStatus::timed_out ? Reason::upstream_idle_timeout : Reason::upstream_closed,
                 "while the request was sent");
}

io::Task<Result<void>> ClientExchange::read_head(Method request_method, io::TimePoint deadline) {
  if (!in_) in_ = buffers_.take();
  // After an interim response its bytes make room for the next.
  if (head_end_ != 0) {
    std::memmove(in_.data(), in_.data() + head_end_, filled_ - head_end_);
    filled_ -= head_end_;
    head_end_ = 0;
  }
  HeadScanner scanner;
  for (;;) {
    if (filled_ != 0) {
      auto length = scanner.scan({in_.data(), filled_}, kResponseHeadLimits);
      if (!length) co_return fail(Reason::upstream_protocol_error, length.error().detail);
      if (*length != 0) {
        if (scanner.skipped() != 0)
          co_return fail(Reason::upstream_protocol_error, "an empty line before the response");
        head_end_ = *length;
        co_return parse_response_head({in_.data(), head_end_}, kResponseHeadLimits, request_method, head_);
      }
    }
    io::IoResult got = co_await stream_.read({in_.data() + filled_, Buffer::kSize - filled_}, deadline);
    if (got.status == io::IoStatus::timed_out) co_return fail(Reason::upstream_first_byte_timeout);
    if (got.status != io::IoStatus::ok)
      co_return fail(Reason::upstream_closed,
                     filled_ == 0 ? "before the response" : "in the middle of the response head");
    filled_ += got.bytes;
  }
}

Body& ClientExchange::start_body(std::uint64_t limit) {
  body_.start(stream_, in_.data(), head_end_, filled_, head_.framing, head_.content_length, Body::Side::response,
              limit);
  return body_;
}

}  // namespace weir::http
