// Response heads: status line, framing by status and request method, and what an upstream may not send (attacks.md
// A17).
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "http/h1/h1_parser.h"

namespace weir::http {
namespace {

using namespace std::string_literals;

struct Parsed {
  Result<void> result;
  ResponseHead head;
  std::unique_ptr<const std::string> text;  // what the views point into
};

Parsed parse(std::string text, Method method = Method::get, const HeadLimits& limits = {}) {
  Parsed parsed;
  parsed.text = std::make_unique<const std::string>(std::move(text));
  parsed.result = parse_response_head(*parsed.text, limits, method, parsed.head);
  return parsed;
}

std::string with(std::string_view fields, std::string_view line = "HTTP/1.1 200 OK") {
  return std::string(line).append("\r\n").append(fields).append("\r\n");
}

TEST(H1Response, ReadsAPlainAnswer) {
  const auto [result, head, text] =
      parse(with("Content-Length: 12\r\nX_Under: kept\r\n", "HTTP/1.1 404 Not  Found\xe9"));
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(head.status, 404);
  EXPECT_EQ(head.reason_phrase, "Not  Found\xe9");
  EXPECT_EQ(head.version, Version::http11);
  EXPECT_EQ(head.framing, Framing::length);
  EXPECT_EQ(head.content_length, 12U);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.upgrade);
  ASSERT_EQ(head.fields.size(), 2U);
  EXPECT_EQ(head.fields[1].name, "X_Under");
}

TEST(H1Response, ForgetsTheResponseBefore) {
  ResponseHead head;
  ASSERT_TRUE(parse_response_head(with("Content-Length: 12\r\nConnection: close\r\n"), {}, Method::get, head));
  ASSERT_TRUE(parse_response_head(with("Transfer-Encoding: chunked\r\n"), {}, Method::get, head));
  EXPECT_EQ(head.framing, Framing::chunked);
  EXPECT_EQ(head.content_length, 0U);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.fields.size(), 1U);
}

TEST(H1Response, StatusLine) {
  for (const char* line : {"HTTP/1.1 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.0 200 OK", "HTTP/1.1 999 x",
                           "HTTP/1.1 200 a\tb", "HTTP/1.7 200 OK"}) {
    EXPECT_TRUE(parse(with("", line)).result) << line;
  }
  for (const std::string& line :
       {"HTTP/2.0 200 OK"s,  "HTTP/0.9 200 OK"s,   "http/1.1 200 OK"s,   "HTTP/1.1  200 OK"s,
        "HTTP/1.1 20 OK"s,   "HTTP/1.1 2000 OK"s,  "HTTP/1.1 200OK"s,    "HTTP/1.1 099 x"s,
        "HTTP/1.1 -20 x"s,   "HTTP/1.1 2x0 x"s,    "HTTP/1.1\t200 OK"s,  "HTTP/1.1 200\tOK"s,
        " HTTP/1.1 200 OK"s, "HTTP/1.1"s,          "ICY 200 OK"s,        ""s,
        "HTTP/1. 200 OK"s,   "HTTP/1.1 200 a\rb"s, "HTTP/1.1 200 \x01"s, "HTTP/1.1 200 \0"s,
        "HTTP/1.10 200 OK"s, "HTTP/1.1 200 O\nK"s}) {
    const auto parsed = parse(with("", line));
    ASSERT_FALSE(parsed.result) << line;
    EXPECT_EQ(parsed.result.error().reason, Reason::upstream_protocol_error) << line;
  }
}

TEST(H1Response, A17AmbiguousHeadsAreRefused) {
  for (const std::string& fields : {
           "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"s,
           "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"s,
           "Content-Length: 5\r\nContent-Length: 5\r\n"s,
           "Content-Length: 5\r\nContent-Length: 6\r\n"s,
           "Content-Length: 5,5\r\n"s,
           "Content-Length: +5\r\n"s,
           "Content-Length:\r\n"s,
           "Content-Length: 9223372036854775808\r\n"s,
           "Transfer-Encoding: gzip, chunked\r\n"s,
           "Transfer-Encoding: identity\r\n"s,
           "Transfer-Encoding: chunked, chunked\r\n"s,
           "Transfer-Encoding: chunked;x\r\n"s,
           "Transfer-Encoding:\r\n"s,
           "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"s,
           "X: a\0b\r\n"s,
           "X: a\r\n folded\r\n"s,
           "X: a\nY: b\r\n"s,
           "X : a\r\n"s,
           ": a\r\n"s,
           "nocolon\r\n"s,
       }) {
    for (const char* line : {"HTTP/1.1 200 OK", "HTTP/1.1 204 x", "HTTP/1.1 304 x", "HTTP/1.1 103 x"}) {
      const auto parsed = parse(with(fields, line));
      ASSERT_FALSE(parsed.result) << line << fields;
      EXPECT_EQ(parsed.result.error().reason, Reason::upstream_protocol_error) << fields;
      EXPECT_FALSE(parsed.result.error().detail.empty()) << fields;
    }
  }
  EXPECT_FALSE(parse(with("Transfer-Encoding: chunked\r\n", "HTTP/1.0 200 OK")).result);
}

