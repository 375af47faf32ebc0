// Request heads: what a valid one means, and every way of attacks.md §A to make two servers read it differently.
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
  RequestHead head;
  std::unique_ptr<const std::string> text;  // what the views point into
};

Parsed parse(std::string text, const HeadLimits& limits = {}) {
  Parsed parsed;
  parsed.text = std::make_unique<const std::string>(std::move(text));
  parsed.result = parse_request_head(*parsed.text, limits, parsed.head);
  return parsed;
}

// A request whose lines behind the request line are `fields`.
std::string with(std::string_view fields, std::string_view line = "POST /x HTTP/1.1") {
  return std::string(line).append("\r\nHost: a\r\n").append(fields).append("\r\n");
}

TEST(H1Request, ReadsAPlainGet) {
  const auto [result, head, text] =
      parse("GET /a?b=c HTTP/1.1\r\nHost: shop.example.com:8080\r\nX-A:  one two \t\r\nx-b:\r\n\r\n");
  ASSERT_TRUE(result) << result.error().detail;
  EXPECT_EQ(head.method, Method::get);
  EXPECT_EQ(head.method_text, "GET");
  EXPECT_EQ(head.target, "/a?b=c");
  EXPECT_EQ(head.host, "shop.example.com:8080");
  EXPECT_EQ(head.version, Version::http11);
  EXPECT_EQ(head.framing, Framing::none);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_FALSE(head.upgrade);
  ASSERT_EQ(head.fields.size(), 3U);
  EXPECT_EQ(head.fields[0].id, FieldName::host);
  EXPECT_EQ(head.fields[1].name, "X-A");
  EXPECT_EQ(head.fields[1].value, "one two");
  EXPECT_EQ(head.fields[2].name, "x-b");
  EXPECT_EQ(head.fields[2].value, "");
}

TEST(H1Request, ForgetsTheRequestBefore) {
  RequestHead head;
  ASSERT_TRUE(
      parse_request_head(with("Content-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n"), {}, head));
  ASSERT_TRUE(parse_request_head("GET / HTTP/1.1\r\nHost: b\r\n\r\n", {}, head));
  EXPECT_EQ(head.framing, Framing::none);
  EXPECT_EQ(head.content_length, 0U);
  EXPECT_FALSE(head.expect_continue);
  EXPECT_TRUE(head.keep_alive);
  EXPECT_EQ(head.fields.size(), 1U);
  ASSERT_FALSE(parse_request_head("\x01", {}, head));
  EXPECT_TRUE(head.method_text.empty());
  EXPECT_TRUE(head.host.empty());
  EXPECT_EQ(head.fields.size(), 0U);
}

struct FieldCase {
  std::string fields;
  Reason reason;
};

void expect_reasons(const std::vector<FieldCase>& cases, std::string_view line = "POST /x HTTP/1.1") {
  for (const auto& [fields, reason] : cases) {
    const auto parsed = parse(with(fields, line));
    EXPECT_EQ(parsed.result ? Reason::ok : parsed.result.error().reason, reason) << fields;
    if (!parsed.result) EXPECT_FALSE(parsed.result.error().detail.empty()) << fields;
  }
}

TEST(H1Request, A1TransferEncodingWithContentLength) {
  expect_reasons({
      {"Content-Length: 13\r\nTransfer-Encoding: chunked\r\n", Reason::bad_request},
      {"Transfer-Encoding: chunked\r\nContent-Length: 13\r\n", Reason::bad_request},
      {"Transfer-Encoding: chunked\r\nContent-Length: 0\r\n", Reason::bad_request},
      {"Transfer-Encoding: chunked\r\nContent-Length: 5\r\nContent-Length: 5\r\n", Reason::bad_request},
      {"Transfer-Encoding: identity\r\nContent-Length: 5\r\n", Reason::bad_request},
      {"Transfer-Encoding:\r\nContent-Length: 5\r\n", Reason::bad_request},
  });
}

TEST(H1Request, A2TwoContentLengths) {
  expect_reasons({
      {"Content-Length: 5\r\nContent-Length: 10\r\n", Reason::bad_request},
      {"Content-Length: 5\r\ncontent-length: 5\r\n", Reason::bad_request},
      {"Content-Length: 5, 10\r\n", Reason::bad_request},
      {"Content-Length: 5,5\r\n", Reason::bad_request},
      {"Content-Length: 5,\r\n", Reason::bad_request},
  });
}

