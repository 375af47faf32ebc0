// HTTP/1.1 message heads and chunked bodies (RFC 9112), strict and sans I/O: bytes in, views out. Called by the
// server (requests) and the upstream client (responses), on any thread; keeps nothing but what the caller hands back
// in. Whatever two parsers might read differently is an error here, so that no smuggled request gets through. It does
// not judge paths (http/message/uri.h), authorities or policy, and it never allocates beyond the field vector.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/error.h"
#include "http/message/message.h"

namespace weir::http {

struct HeadLimits {
  std::size_t bytes = 32 * 1024;        // request or status line and fields together (nginx: 4 × 8 KiB)
  std::size_t target_bytes = 8 * 1024;  // RFC 9112 §3 asks for at least 8,000
  std::size_t fields = 100;             // as most servers; attacks.md A9
};

// Finds the end of a head as bytes arrive, each byte looked at once however small the pieces (slowloris costs
// nothing).
class HeadScanner {
 public:
  // `buffer` is everything received since the head began, the same bytes as before plus new ones. Returns the offset
  // in `buffer` just past the head's empty line (the head is [skipped(), offset)), 0 when more bytes are needed, or
  // an error as soon as it is certain: a line that ends in a bare LF (bad_request), more than limits.bytes
  // (headers_too_large, or uri_too_long while still in the first line). Empty lines before a request line are skipped
  // (RFC 9112 §2.2), at most one CRLF; skipped() says how many bytes. Before a response none is allowed: a caller
  // that reads from an upstream treats skipped() > 0 as an error. After an offset or an error: reset() first.
  Result<std::size_t> scan(std::string_view buffer, const HeadLimits& limits);
  std::size_t skipped() const noexcept { return skipped_; }
  void reset() noexcept { *this = {}; }

 private:
  std::size_t line_start_ = 0;
  std::size_t scanned_ = 0;
  std::size_t skipped_ = 0;
  std::uint32_t lines_ = 0;
};

// `head` is exactly what HeadScanner delimited (from skipped() to its end). Views in `out` point into `head`.
// Errors: bad_request, uri_too_long, headers_too_large, unsupported_coding, unsupported_version, expectation_failed.
// Request framing: Transfer-Encoding must be exactly `chunked`, once, with HTTP/1.1, without Content-Length;
// Content-Length must be one run of digits, once; neither means no body. Host: exactly one for 1.1, at most one
// for 1.0; an absolute-form target's authority takes its place in out.host (`fields` keep what was sent). Fields
// whose name holds `_` are left out, but one that would pass for Content-Length or Transfer-Encoding is an error. On
// error `out` holds method_text, target and host when they were readable, for the log.
Result<void> parse_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out);

// `request_method` decides about bodies (HEAD has none). Every error is upstream_protocol_error. keep_alive is false
// whenever the connection must not carry another request: until_close, 101, or a length where none is allowed.
// content_length is set for a HEAD or 304 that names one, though framing is none.
Result<void> parse_response_head(std::string_view head, const HeadLimits& limits, Method request_method,
                                 ResponseHead& out);

// Decodes one chunked body, in place. Strict: 1*HEXDIG of at most 16 digits, extensions only as `;` and visible bytes
// up to 1 KiB over the whole message, CRLF everywhere. Trailer fields are parsed like header fields and given to the
// caller.
class ChunkedDecoder {
 public:
  struct Step {
    std::string_view data;     // a run of body bytes inside the buffer; may be empty
    std::size_t consumed = 0;  // bytes of the buffer used up, data included; the caller drops them once data is used
    bool done = false;         // the last chunk and the trailer section have been read; consumed ends exactly there
  };

  // Reads on from `buffer`. Returns one run of data at a time; data empty and done false: needs more bytes. The
  // trailer section must be wholly in the buffer before it is consumed (at most limits.bytes of it, else
  // headers_too_large). Views in `trailers` point into `buffer`; names with `_` are left out, all others are the
  // caller's to sift (RFC 9110 §6.5.1). Errors: bad_request for anything malformed (a caller reading from an upstream
  // turns that into upstream_protocol_error).
  Result<Step> step(std::string_view buffer, const HeadLimits& limits, Fields& trailers);

 private:
  enum class State : std::uint8_t { size, data, data_end, trailers, done };
  Result<std::size_t> scan_trailers(std::string_view buffer, const HeadLimits& limits);

  State state_ = State::size;
  std::uint64_t remaining_ = 0;
  std::size_t extension_bytes_ = 0;
  HeadScanner trailer_scanner_;
};

}  // namespace weir::http