TEST(H1Response, LimitsAreProtocolErrorsToo) {
  const HeadLimits small{.bytes = 60, .target_bytes = 10, .fields = 2};
  EXPECT_TRUE(parse(with("a: b\r\nc: d\r\n"), Method::get, small).result);
  EXPECT_EQ(parse(with("a: b\r\nc: d\r\ne: f\r\n"), Method::get, small).result.error().reason,
            Reason::upstream_protocol_error);
  EXPECT_EQ(parse(with("a: " + std::string(60, 'x') + "\r\n"), Method::get, small).result.error().reason,
            Reason::upstream_protocol_error);
}

struct FramingCase {
  const char* line;
  const char* fields;
  Method method;
  Framing framing;
  bool keep_alive;
};

TEST(H1Response, FramingByStatusAndMethod) {
  constexpr auto chunked = "Transfer-Encoding: chunked\r\n";
  constexpr auto five = "Content-Length: 5\r\n";
  constexpr auto zero = "Content-Length: 0\r\n";
  const std::vector<FramingCase> cases = {
      {"HTTP/1.1 200 OK", chunked, Method::get, Framing::chunked, true},
      {"HTTP/1.1 200 OK", five, Method::get, Framing::length, true},
      {"HTTP/1.1 200 OK", zero, Method::get, Framing::length, true},
      {"HTTP/1.1 200 OK", "", Method::get, Framing::until_close, false},
      {"HTTP/1.1 200 OK", "Connection: keep-alive\r\n", Method::get, Framing::until_close, false},
      {"HTTP/1.0 200 OK", "", Method::get, Framing::until_close, false},
      {"HTTP/1.0 200 OK", five, Method::get, Framing::length, false},
      {"HTTP/1.0 200 OK", "Connection: keep-alive\r\nContent-Length: 5\r\n", Method::get, Framing::length, true},
      {"HTTP/1.1 200 OK", "Connection: close\r\nContent-Length: 5\r\n", Method::get, Framing::length, false},
      {"HTTP/1.1 200 OK", chunked, Method::head, Framing::none, true},
      {"HTTP/1.1 200 OK", five, Method::head, Framing::none, true},
      {"HTTP/1.1 200 OK", "", Method::head, Framing::none, true},
      {"HTTP/1.1 304 x", five, Method::get, Framing::none, true},
      {"HTTP/1.1 304 x", "", Method::get, Framing::none, true},
      {"HTTP/1.1 204 x", "", Method::get, Framing::none, true},
      {"HTTP/1.1 204 x", zero, Method::get, Framing::none, true},
      {"HTTP/1.1 204 x", five, Method::get, Framing::none, false},
      {"HTTP/1.1 204 x", chunked, Method::get, Framing::none, false},
      {"HTTP/1.1 100 x", "", Method::post, Framing::none, true},
      {"HTTP/1.1 103 x", "Link: <a>\r\n", Method::get, Framing::none, true},
      {"HTTP/1.1 103 x", chunked, Method::get, Framing::none, false},
  };
  for (const auto& [line, fields, method, framing, keep_alive] : cases) {
    const auto parsed = parse(with(fields, line), method);
    ASSERT_TRUE(parsed.result) << line << fields;
    EXPECT_EQ(parsed.head.framing, framing) << line << fields;
    EXPECT_EQ(parsed.head.keep_alive, keep_alive) << line << fields;
    EXPECT_FALSE(parsed.head.upgrade);
  }
}

TEST(H1Response, SwitchesProtocolsOnlyWhenItSaysSo) {
  const auto parsed = parse(with("Upgrade: websocket\r\nConnection: Upgrade\r\n", "HTTP/1.1 101 x"));
  ASSERT_TRUE(parsed.result);
  EXPECT_TRUE(parsed.head.upgrade);
  EXPECT_EQ(parsed.head.framing, Framing::none);
  EXPECT_FALSE(parsed.head.keep_alive);
  EXPECT_FALSE(parse(with("Upgrade: websocket\r\n", "HTTP/1.1 101 x")).result);
  EXPECT_FALSE(parse(with("Connection: upgrade\r\n", "HTTP/1.1 101 x")).result);
  EXPECT_FALSE(parse(with("", "HTTP/1.1 101 x")).result);
  EXPECT_FALSE(parse(with("Upgrade: a\r\nConnection: upgrade\r\n", "HTTP/1.0 101 x")).result);
  EXPECT_FALSE(parse(with("Upgrade: h2c\r\nConnection: upgrade\r\nContent-Length: 0\r\n")).head.upgrade);
}

bool accepted(std::string_view text) {
  ResponseHead head;
  return parse_response_head(text, {}, Method::get, head).has_value();
}

TEST(H1Response, NoProperPrefixOrExtensionIsAHead) {
  const std::string whole = with("Content-Length: 5\r\nX-Some: thing rather long\r\n");
  ASSERT_TRUE(parse(whole).result);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(accepted({cut.data(), cut.size()})) << size;
  }
  EXPECT_FALSE(parse(whole + "x").result);
}

}  // namespace
}  // namespace weir::http
