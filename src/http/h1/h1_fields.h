// The field section of a message (RFC 9112 §5), read once for requests, responses and trailers, and what its fields
// say about framing and the connection. Called by the h1_*.cc files only; the meaning for a request or a response is
// theirs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "http/message/fields.h"

namespace weir::http::h1 {

// What to do with names that hold `_`. `drop`: leave them out, for a service behind us might read `X_Role` as
// `X-Role`; one that would be read as Content-Length or Transfer-Encoding is an error. `keep`: responses go to
// clients, who do not.
enum class Underscores : std::uint8_t { drop, keep };

// Collected on the way; counts saturate at 255.
struct FramingFields {
  std::uint8_t content_length_count = 0;
  std::uint8_t transfer_encoding_count = 0;
  std::uint8_t host_count = 0;
  std::uint8_t expect_count = 0;
  bool close = false;  // Connection options
  bool keep_alive = false;
  bool upgrade = false;
  bool upgrade_field = false;       // a non-empty Upgrade field
  std::string_view content_length;  // the last of each
  std::string_view transfer_encoding;
  std::string_view host;
  std::string_view expect;
};

// `section` runs from the first field line to the end of the empty line that closes it, and must be all of that.
// Appends to `out` and collects into `framing`, both as far as it got. Errors: bad_request; headers_too_large for
// more than `max_fields` lines, those dropped included.
Result<void> parse_field_section(std::string_view section, std::size_t max_fields, Underscores underscores,
                                 Fields& out, FramingFields& framing);

// One run of 1 to 19 digits, at most 2^63-1: whoever computes with it further on may use a signed number.
std::optional<std::uint64_t> parse_content_length(std::string_view value) noexcept;

}  // namespace weir::http::h1
