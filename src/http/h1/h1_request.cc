// Request heads. What a client sends is judged here once; a request that passes has one meaning only, whoever reads
// it.
#include "http/h1/h1_bytes.h"
#include "http/h1/h1_fields.h"
#include "http/h1/h1_parser.h"

namespace weir::http {
namespace {

using h1::FramingFields;

// The longest registered name has 17 letters; 32 leaves room and keeps log lines and metrics sane.
constexpr std::size_t kMethodBytes = 32;

void reset(RequestHead& out) {
  Fields fields = std::move(out.fields);
  fields.clear();
  out = RequestHead{};
  out.fields = std::move(fields);
}

// `at` stands behind the target's space. HTTP-version is case-sensitive (RFC 9112 §2.3). A higher minor version is
// read as 1.1, the highest we speak (RFC 9110 §2.5).
Result<const char*> parse_version(const char* at, const char* end, Version& version) {
  constexpr std::size_t size = sizeof("HTTP/1.1\r\n") - 1;
  constexpr Error malformed{Reason::bad_request, "the request line does not end in an HTTP version"};
  if (static_cast<std::size_t>(end - at) < size) return std::unexpected(malformed);
  const auto digit = [at](int i) { return '0' <= at[i] && at[i] <= '9'; };
  if (std::string_view(at, 5) != "HTTP/" || !digit(5) || at[6] != '.' || !digit(7) || at[8] != '\r' ||
      at[9] != '\n') {
    return std::unexpected(malformed);
  }
  if (at[5] != '1') return fail(Reason::unsupported_version, "only HTTP/1.0 and HTTP/1.1 are spoken here");
  version = at[7] == '0' ? Version::http10 : Version::http11;
  return at + size;
}

// Returns where the field section begins. Exactly one space between the parts: RFC 9112 §3 lets a server be lenient
// about white space, and lets it be attacked for that.
Result<const char*> parse_request_line(std::string_view head, const HeadLimits& limits, RequestHead& out) {
  const char* const begin = head.data();
  const char* const end = begin + head.size();

  const char* at = h1::skip(begin, end, h1::kToken);
  if (at == end || *at != ' ' || at == begin) return fail(Reason::bad_request, "the method is not a token");
  out.method_text = {begin, at};
  if (out.method_text.size() > kMethodBytes) {
    out.method_text = out.method_text.substr(0, kMethodBytes);
    return fail(Reason::bad_request, "the method is too long");
  }
  out.method = method_of(out.method_text);

  const char* const target = ++at;
  at = h1::skip(at, end, h1::kTarget);
  out.target = {target, at};
  if (out.target.size() > limits.target_bytes) {
    out.target = out.target.substr(0, limits.target_bytes);
    return fail(Reason::uri_too_long, "the request target is too long");
  }
  if (at == end || *at != ' ' || at == target) {
    return fail(Reason::bad_request, "the request target is empty or holds a byte that is not allowed");
  }
  return parse_version(at + 1, end, out.version);
}

// The authority of an absolute-form target; empty for the other forms, and for an absolute form without one.
std::string_view authority_of(std::string_view target) noexcept {
  for (const std::string_view scheme : {std::string_view("http://"), std::string_view("https://")}) {
    if (equal_ignoring_case(target.substr(0, scheme.size()), scheme)) {
      const std::string_view rest = target.substr(scheme.size());
      return rest.substr(0, rest.find_first_of("/?"));
    }
  }
  return {};
}

// RFC 9112 §3.2: one Host, and the authority of an absolute-form target in its place. Comma, `@` and white space
// would make two gateways see two different hosts; the exact grammar is http/message/uri.h's.
Result<void> judge_host(const FramingFields& framing, RequestHead& out) {
  out.host = framing.host;
  if (framing.host_count > 1) return fail(Reason::bad_request, "more than one Host header");
  if (framing.host_count == 0 && out.version == Version::http11) return fail(Reason::bad_request, "no Host header");
  if (!h1::all(framing.host, h1::kHost)) return fail(Reason::bad_request, "the Host header is malformed");

  if (out.target.front() == '/' || out.method == Method::connect) return {};
  if (out.target == "*") {
    if (out.method == Method::options) return {};
    return fail(Reason::bad_request, "the target * belongs to OPTIONS only");
  }
  out.host = authority_of(out.target);
  if (out.host.empty() || !h1::all(out.host, h1::kHost)) {
    return fail(Reason::bad_request, "the request target is neither a path nor an http URI with an authority");
  }
  return {};
}

// A coding list that is well formed and ends in at most one `chunked` names codings we do not have (501); all else is
// a mistake or an attack (400).
Result<void> judge_transfer_encoding(std::string_view value) {
  if (equal_ignoring_case(value, "chunked")) return {};
  const char* at = value.data();
  const char* const end = at + value.size();
  for (bool chunked = false;;) {
    const char* const token = at;
    at = h1::skip(at, end, h1::kToken);
    if (at == token || chunked) break;
    chunked = equal_ignoring_case({token, at}, "chunked");
    while (at != end && h1::is_blank(*at)) ++at;
    if (at == end) return fail(Reason::unsupported_coding, "a transfer coding other than chunked");
    if (*at++ != ',') break;
    while (at != end && h1::is_blank(*at)) ++at;
  }
  return fail(Reason::bad_request, "the Transfer-Encoding header is malformed");
}

Result<void> judge_framing(const FramingFields& framing, RequestHead& out) {
  if (framing.transfer_encoding_count > 0) {
    if (framing.content_length_count > 0) {
      return fail(Reason::bad_request, "both Transfer-Encoding and Content-Length");
    }
    if (framing.transfer_encoding_count > 1)
      return fail(Reason::bad_request, "more than one Transfer-Encoding header");
    if (out.version == Version::http10) return fail(Reason::bad_request, "Transfer-Encoding in an HTTP/1.0 request");
    out.framing = Framing::chunked;
    return judge_transfer_encoding(framing.transfer_encoding);
  }
  if (framing.content_length_count == 0) return {};
  if (framing.content_length_count > 1) return fail(Reason::bad_request, "more than one Content-Length header");
  const auto length = h1::parse_content_length(framing.content_length);
  if (!length) return fail(Reason::bad_request, "the Content-Length header is not a number");
  out.framing = Framing::length;
  out.content_length = *length;
  return {};
}

bool has_body(const RequestHead& head) noexcept {
  return head.framing == Framing::chunked || head.content_length > 0;
}

Result<void> judge_connection(const FramingFields& framing, RequestHead& out) {
  const bool http11 = out.version == Version::http11;
  out.keep_alive = !framing.close && (http11 || framing.keep_alive);
  if (framing.upgrade_field && has_body(out)) {
    return fail(Reason::bad_request, "an Upgrade header on a request with a body");
  }
  out.upgrade = http11 && framing.upgrade && framing.upgrade_field;  // 1.0: ignored, RFC 9110 §7.8

  if (framing.expect_count == 0) return {};
  if (framing.expect_count > 1 || !equal_ignoring_case(framing.expect, "100-continue")) {
    return fail(Reason::expectation_failed, "an expectation other than 100-continue");
  }
  out.expect_continue = http11 && has_body(out);  // else ignored, RFC 9110 §10.1.1
  return {};
}

}  // namespace

Result<void> parse_request_head(std::string_view head, const HeadLimits& limits, RequestHead& out) {
  reset(out);
  if (head.size() > limits.bytes) return fail(Reason::headers_too_large, "the header section is too large");
  const auto line = parse_request_line(head, limits, out);
  if (!line) return std::unexpected(line.error());

  FramingFields framing;
  const std::string_view section(*line, head.data() + head.size());
  if (auto parsed = h1::parse_field_section(section, limits.fields, h1::Underscores::drop, out.fields, framing);
      !parsed) {
    out.host = framing.host;
    return parsed;
  }
  if (auto judged = judge_host(framing, out); !judged) return judged;
  if (auto judged = judge_framing(framing, out); !judged) return judged;
  return judge_connection(framing, out);
}

}  // namespace weir::http
