// One pass over a field section: each byte is classified once, each line end found by the same scan that checks the
// value. Called by h1_request.cc, h1_response.cc and h1_chunked.cc; does not decide what a combination of fields
// means.
#include "http/h1/h1_fields.h"

#include <algorithm>
#include <limits>

#include "http/h1/h1_bytes.h"

namespace weir::http::h1 {
namespace {

void count(std::uint8_t& counter) noexcept {
  if (counter != std::numeric_limits<std::uint8_t>::max()) ++counter;
}

// Unknown options and empty elements are fine (RFC 9110 §5.6.1); removing the named fields is the proxy's work.
void read_connection(std::string_view value, FramingFields& framing) noexcept {
  const char* at = value.data();
  const char* const end = at + value.size();
  while (at != end) {
    const char* const comma = std::find(at, end, ',');
    const std::string_view option = trim(at, comma);
    if (equal_ignoring_case(option, "close")) {
      framing.close = true;
    } else if (equal_ignoring_case(option, "keep-alive")) {
      framing.keep_alive = true;
    } else if (equal_ignoring_case(option, "upgrade")) {
      framing.upgrade = true;
    }
    at = comma == end ? end : comma + 1;
  }
}

void collect(FieldName id, std::string_view value, FramingFields& framing) noexcept {
  switch (id) {
    case FieldName::content_length:
      count(framing.content_length_count);
      framing.content_length = value;
      break;
    case FieldName::transfer_encoding:
      count(framing.transfer_encoding_count);
      framing.transfer_encoding = value;
      break;
    case FieldName::host:
      count(framing.host_count);
      framing.host = value;
      break;
    case FieldName::expect:
      count(framing.expect_count);
      framing.expect = value;
      break;
    case FieldName::upgrade:
      framing.upgrade_field |= !value.empty();
      break;
    case FieldName::connection:
      read_connection(value, framing);
      break;
    default:
      break;
  }
}

// `Content_Length` and the like: some services behind us would believe it.
bool masks_framing(std::string_view name) noexcept {
  const auto reads_as = [name](std::string_view wanted) {
    return name.size() == wanted.size() && std::ranges::equal(name, wanted, [](char a, char b) {
             return (a == '_' ? '-' : 'A' <= a && a <= 'Z' ? a + ('a' - 'A') : a) == b;
           });
  };
  return reads_as("content-length") || reads_as("transfer-encoding");
}

std::unexpected<Error> bad_name(const char* at, const char* line) noexcept {
  if (at == line && is_blank(*at)) return fail(Reason::bad_request, "a header line begins with white space");
  if (at == line && *at == ':') return fail(Reason::bad_request, "a header has an empty name");
  if (is_blank(*at)) return fail(Reason::bad_request, "white space in a header name or before its colon");
  if (*at == '\r' || *at == '\n') return fail(Reason::bad_request, "a header line has no colon");
  return fail(Reason::bad_request, "a header name holds a byte that is not allowed");
}

}  // namespace

Result<void> parse_field_section(std::string_view section, std::size_t max_fields, Underscores underscores,
                                 Fields& out, FramingFields& framing) {
  constexpr Error unended{Reason::bad_request, "the header section does not end with an empty line"};
  const char* at = section.data();
  const char* const end = at + section.size();
  for (std::size_t lines = 0;; ++lines) {
    const char* const line = at;
    if (end - at < 2) return std::unexpected(unended);
    if (at[0] == '\r' && at[1] == '\n') {
      if (at + 2 != end) return fail(Reason::bad_request, "bytes after the header section");
      return {};
    }
    if (lines == max_fields) return fail(Reason::headers_too_large, "too many header fields");

    unsigned seen = 0;
    for (; at != end; ++at) {
      const unsigned classes = kClasses[static_cast<unsigned char>(*at)];
      if ((classes & kToken) == 0) break;
      seen |= classes;
    }
    if (at == end) return std::unexpected(unended);
    if (*at != ':' || at == line) return bad_name(at, line);
    const std::string_view name(line, at);

    const char* const value_begin = at + 1;
    at = find_control(value_begin, end);
    if (end - at < 2) return std::unexpected(unended);
    if (at[0] != '\r' || at[1] != '\n') return fail(Reason::bad_request, "a control byte in a header value");
    const std::string_view value = trim(value_begin, at);
    at += 2;

    if ((seen & kUnderscore) != 0 && underscores == Underscores::drop) {
      if (masks_framing(name)) return fail(Reason::bad_request, "a header name disguised by an underscore");
      continue;
    }
    const FieldName id = field_name(name);
    out.append({id, name, value});
    if (id != FieldName::other) collect(id, value, framing);
  }
}

std::optional<std::uint64_t> parse_content_length(std::string_view value) noexcept {
  constexpr std::size_t max_digits = 19;  // of 2^63-1
  if (value.empty() || value.size() > max_digits) return std::nullopt;
  std::uint64_t length = 0;
  for (const char c : value) {
    if (c < '0' || c > '9') return std::nullopt;
    length = length * 10 + static_cast<unsigned>(c - '0');
  }
  if (length > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  return length;
}

}  // namespace weir::http::h1
