// The body of one message as it is pulled off its connection: bytes at hand first, then reads when asked. Nothing is
// read that nobody asks for, which is all the backpressure there is. Framing is taken off (chunks are decoded in
// place); the bytes themselves are never copied. Used for request bodies (server) and response bodies (upstream). The
// loop's thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/h1/h1_parser.h"
#include "http/message/message.h"
#include "io/loop/buffer.h"
#include "io/stream.h"

namespace weir::http {

using io::Buffer;

class Body {
 public:
  enum class Side : std::uint8_t { request, response };

  // What a run of the body is. `data` stays valid until fill() is called.
  struct Piece {
    std::string_view data;
    bool end = false;  // the body is whole; trailers() are known
  };

  Body() = default;
  Body(const Body&) = delete;
  Body& operator=(const Body&) = delete;

  // `used`..`filled` of the buffer is what came behind the head; `buffer` stays the caller's and holds the head too,
  // before `used`, which is left alone. `limit` is the most bytes of body that are acceptable (body_too_large
  // beyond).
  void start(io::Stream& stream, char* buffer, std::size_t used, std::size_t filled, Framing framing,
             std::uint64_t content_length, Side side, std::uint64_t limit);

  // The next run that is at hand; data empty and end false: fill() first. Errors: bad_request or
  // upstream_protocol_error (chunk framing), body_too_large.
  Result<Piece> take();

  // Waits for more bytes. Errors: client_closed, body_timeout (request); upstream_closed, upstream_idle_timeout
  // (response); `cancelled` streams give those of the closed kind.
  io::Task<Result<void>> fill(io::TimePoint deadline);

  bool finished() const noexcept { return finished_; }
  bool empty() const noexcept { return framing_ == Framing::none || (framing_ == Framing::length && length_ == 0); }
  Framing framing() const noexcept { return framing_; }
  std::uint64_t content_length() const noexcept { return length_; }
  std::uint64_t received() const noexcept { return received_; }
  // Tightens the limit; never loosens it. A Content-Length above it fails at the next take().
  void limit(std::uint64_t bytes) noexcept { limit_ = bytes < limit_ ? bytes : limit_; }
  std::uint64_t limit() const noexcept { return limit_; }

  // Fields behind a chunked body, once finished; views into the buffer.
  const Fields& trailers() const noexcept { return trailers_; }
  // What came behind the body: the next pipelined request; on a response, more than the upstream had any business to
  // send.
  std::string_view rest() const noexcept { return {buffer_ + used_, filled_ - used_}; }

 private:
  Result<Piece> take_chunked();
  Error malformed(Error error) const noexcept;

  io::Stream* stream_ = nullptr;
  char* buffer_ = nullptr;
  std::size_t floor_ = 0;  // where the body's part of the buffer begins
  std::size_t used_ = 0;
  std::size_t filled_ = 0;
  std::uint64_t length_ = 0;
  std::uint64_t received_ = 0;
  std::uint64_t limit_ = 0;
  Framing framing_ = Framing::none;
  Side side_ = Side::request;
  bool finished_ = true;
  bool closed_ = false;  // the peer closed: the end of an until_close body
  ChunkedDecoder decoder_;
  HeadLimits trailer_limits_;
  Fields trailers_;
};

}  // namespace weir::http
