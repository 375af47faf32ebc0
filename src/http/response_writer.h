// How the server's side of an exchange is written, whatever the wire protocol: a head, runs of body, an end. Nothing
// leaves before flush(), so that a head and the body that is at hand are one system call. Made by the server for each
// exchange; called by gateway/run and the execution filters. The loop's thread.
#pragma once

#include <cstdint>
#include <string_view>

#include "http/buffer.h"
#include "http/message.h"
#include "io/stream.h"

namespace weir::http {

class ResponseWriter {
 public:
  // `stall`: how long the client may take to accept nothing before the response is given up.
  ResponseWriter(io::Stream& stream, BufferPool& buffers, io::Duration stall) noexcept;

  // What the request said, once it is known; before that the answer closes the connection.
  void for_request(const RequestHead& request) noexcept;

  // An informational response (RFC 9110 §15.2); dropped for HTTP/1.0 clients. Flushes at once.
  io::Task<Result<void>> inform(int status, const Fields& fields);

  // The final head. `framing` and `content_length` of `head` say how the body comes; what that means on this wire
  // (chunked, or closing for HTTP/1.0; none at all for HEAD, 204 and 304) is decided here. Framing and connection
  // fields must not be among the fields. Once only.
  void begin(const ResponseHead& head);
  bool begun() const noexcept { return begun_; }
  int status() const noexcept { return status_; }

  // Adds a run of body; its bytes must stay until the next flush() has returned. Ignored where the response has no
  // body.
  void add(std::string_view data);
  // Adds the end, with trailers if any and if the wire can carry them.
  void end(const Fields* trailers = nullptr);

  bool pending() const noexcept { return parts_ != 0; }
  // Room for more runs before a flush is due.
  bool full() const noexcept { return parts_ + 4 > kParts || scratch_used_ + 64 > Buffer::kSize; }
  // Errors: client_closed, client_slow.
  io::Task<Result<void>> flush();

  // After the response the connection ends: set by whoever knows a reason.
  void close_after() noexcept { keep_alive_ = false; }
  bool keep_alive() const noexcept { return keep_alive_; }
  // A response that was begun could not be ended: the client must be able to tell, so the connection is reset.
  bool whole() const noexcept { return ended_; }
  std::uint64_t body_bytes() const noexcept { return body_bytes_; }

  // After begin() with status 101 and flush(): the raw connection, for a tunnel.
  io::Stream& tunnel() noexcept { return stream_; }

 private:
  void text(std::string_view data);       // copies into the scratch buffer
  void reference(std::string_view data);  // leaves the bytes where they are
  void field(std::string_view name, std::string_view value);

  static constexpr std::size_t kParts = 32;
  // Up to here a copy is cheaper than another part in the kernel's gather list (measured: about 2 KiB).
  static constexpr std::size_t kCopied = 2048;

  io::Stream& stream_;
  BufferPool& buffers_;
  io::Duration stall_;
  Buffer scratch_;
  std::size_t scratch_used_ = 0;
  iovec list_[kParts];
  std::size_t parts_ = 0;
  std::uint64_t body_bytes_ = 0;
  std::uint64_t declared_ = 0;
  Version version_ = Version::http11;
  bool head_request_ = false;
  bool keep_alive_ = false;
  bool begun_ = false;
  bool ended_ = false;
  bool chunked_ = false;
  bool no_body_ = false;
  int status_ = 0;
};

}  // namespace weir::http
