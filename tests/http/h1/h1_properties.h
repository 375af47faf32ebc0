// What must hold for any bytes given to the HTTP/1.1 parser. Used by the fuzz targets and by the test that replays
// their corpora. Each function returns what is broken, or nothing.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "http/h1/h1_parser.h"

namespace weir::http {

// Small, so that short inputs reach them.
inline constexpr HeadLimits kTightLimits{.bytes = 2048, .target_bytes = 256, .fields = 12};

inline std::string listing(const Fields& fields) {
  std::string out;
  for (const Field& field : fields) out.append(field.name).append(": ").append(field.value).append("\r\n");
  return out;
}

struct ScanOutcome {
  std::size_t end = 0;
  std::size_t skipped = 0;
  Reason reason = Reason::ok;
  bool operator==(const ScanOutcome&) const = default;
};

// As a connection that receives `piece` bytes at a time would; each buffer is a copy of exact size.
inline ScanOutcome scan_in_pieces(std::string_view input, std::size_t piece) {
  HeadScanner scanner;
  ScanOutcome out;
  for (std::size_t have = std::min(piece, input.size());; have = std::min(have + piece, input.size())) {
    const std::vector<char> buffer(input.begin(), input.begin() + static_cast<std::ptrdiff_t>(have));
    const auto end = scanner.scan({buffer.data(), buffer.size()}, kTightLimits);
    out.skipped = scanner.skipped();
    out.end = end.value_or(0);
    if (!end) out.reason = end.error().reason;
    if (!end || *end != 0 || have == input.size()) return out;
  }
}

inline std::string broken_field_property(const Fields& fields, bool underscores) {
  if (fields.size() > kTightLimits.fields) return "more fields than the limit";
  for (const Field& field : fields) {
    if (field.name.empty() || field.name.find_first_of(" \t\r\n:") != field.name.npos)
      return "a name that is no token";
    if (!underscores && field.name.find('_') != field.name.npos) return "a name with an underscore";
    if (field.id != field_name(field.name)) return "a name under a wrong number";
    for (const char c : field.value) {
      if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f) return "a control byte in a value";
    }
    if (!field.value.empty() && (std::string_view(" \t").find(field.value.front()) != std::string_view::npos ||
                                 std::string_view(" \t").find(field.value.back()) != std::string_view::npos)) {
      return "a value with white space around it";
    }
  }
  return {};
}

inline std::string serialise(const RequestHead& head) {
  return std::string(head.method_text).append(" ").append(head.target) +
         (head.version == Version::http11 ? " HTTP/1.1\r\n" : " HTTP/1.0\r\n") + listing(head.fields) + "\r\n";
}

inline std::string serialise(const ResponseHead& head) {
  return (head.version == Version::http11 ? "HTTP/1.1 " : "HTTP/1.0 ") + std::to_string(head.status) + " " +
         std::string(head.reason_phrase) + "\r\n" + listing(head.fields) + "\r\n";
}

inline bool same(const RequestHead& a, const RequestHead& b) {
  return a.method == b.method && a.version == b.version && a.framing == b.framing && a.keep_alive == b.keep_alive &&
         a.expect_continue == b.expect_continue && a.upgrade == b.upgrade && a.content_length == b.content_length &&
         a.method_text == b.method_text && a.target == b.target && a.host == b.host &&
         listing(a.fields) == listing(b.fields);
}

inline bool same(const ResponseHead& a, const ResponseHead& b) {
  return a.status == b.status && a.version == b.version && a.framing == b.framing && a.keep_alive == b.keep_alive &&
         a.upgrade == b.upgrade && a.content_length == b.content_length && a.reason_phrase == b.reason_phrase &&
         listing(a.fields) == listing(b.fields);
}

inline std::string broken_request_property(std::string_view input) {
  const ScanOutcome whole = scan_in_pieces(input, input.size() + 1);
  for (const std::size_t piece : {1UZ, 7UZ}) {
    if (scan_in_pieces(input, piece) != whole) return "the scanner's verdict depends on the pieces";
  }
  // Bytes the scanner does not let through are given to the parser as they are: it must not rely on the scanner.
  const std::string_view text = whole.end == 0 ? input : input.substr(whole.skipped, whole.end - whole.skipped);
  const std::vector<char> exact(text.begin(), text.end());
  RequestHead head;
  const auto parsed = parse_request_head({exact.data(), exact.size()}, kTightLimits, head);
  if (!parsed) return parsed.error().detail.empty() ? "an error without a detail" : "";

  if (std::string broken = broken_field_property(head.fields, false); !broken.empty()) return broken;
  if (head.target.empty() || head.target.size() > kTightLimits.target_bytes) return "a target out of bounds";
  for (const char c : head.target) {
    if (c <= 0x20 || c >= 0x7f || c == '#') return "a byte in the target that is not allowed";
  }
  if (head.host.find_first_of(" \t,@/\\") != head.host.npos) return "a host that could be two";
  if (head.framing == Framing::until_close) return "a request that ends with the connection";
  if (head.framing == Framing::chunked && head.version == Version::http10) return "chunked in HTTP/1.0";
  if (head.framing == Framing::none && (head.expect_continue || head.content_length != 0))
    return "a body that is none";
  if (head.upgrade && (head.framing == Framing::chunked || head.content_length != 0)) return "an upgrade with a body";

  const std::string again = serialise(head);
  RequestHead second;
  if (ScanOutcome end = scan_in_pieces(again, again.size());
      again.size() <= kTightLimits.bytes && end.end != again.size()) {
    return "the request written anew has another end";
  }
  const HeadLimits wide{.bytes = again.size(), .target_bytes = 256, .fields = 12};
  if (!parse_request_head(again, wide, second)) return "the request written anew is refused";
  return same(head, second) ? "" : "the request written anew means something else";
}

