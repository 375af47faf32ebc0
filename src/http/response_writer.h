// How the server's side of an exchange is written, whatever the wire protocol: a head, runs of body, an end. Nothing
// leaves before flush(), so that a head and the body that is at hand are one system call. Made by the server for each
// exchange; called by pipeline/respond and the execution filters. The loop's thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/gather.h"
#include "http/message/message.h"

namespace weir::http {

class ResponseWriter {
 public:
  // `stall`: how long the client may take to accept nothing before the response is given up.
  ResponseWriter(io::Stream& stream, BufferPool& buffers, io::Duration stall) noexcept
      : stream_(stream), out_(buffers), stall_(stall) {}

  // What the request said, once it is known; before that the answer closes the connection.
  // `ending` (outlives the writer): set when the server is to close; a response begun after that says so.
  void for_request(const RequestHead& request, bool keep_alive, const bool& ending) noexcept;

  // An informational response (RFC 9110 §15.2); dropped for HTTP/1.0 clients. Flushes at once.
  io::Task<Result<void>> inform(int status, const Fields& fields);

  // The final head. `framing` and `content_length` of `head` say how the body comes; what that means on this wire
  // (chunked, or closing for HTTP/1.0; none at all for HEAD, 204 and 304) is decided here. Framing and connection
  // fields among the fields are left out. Once only.
  void begin(const ResponseHead& head);
  bool begun() const noexcept { return begun_; }
  int status() const noexcept { return status_; }

  // Adds a run of body; its bytes must stay until the next flush() has returned. Ignored where the response has no
  // body.
  void add(std::string_view data);
  // Adds the end, with trailers if any and if the wire can carry them.
  void end(const Fields* trailers = nullptr);

  bool pending() const noexcept { return !out_.empty(); }
  bool full() const noexcept { return out_.full(); }
  // Errors: client_closed, client_slow, internal (a head that is too large).
  io::Task<Result<void>> flush();

  // After the response the connection ends: set by whoever knows a reason, before begin().
  void close_after() noexcept { keep_alive_ = false; }
  bool keep_alive() const noexcept { return keep_alive_; }
  // False after begin(): the client has not got the whole response and must be able to tell.
  bool whole() const noexcept { return ended_; }
  std::uint64_t body_bytes() const noexcept { return body_bytes_; }

  io::Stream& stream() noexcept { return stream_; }

 private:
  void framing(const ResponseHead& head);

  io::Stream& stream_;
  Gather out_;
  io::Duration stall_;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t declared_ = 0;
  Version version_ = Version::http11;
  const bool* ending_ = nullptr;
  bool head_request_ = false;
  bool keep_alive_ = false;
  bool begun_ = false;
  bool ended_ = false;
  bool chunked_ = false;
  bool by_length_ = false;
  bool no_body_ = false;
  int status_ = 0;
};

// "OK" for 200; empty for a status without a registered phrase.
std::string_view status_phrase(int status) noexcept;

}  // namespace weir::http