TEST(H1Request, A3ContentLengthIsDigits) {
  for (const char* value :
       {"+5", "-1", "0x10", "1_0", "5 5", "", " ", "5.0", "1e3", "\xb2", "5;", "a", "0b1", "18446744073709551616",
        "18446744073709551615", "9223372036854775808", "00000000000000000005", "99999999999999999999999999"}) {
    const auto parsed = parse(with("Content-Length: "s + value + "\r\n"));
    ASSERT_FALSE(parsed.result) << value;
    EXPECT_EQ(parsed.result.error().reason, Reason::bad_request) << value;
  }
  for (const auto& [value, length] : std::vector<std::pair<const char*, std::uint64_t>>{
           {"0", 0}, {"5", 5}, {"007", 7}, {" 12 \t", 12}, {"9223372036854775807", 9223372036854775807}}) {
    const auto parsed = parse(with("Content-Length: "s + value + "\r\n"));
    ASSERT_TRUE(parsed.result) << value;
    EXPECT_EQ(parsed.head.framing, Framing::length);
    EXPECT_EQ(parsed.head.content_length, length);
  }
}

TEST(H1Request, A4TransferEncodingIsChunked) {
  expect_reasons({
      {"Transfer-Encoding: chunked\r\n", Reason::ok},
      {"transfer-encoding:CHUNKED\t\r\n", Reason::ok},
      {"Transfer-Encoding: xchunked\r\n", Reason::unsupported_coding},
      {"Transfer-Encoding: identity\r\n", Reason::unsupported_coding},
      {"Transfer-Encoding: gzip, chunked\r\n", Reason::unsupported_coding},
      {"Transfer-Encoding: chunkedchunked\r\n", Reason::unsupported_coding},
      {"Transfer-Encoding: ,chunked\r\n", Reason::bad_request},
      {"Transfer-Encoding: chunked,\r\n", Reason::bad_request},
      {"Transfer-Encoding: gzip,,chunked\r\n", Reason::bad_request},
      {"Transfer-Encoding: chunked, identity\r\n", Reason::bad_request},
      {"Transfer-Encoding: chunked, xchunked\r\n", Reason::bad_request},
      {"Transfer-Encoding: chunked, chunked\r\n", Reason::bad_request},
      {"Transfer-Encoding: chunked;q=1\r\n", Reason::bad_request},
      {"Transfer-Encoding: chunked identity\r\n", Reason::bad_request},
      {"Transfer-Encoding: \"chunked\"\r\n", Reason::bad_request},
      {"Transfer-Encoding: \x0b"
       "chunked\r\n",
       Reason::bad_request},
      {"Transfer-Encoding: \x0c"
       "chunked\r\n",
       Reason::bad_request},
      {"Transfer-Encoding: chunked\xa0\r\n", Reason::bad_request},
      {"Transfer-Encoding:\r\n", Reason::bad_request},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Reason::bad_request},
      {"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", Reason::bad_request},
      {"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", Reason::bad_request},
      {"Transfer-Encoding:\r\n chunked\r\n", Reason::bad_request},
      {"Transfer-Encoding: xx\r\n\tchunked\r\n", Reason::bad_request},
  });
  EXPECT_EQ(parse(with("Transfer-Encoding: chunked\r\n")).head.framing, Framing::chunked);
}

TEST(H1Request, A5TransferEncodingWithHttp10) {
  expect_reasons({{"Transfer-Encoding: chunked\r\n", Reason::bad_request}}, "POST / HTTP/1.0");
}

TEST(H1Request, A7A8FieldLines) {
  expect_reasons({
      {"X: a\0b\r\n"s, Reason::bad_request},
      {"X: \0\r\n"s, Reason::bad_request},
      {"X\0: a\r\n"s, Reason::bad_request},
      {"X: a\rb\r\n", Reason::bad_request},
      {"X: a\r\r\n", Reason::bad_request},
      {"X: a\nY: b\r\n", Reason::bad_request},
      {"X: a\x7f\r\n", Reason::bad_request},
      {"X: long enough to pass eight bytes\x01 and on\r\n", Reason::bad_request},
      {"X: a\r\n b\r\n", Reason::bad_request},
      {"X: a\r\n\tb\r\n", Reason::bad_request},
      {"X: a\r\n \r\n", Reason::bad_request},
      {"Accept : a\r\n", Reason::bad_request},
      {"Accept\t: a\r\n", Reason::bad_request},
      {": x\r\n", Reason::bad_request},
      {" X: a\r\n", Reason::bad_request},
      {"no colon\r\n", Reason::bad_request},
      {"nocolon\r\n", Reason::bad_request},
      {"X(: a\r\n", Reason::bad_request},
      {"X/Y: a\r\n", Reason::bad_request},
      {"X\xe9: a\r\n", Reason::bad_request},
      {"X\r: a\r\n", Reason::bad_request},
      {"X: tab\tinside and more than eight\tbytes\t\r\n", Reason::ok},
      {"X: caf\xc3\xa9 \xff\r\n", Reason::ok},
      {"X:::\r\n", Reason::ok},
      {"!#$%&'*+-.^`|~0: a\r\n", Reason::ok},
  });
}