inline std::string broken_response_property(std::string_view input) {
  for (const Method method : {Method::get, Method::head}) {
    const std::vector<char> exact(input.begin(), input.end());
    ResponseHead head;
    const auto parsed = parse_response_head({exact.data(), exact.size()}, kTightLimits, method, head);
    if (!parsed) {
      if (parsed.error().reason != Reason::upstream_protocol_error) return "a reason that is not the upstream's";
      continue;
    }
    if (std::string broken = broken_field_property(head.fields, true); !broken.empty()) return broken;
    if (head.status < 100 || head.status > 999) return "a status out of bounds";
    if (head.framing == Framing::until_close && head.keep_alive) return "a connection kept that must end";
    if (method == Method::head && head.framing != Framing::none) return "a body for HEAD";
    if (head.upgrade != (head.status == 101)) return "an upgrade without 101, or 101 without";

    const std::string again = serialise(head);
    const HeadLimits wide{.bytes = again.size(), .target_bytes = 256, .fields = 12};
    ResponseHead second;
    if (!parse_response_head(again, wide, method, second)) return "the response written anew is refused";
    if (!same(head, second)) return "the response written anew means something else";
  }
  return {};
}

struct ChunkedOutcome {
  std::string data;
  std::string trailers;
  std::size_t consumed = 0;
  bool done = false;
  Reason reason = Reason::ok;
  bool operator==(const ChunkedOutcome&) const = default;
};

inline ChunkedOutcome decode_in_pieces(std::string_view wire, std::size_t piece) {
  ChunkedDecoder decoder;
  Fields trailers;
  ChunkedOutcome out;
  for (std::size_t have = std::min(piece, wire.size());; have = std::min(have + piece, wire.size())) {
    for (bool more = true; more;) {
      const std::string_view rest = wire.substr(out.consumed, have - out.consumed);
      const std::vector<char> buffer(rest.begin(), rest.end());
      const auto step = decoder.step({buffer.data(), buffer.size()}, kTightLimits, trailers);
      if (!step) {
        out.reason = step.error().reason;
        out.consumed = 0;  // how far it got before an error depends on the pieces
        return out;
      }
      out.data.append(step->data);
      out.consumed += step->consumed;
      more = !step->data.empty();
      if (step->done) {
        out.done = true;
        out.trailers = listing(trailers);
        return out;
      }
    }
    if (have == wire.size()) {
      // Waiting in the middle, and how much of the buffer is used up by then may differ.
      out.consumed = 0;
      return out;
    }
  }
}

inline std::string broken_chunked_property(std::string_view wire) {
  const ChunkedOutcome whole = decode_in_pieces(wire, wire.size() + 1);
  for (const std::size_t piece : {1UZ, 2UZ, 7UZ, 64UZ}) {
    if (decode_in_pieces(wire, piece) != whole) return "the decoded body depends on the pieces";
  }
  if (!whole.done) return {};
  if (whole.consumed > wire.size() || wire.substr(0, whole.consumed).substr(whole.consumed - 2) != "\r\n") {
    return "a body that does not end in CRLF";
  }
  std::string again;
  for (std::size_t at = 0; at < whole.data.size(); at += 10) {
    again += "A\r\n";
    const std::string_view run = std::string_view(whole.data).substr(at, 10);
    if (run.size() < 10) again.replace(again.size() - 3, 1, std::to_string(run.size()));
    again.append(run).append("\r\n");
  }
  again += "0\r\n" + whole.trailers + "\r\n";
  if (again.size() > kTightLimits.bytes) return {};  // the trailers may have grown by a space each
  const ChunkedOutcome second = decode_in_pieces(again, again.size());
  if (!second.done || second.consumed != again.size()) return "the body written anew is refused";
  return second.data == whole.data && second.trailers == whole.trailers ? "" : "the body written anew differs";
}

}  // namespace weir::http
