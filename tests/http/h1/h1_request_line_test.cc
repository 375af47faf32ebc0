// Request lines: the one accepted spelling, and its near misses (attacks.md A11 and RFC 9112 §3).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/h1/h1_parser.h"

namespace weir::http {
namespace {

using namespace std::string_literals;

Reason verdict(const std::string& line) {
  RequestHead head;
  const auto parsed = parse_request_head(line + "\r\nHost: a\r\n\r\n", {}, head);
  return parsed ? Reason::ok : parsed.error().reason;
}

struct Line {
  const char* line;
  Reason reason;  // ok: accepted
};

TEST(H1Request, RequestLine) {
  const std::vector<Line> cases = {
      {"GET / HTTP/1.1", Reason::ok},
      {"GET / HTTP/1.0", Reason::ok},
      {"GET / HTTP/1.2", Reason::ok},
      {"GET / HTTP/1.9", Reason::ok},
      {"PROPFIND /dav HTTP/1.1", Reason::ok},
      {"get / HTTP/1.1", Reason::ok},  // a method of its own
      {"M!#$%&'*+-.^_`|~9 / HTTP/1.1", Reason::ok},
      {"OPTIONS * HTTP/1.1", Reason::ok},
      {"GET http://b/x HTTP/1.1", Reason::ok},
      {"CONNECT a:443 HTTP/1.1", Reason::ok},
      {"GET /%zz/\\^`{|}\"<> HTTP/1.1", Reason::ok},  // uri.h judges
      {"GET / HTTP/2.0", Reason::unsupported_version},
      {"GET / HTTP/0.9", Reason::unsupported_version},
      {"GET / HTTP/3.1", Reason::unsupported_version},
      {"GET / http/1.1", Reason::bad_request},
      {"GET / Http/1.1", Reason::bad_request},
      {"GET / HTTP/1.1 ", Reason::bad_request},
      {"GET / HTTP/1.10", Reason::bad_request},
      {"GET / HTTP/01.1", Reason::bad_request},
      {"GET / HTTP/1,1", Reason::bad_request},
      {"GET / HTTP/1", Reason::bad_request},
      {"GET / HTTP/1.", Reason::bad_request},
      {"GET / HTTP/1.x", Reason::bad_request},
      {"GET / HTTPS/1.1", Reason::bad_request},
      {"GET /", Reason::bad_request},
      {"GET / ", Reason::bad_request},
      {"GET", Reason::bad_request},
      {"GET  / HTTP/1.1", Reason::bad_request},
      {"GET /  HTTP/1.1", Reason::bad_request},
      {"GET\t/ HTTP/1.1", Reason::bad_request},
      {"GET /\tHTTP/1.1", Reason::bad_request},
      {" GET / HTTP/1.1", Reason::bad_request},
      {"\tGET / HTTP/1.1", Reason::bad_request},
      {" / HTTP/1.1", Reason::bad_request},
      {"GET  HTTP/1.1", Reason::bad_request},
      {"GE(T / HTTP/1.1", Reason::bad_request},
      {"GE\x80T / HTTP/1.1", Reason::bad_request},
      {"GET: / HTTP/1.1", Reason::bad_request},
      {"GET /a b HTTP/1.1", Reason::bad_request},
      {"GET /a\tb HTTP/1.1", Reason::bad_request},
      {"GET /x#/../admin HTTP/1.1", Reason::bad_request},
      {"GET /caf\xc3\xa9 HTTP/1.1", Reason::bad_request},
      {"GET /\x7f HTTP/1.1", Reason::bad_request},
      {"GET /\x01 HTTP/1.1", Reason::bad_request},
      {"GET /a\rb HTTP/1.1", Reason::bad_request},
      {"GET * HTTP/1.1", Reason::bad_request},
      {"GET x HTTP/1.1", Reason::bad_request},
      {"GET admin/x HTTP/1.1", Reason::bad_request},
      {"GET http:///x HTTP/1.1", Reason::bad_request},
      {"GET http:/x HTTP/1.1", Reason::bad_request},
      {"GET ftp://a/x HTTP/1.1", Reason::bad_request},
      {"GET http://u@b/x HTTP/1.1", Reason::bad_request},
      {"GET http://a,b/x HTTP/1.1", Reason::bad_request},
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEF / HTTP/1.1", Reason::ok},  // 32 bytes
      {"ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG / HTTP/1.1", Reason::bad_request},
  };
  for (const auto& [line, reason] : cases) {
    EXPECT_EQ(verdict(line), reason) << line;
  }
  EXPECT_EQ(verdict("GET /\0 HTTP/1.1"s), Reason::bad_request);
}

}  // namespace
}  // namespace weir::http
