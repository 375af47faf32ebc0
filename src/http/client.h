// The client's side of HTTP/1.1: one request and its response on a connection to an upstream. Made by the proxy for
// each attempt; the connection itself comes from a pool (upstream/) and outlives it. The loop's thread.
#pragma once

#include "http/body.h"
#include "http/gather.h"
#include "http/h1/h1_parser.h"
#include "io/stream.h"

namespace weir::http {

class ClientExchange {
 public:
  ClientExchange(io::Stream& stream, BufferPool& buffers) noexcept
      : stream_(stream), buffers_(buffers), out_(buffers) {}
  ClientExchange(const ClientExchange&) = delete;
  ClientExchange& operator=(const ClientExchange&) = delete;

  // The request goes out through here: text and body runs, then flush().
  Gather& out() noexcept { return out_; }
  // Errors: upstream_closed, upstream_idle_timeout. sent() says how many bytes the kernel took all in all.
  io::Task<Result<void>> flush(io::Duration stall);
  std::size_t sent() const noexcept { return sent_; }

  // Reads the next response head, interim ones (1xx) too, into head(); views live until the next call. Errors:
  // upstream_first_byte_timeout, upstream_closed, upstream_protocol_error.
  io::Task<Result<void>> read_head(Method request_method, io::TimePoint deadline);
  ResponseHead& head() noexcept { return head_; }
  // Whether any byte of a response has come: after that a request must not be sent again.
  bool answered() const noexcept { return filled_ != 0; }

  // After a final head: its body. `limit` bounds it.
  Body& start_body(std::uint64_t limit);
  Body& body() noexcept { return body_; }
  // After a 101: what came behind the head, the first bytes of the tunnel.
  std::string_view rest() const noexcept { return {in_.data() + head_end_, filled_ - head_end_}; }

  // Gives away what the views of the head point into, for who needs them longer than this exchange.
  Buffer take_buffer() noexcept { return std::move(in_); }

  io::Stream& stream() noexcept { return stream_; }

 private:
  io::Stream& stream_;
  BufferPool& buffers_;
  Gather out_;
  Buffer in_;
  std::size_t head_end_ = 0;
  std::size_t filled_ = 0;
  std::size_t sent_ = 0;
  ResponseHead head_;
  Body body_;
};

// An upstream's head may be larger than a client's: cookies and policies. Half of the buffer it is read into.
inline constexpr HeadLimits kResponseHeadLimits{.bytes = Buffer::kSize / 2, .target_bytes = 0, .fields = 256};

}  // namespace weir::http
