// Where a head ends. Called by connections on each read; looks only at line ends, what stands in the lines is judged
// by parse_request_head and parse_response_head.
#include <algorithm>
#include <cstring>

#include "http/h1/h1_parser.h"

namespace weir::http {

Result<std::size_t> HeadScanner::scan(std::string_view buffer, const HeadLimits& limits) {
  // Lines are judged up to the limit and no further, so that the verdict does not depend on how the bytes were cut.
  for (;;) {
    const std::size_t stop = std::min(buffer.size(), skipped_ + limits.bytes);
    if (scanned_ >= stop) break;
    const void* const found = std::memchr(buffer.data() + scanned_, '\n', stop - scanned_);
    if (found == nullptr) {
      scanned_ = stop;
      break;
    }
    const auto newline = static_cast<std::size_t>(static_cast<const char*>(found) - buffer.data());
    if (newline == line_start_ || buffer[newline - 1] != '\r') {
      return fail(Reason::bad_request, "a line ends in a bare line feed");
    }
    const bool empty = newline - 1 == line_start_;
    scanned_ = line_start_ = newline + 1;
    if (!empty) {
      ++lines_;
    } else if (lines_ > 0) {
      return scanned_;
    } else if (skipped_ > 0) {
      return fail(Reason::bad_request, "more than one empty line before the request");
    } else {
      skipped_ = scanned_;
    }
  }
  if (buffer.size() - std::min(buffer.size(), skipped_) < limits.bytes) return 0;
  if (lines_ == 0) return fail(Reason::uri_too_long, "the request line is too long");
  return fail(Reason::headers_too_large, "the header section is too large");
}

}  // namespace weir::http
