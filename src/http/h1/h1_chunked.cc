// Chunked bodies (RFC 9112 §7.1), decoded where they lie. A chunk-size line is read anew until it is whole: it is at
// most 1 KiB and 18 bytes long, so that costs less than keeping its pieces.
#include <algorithm>

#include "http/h1/h1_bytes.h"
#include "http/h1/h1_fields.h"
#include "http/h1/h1_parser.h"

namespace weir::http {
namespace {

constexpr std::size_t kSizeDigits = 16;        // of 2^64-1
constexpr std::size_t kExtensionBytes = 1024;  // per message: nobody uses them but attackers (CVE-2023-39326)
constexpr std::uint64_t kChunkBytes = ~std::uint64_t{0} >> 1;  // as for Content-Length

int hex(char c) noexcept {
  if ('0' <= c && c <= '9') return c - '0';
  if ('a' <= c && c <= 'f') return c - 'a' + 10;
  if ('A' <= c && c <= 'F') return c - 'A' + 10;
  return -1;
}

struct SizeLine {
  std::size_t bytes = 0;  // with CRLF; 0 when it is not whole yet
  std::uint64_t size = 0;
  std::size_t extension = 0;
};

Result<SizeLine> parse_size_line(std::string_view buffer, std::size_t extension_budget) {
  SizeLine line;
  std::size_t at = 0;
  for (; at < buffer.size() && hex(buffer[at]) >= 0; ++at) {
    if (at == kSizeDigits) return fail(Reason::bad_request, "a chunk size has too many digits");
    line.size = line.size << 4 | static_cast<unsigned>(hex(buffer[at]));
  }
  if (at == buffer.size()) return SizeLine{};
  if (at == 0) return fail(Reason::bad_request, "a chunk size is not a hexadecimal number");
  if (line.size > kChunkBytes) return fail(Reason::bad_request, "a chunk is too large");

  const std::size_t extension = at;
  if (buffer[at] == ';') {
    const std::string_view rest = buffer.substr(at, extension_budget + 1);
    at += static_cast<std::size_t>(h1::skip(rest.data(), rest.data() + rest.size(), h1::kVisible) - rest.data());
  }
  line.extension = at - extension;
  if (line.extension > extension_budget) return fail(Reason::bad_request, "chunk extensions are too large");
  if (at == buffer.size()) return SizeLine{};
  if (buffer[at] != '\r') return fail(Reason::bad_request, "a byte that is not allowed behind a chunk size");
  if (at + 1 == buffer.size()) return SizeLine{};
  if (buffer[at + 1] != '\n') return fail(Reason::bad_request, "a chunk size does not end in CRLF");
  line.bytes = at + 2;
  return line;
}

// How much of the two bytes is there: 2, 0 for more needed.
Result<std::size_t> match_crlf(std::string_view buffer) {
  if ((!buffer.empty() && buffer[0] != '\r') || (buffer.size() > 1 && buffer[1] != '\n')) {
    return fail(Reason::bad_request, "chunk data does not end in CRLF");
  }
  return buffer.size() > 1 ? 2 : 0;
}

}  // namespace

// Length of the trailer section with its empty line, 0 when it is not whole yet.
Result<std::size_t> ChunkedDecoder::scan_trailers(std::string_view buffer, const HeadLimits& limits) {
  if (buffer.empty() || buffer == "\r") return 0;
  if (buffer.starts_with("\r\n")) return 2;
  auto length = trailer_scanner_.scan(buffer, limits);
  if (!length && length.error().reason == Reason::uri_too_long) {
    return fail(Reason::headers_too_large, "the trailer section is too large");
  }
  return length;
}

Result<ChunkedDecoder::Step> ChunkedDecoder::step(std::string_view buffer, const HeadLimits& limits,
                                                  Fields& trailers) {
  Step step;
  for (;;) {
    const std::string_view rest = buffer.substr(step.consumed);
    switch (state_) {
      case State::size: {
        const auto line = parse_size_line(rest, kExtensionBytes - extension_bytes_);
        if (!line) return std::unexpected(line.error());
        if (line->bytes == 0) return step;
        step.consumed += line->bytes;
        extension_bytes_ += line->extension;
        remaining_ = line->size;
        state_ = remaining_ == 0 ? State::trailers : State::data;
        break;
      }
      case State::data: {
        const auto run = static_cast<std::size_t>(std::min<std::uint64_t>(rest.size(), remaining_));
        step.data = rest.substr(0, run);
        step.consumed += run;
        remaining_ -= run;
        if (remaining_ == 0) state_ = State::data_end;
        return step;
      }
      case State::data_end: {
        const auto matched = match_crlf(rest);
        if (!matched) return std::unexpected(matched.error());
        if (*matched == 0) return step;
        step.consumed += *matched;
        state_ = State::size;
        break;
      }
      case State::trailers: {
        const auto length = scan_trailers(rest, limits);
        if (!length) return std::unexpected(length.error());
        if (*length == 0) return step;
        h1::FramingFields ignored;
        const auto parsed =
            h1::parse_field_section(rest.substr(0, *length), limits.fields, h1::Underscores::drop, trailers, ignored);
        if (!parsed) return std::unexpected(parsed.error());
        step.consumed += *length;
        state_ = State::done;
        break;
      }
      case State::done:
        step.done = true;
        return step;
    }
  }
}

}  // namespace weir::http