TEST(H1Request, A8WhiteSpaceBeforeTheFirstField) {
  for (const char* text : {"GET / HTTP/1.1\r\n Host: a\r\n\r\n", "GET / HTTP/1.1\r\n\tHost: a\r\n\r\n",
                           "GET / HTTP/1.1\r\n \r\nHost: a\r\n\r\n"}) {
    EXPECT_FALSE(parse(text).result) << text;
  }
}

TEST(H1Request, A9Limits) {
  std::string hundred;
  for (int i = 0; i < 99; ++i) hundred += "x: y\r\n";
  EXPECT_TRUE(parse(with(hundred)).result);
  EXPECT_EQ(parse(with(hundred + "x: y\r\n")).result.error().reason, Reason::headers_too_large);
  EXPECT_EQ(parse(with(hundred + "x_y: y\r\n")).result.error().reason, Reason::headers_too_large);
  EXPECT_EQ(parse(with(std::string(64 * 1024, 'n') + ": x\r\n")).result.error().reason, Reason::headers_too_large);

  const HeadLimits small{.bytes = 4096, .target_bytes = 10, .fields = 5};
  EXPECT_TRUE(parse(with("", "GET /123456789 HTTP/1.1"), small).result);
  const auto parsed = parse(with("", "GET /1234567890 HTTP/1.1"), small);
  EXPECT_EQ(parsed.result.error().reason, Reason::uri_too_long);
  EXPECT_EQ(parsed.head.target, "/123456789");  // cut, for the log
}

TEST(H1Request, A10Underscores) {
  expect_reasons({
      {"Content_Length: 5\r\n", Reason::bad_request},
      {"content_length: 5\r\n", Reason::bad_request},
      {"Transfer_Encoding: chunked\r\n", Reason::bad_request},
      {"TRANSFER_ENCODING: chunked\r\n", Reason::bad_request},
      {"Content_Lengths: 5\r\n", Reason::ok},
  });
  const auto parsed = parse(with("X_Forwarded_For: 1.2.3.4\r\nX-Ok: 1\r\n_: x\r\n"));
  ASSERT_TRUE(parsed.result);
  ASSERT_EQ(parsed.head.fields.size(), 2U);
  EXPECT_EQ(parsed.head.fields[1].name, "X-Ok");
}

TEST(H1Request, A11Host) {
  const auto reason = [](std::string text) {
    const auto parsed = parse(std::move(text));
    return parsed.result ? Reason::ok : parsed.result.error().reason;
  };
  EXPECT_EQ(reason("GET / HTTP/1.1\r\n\r\n"), Reason::bad_request);
  EXPECT_EQ(reason("GET / HTTP/1.0\r\n\r\n"), Reason::ok);
  EXPECT_EQ(reason("GET / HTTP/1.1\r\nHost:\r\n\r\n"), Reason::ok);
  EXPECT_EQ(reason("GET http://a/ HTTP/1.1\r\n\r\n"), Reason::bad_request);
  for (const char* version : {"HTTP/1.0", "HTTP/1.1"}) {
    EXPECT_EQ(reason("GET / "s + version + "\r\nHost: a\r\nHost: b\r\n\r\n"), Reason::bad_request);
    EXPECT_EQ(reason("GET / "s + version + "\r\nHost: a\r\nhOST: a\r\n\r\n"), Reason::bad_request);
    EXPECT_EQ(reason("GET http://a/ "s + version + "\r\nHost: a\r\nHost: a\r\n\r\n"), Reason::bad_request);
  }
  for (const char* host :
       {"a,b", "u@h", "a b", "a\tb", "a/b", "a?b", "a#b", "a\\b", "\"a\"", "<a>", "a\xc3\xa9", "a{"}) {
    EXPECT_EQ(reason("GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n"), Reason::bad_request) << host;
  }
  for (const char* host : {"a", "a:80", "[::1]:80", "[fe80::1%25en0]", "xn--caf-dma.example", "a_b", "127.0.0.1"}) {
    EXPECT_EQ(reason("GET / HTTP/1.1\r\nHost: "s + host + "\r\n\r\n"), Reason::ok) << host;
  }
}

TEST(H1Request, A11AuthorityTakesThePlaceOfHost) {
  for (const auto& [target, host] :
       std::vector<std::pair<std::string, std::string>>{{"http://b.example:81/x?y", "b.example:81"},
                                                        {"HTTPS://b", "b"},
                                                        {"http://b?q=/@", "b"},
                                                        {"/http://b/", "a"}}) {
    const auto parsed = parse(with("", "GET " + target + " HTTP/1.1"));
    ASSERT_TRUE(parsed.result) << target;
    EXPECT_EQ(parsed.head.host, host);
    EXPECT_EQ(parsed.head.target, target);
    EXPECT_EQ(parsed.head.fields.value(FieldName::host), "a");
  }
}

