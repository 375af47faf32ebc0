// Response heads. An upstream is trusted more than a client, its framing is not: what could be read in two ways ends
// the exchange as upstream_protocol_error. Interim responses (1xx) come out like any other; counting them is the
// caller's.
#include "http/h1/h1_bytes.h"
#include "http/h1/h1_fields.h"
#include "http/h1/h1_parser.h"

namespace weir::http {
namespace {

using h1::FramingFields;

std::unexpected<Error> bad(std::string_view detail) noexcept { return fail(Reason::upstream_protocol_error, detail); }

void reset(ResponseHead& out) {
  Fields fields = std::move(out.fields);
  fields.clear();
  out = ResponseHead{};
  out.fields = std::move(fields);
}

// Returns where the field section begins. The space behind the status may be missing when the phrase is: widespread,
// and harmless because nothing of the phrase is used.
Result<const char*> parse_status_line(std::string_view head, ResponseHead& out) {
  constexpr std::size_t least = sizeof("HTTP/1.1 200\r\n") - 1;
  constexpr std::string_view malformed = "the status line is malformed";
  if (head.size() < least || head.substr(0, 7) != "HTTP/1." || head[8] != ' ') return bad(malformed);
  const auto digit = [head](std::size_t i) { return '0' <= head[i] && head[i] <= '9'; };
  if (!digit(7) || !digit(9) || !digit(10) || !digit(11)) return bad(malformed);
  out.version = head[7] == '0' ? Version::http10 : Version::http11;
  out.status = (head[9] - '0') * 100 + (head[10] - '0') * 10 + (head[11] - '0');
  if (out.status < 100) return bad(malformed);  // above 599 is odd but unambiguous (RFC 9110 §15)

  const char* const end = head.data() + head.size();
  const char* const phrase = head.data() + 12;
  const char* const line_end = h1::find_control(phrase, end);
  if (end - line_end < 2 || line_end[0] != '\r' || line_end[1] != '\n') return bad(malformed);
  if (phrase != line_end) {
    if (*phrase != ' ') return bad(malformed);
    out.reason_phrase = {phrase + 1, line_end};
  }
  return line_end + 2;
}

bool never_has_body(int status, Method request_method) noexcept {
  return status < 200 || status == 204 || status == 304 || request_method == Method::head;
}

Result<void> judge_framing(const FramingFields& framing, Method request_method, ResponseHead& out) {
  const bool chunked = framing.transfer_encoding_count > 0;
  if (chunked) {
    if (framing.content_length_count > 0) return bad("both Transfer-Encoding and Content-Length");
    if (framing.transfer_encoding_count > 1) return bad("more than one Transfer-Encoding header");
    if (out.version == Version::http10) return bad("Transfer-Encoding in an HTTP/1.0 response");
    if (!equal_ignoring_case(framing.transfer_encoding, "chunked"))
      return bad("a transfer coding other than chunked");
  } else if (framing.content_length_count > 0) {
    if (framing.content_length_count > 1) return bad("more than one Content-Length header");
    const auto length = h1::parse_content_length(framing.content_length);
    if (!length) return bad("the Content-Length header is not a number");
    out.content_length = *length;
  }

  if (never_has_body(out.status, request_method)) {
    out.framing = Framing::none;
    // RFC 9112 §6.1 forbids a length here. Whoever sends one may send the body as well, so this connection is used
    // up.
    const bool length_forbidden = out.status == 204 || out.status < 200;
    if (length_forbidden && (chunked || out.content_length > 0)) out.keep_alive = false;
  } else if (chunked) {
    out.framing = Framing::chunked;
  } else if (framing.content_length_count > 0) {
    out.framing = Framing::length;
  } else {
    out.framing = Framing::until_close;
    out.keep_alive = false;
  }
  return {};
}

// RFC 9110 §15.2.2: 101 switches protocols only if it says so. It uses the connection up.
Result<void> judge_upgrade(const FramingFields& framing, ResponseHead& out) {
  if (out.status != 101) return {};
  if (out.version == Version::http10 || !framing.upgrade || !framing.upgrade_field) {
    return bad("101 without Connection: upgrade and an Upgrade header");
  }
  out.upgrade = true;
  out.keep_alive = false;
  return {};
}

}  // namespace

Result<void> parse_response_head(std::string_view head, const HeadLimits& limits, Method request_method,
                                 ResponseHead& out) {
  reset(out);
  if (head.size() > limits.bytes) return bad("the header section is too large");
  const auto line = parse_status_line(head, out);
  if (!line) return std::unexpected(line.error());

  FramingFields framing;
  const std::string_view section(*line, head.data() + head.size());
  const auto parsed = h1::parse_field_section(section, limits.fields, h1::Underscores::keep, out.fields, framing);
  if (!parsed) return bad(parsed.error().detail);

  out.keep_alive = !framing.close && (out.version == Version::http11 || framing.keep_alive);
  if (auto judged = judge_framing(framing, request_method, out); !judged) return judged;
  return judge_upgrade(framing, out);
}

}  // namespace weir::http