TEST(H1Request, A12Expect) {
  expect_reasons({
      {"Expect: 100-continue\r\n", Reason::ok},
      {"Expect: y 100-continue\r\n", Reason::expectation_failed},
      {"Expect: 100-continue, x\r\n", Reason::expectation_failed},
      {"Expect: 200-ok\r\n", Reason::expectation_failed},
      {"Expect:\r\n", Reason::expectation_failed},
      {"Expect: 100-continue\r\nExpect: 100-continue\r\n", Reason::expectation_failed},
      {"Expect: x\r\nContent-Length: -1\r\n", Reason::bad_request},
  });
  EXPECT_TRUE(parse(with("Expect: 100-Continue\r\nContent-Length: 5\r\n")).head.expect_continue);
  EXPECT_TRUE(parse(with("Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n")).head.expect_continue);
  EXPECT_FALSE(parse(with("Expect: 100-continue\r\nContent-Length: 0\r\n")).head.expect_continue);
  EXPECT_FALSE(parse(with("Expect: 100-continue\r\n")).head.expect_continue);
  EXPECT_FALSE(parse(with("Expect: 100-continue\r\nContent-Length: 5\r\n", "POST / HTTP/1.0")).head.expect_continue);
}

TEST(H1Request, A13Upgrade) {
  expect_reasons({
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 5\r\n", Reason::bad_request},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nTransfer-Encoding: chunked\r\n", Reason::bad_request},
      {"Upgrade: websocket\r\nContent-Length: 5\r\n", Reason::bad_request},
      {"Connection: upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n", Reason::ok},
  });
  EXPECT_TRUE(parse(with("Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n")).head.upgrade);
  EXPECT_FALSE(parse(with("Upgrade: websocket\r\n")).head.upgrade);
  EXPECT_FALSE(parse(with("Connection: upgrade\r\n")).head.upgrade);
  EXPECT_FALSE(parse(with("Connection: upgrade\r\nUpgrade:\r\n")).head.upgrade);
  EXPECT_FALSE(parse(with("Connection: upgrade\r\nUpgrade: websocket\r\n", "GET / HTTP/1.0")).head.upgrade);
}

TEST(H1Request, KeepAliveByVersionAndConnection) {
  struct Case {
    const char* fields;
    bool http11;
    bool http10;
  };
  for (const auto& [fields, http11, http10] : std::vector<Case>{
           {"", true, false},
           {"Connection: close\r\n", false, false},
           {"Connection: CLOSE\r\n", false, false},
           {"Connection: keep-alive\r\n", true, true},
           {"Connection: Keep-Alive , x\r\n", true, true},
           {"Connection: keep-alive, close\r\n", false, false},
           {"Connection: ,, close ,\r\n", false, false},
           {"Connection: x\r\nConnection: close\r\n", false, false},
           {"Connection: xclose\r\n", true, false},
           {"Connection: close x\r\n", true, false},
           {"Proxy-Connection: keep-alive\r\n", true, false},
       }) {
    EXPECT_EQ(parse(with(fields)).head.keep_alive, http11) << fields;
    EXPECT_EQ(parse(with(fields, "GET / HTTP/1.0")).head.keep_alive, http10) << fields;
  }
}

TEST(H1Request, LeavesWhatTheLogNeedsOnError) {
  const auto parsed = parse("PUT /x HTTP/1.1\r\nHost: a.example\r\nbad line\r\n\r\n");
  ASSERT_FALSE(parsed.result);
  EXPECT_EQ(parsed.head.method_text, "PUT");
  EXPECT_EQ(parsed.head.method, Method::put);
  EXPECT_EQ(parsed.head.target, "/x");
  EXPECT_EQ(parsed.head.host, "a.example");
}

bool accepted(std::string_view text) {
  RequestHead head;
  return parse_request_head(text, {}, head).has_value();
}

TEST(H1Request, NoProperPrefixOrExtensionIsAHead) {
  const std::string whole = with("Content-Length: 5\r\nX-Some: thing rather long\r\n");
  ASSERT_TRUE(parse(whole).result);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of exact size, so that a sanitiser sees any read past the end.
    const std::vector<char> cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(accepted({cut.data(), cut.size()})) << size;
  }
  EXPECT_FALSE(parse(whole + "x").result);
  EXPECT_FALSE(parse(whole + "\r\n").result);
}

}  // namespace
}  // namespace weir::http
