// A ClientExchange against an upstream made of literals: heads, interim responses, framing, and what of all that is
// refused.
#include "http/client.h"

#include "tests/http/wire.h"

namespace weir::http {
namespace {

using std::chrono::seconds;

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

class ClientTest : public OnBothBackends {
 protected:
  Result<void> head(
      ClientExchange& exchange, Method method = Method::get, const std::function<void()>& between = [] {}) {
    return wire.run(exchange.read_head(method, wire.loop.refresh() + seconds(5)), between);
  }
  // What a fresh exchange makes of a head alone.
  Reason judged(std::string_view text, Method method = Method::get) {
    Wire other(GetParam());
    ClientExchange exchange(*other.stream, other.buffers);
    other.say(text);
    other.end();
    const auto done = other.run(exchange.read_head(method, other.loop.refresh() + seconds(5)));
    return done ? Reason::ok : done.error().reason;
  }
  static io::Task<std::string> pull(Body& body, io::TimePoint deadline) {
    std::string out;
    for (;;) {
      auto piece = body.take();
      if (!piece) co_return out + "!" + std::string(info(piece.error().reason).word);
      out.append(piece->data);
      if (piece->end) co_return out;
      if (!piece->data.empty()) continue;
      auto more = co_await body.fill(deadline);
      if (!more) co_return out + "!" + std::string(info(more.error().reason).word);
    }
  }
  std::string rest_of(ClientExchange& exchange, std::uint64_t limit = kNoLimit) {
    return wire.run(pull(exchange.start_body(limit), wire.loop.refresh() + seconds(5)));
  }
};

TEST_P(ClientTest, SendsWhatWasGatheredAndCountsIt) {
  ClientExchange exchange(*wire.stream, wire.buffers);
  exchange.out().text("POST / HTTP/1.1\r\n");
  exchange.out().field("Host", "a");
  exchange.out().text("\r\n");
  exchange.out().body("body");
  EXPECT_TRUE(wire.run(exchange.flush(seconds(5))));
  const std::string expected = "POST / HTTP/1.1\r\nHost: a\r\n\r\nbody";
  EXPECT_EQ(wire.heard(), expected);
  EXPECT_EQ(exchange.sent(), expected.size());
  exchange.out().text("more");
  EXPECT_TRUE(wire.run(exchange.flush(seconds(5))));
  EXPECT_EQ(exchange.sent(), expected.size() + 4);
}

TEST_P(ClientTest, AnUpstreamThatIsGoneOrDoesNotReadIsToldApart) {
  {
    Wire deaf(GetParam());
    ClientExchange exchange(*deaf.stream, deaf.buffers);
    const std::string much(4'000'000, 'm');
    exchange.out().body(much);
    const auto done = deaf.run(exchange.flush(std::chrono::milliseconds(5)));
    EXPECT_EQ(done.error().reason, Reason::upstream_idle_timeout);
    EXPECT_GT(exchange.sent(), 0u);
    EXPECT_LT(exchange.sent(), much.size());
  }
  ClientExchange exchange(*wire.stream, wire.buffers);
  wire.hang_up();
  exchange.out().text("GET / HTTP/1.1\r\n\r\n");
  EXPECT_EQ(wire.run(exchange.flush(seconds(5))).error().reason, Reason::upstream_closed);
}

TEST_P(ClientTest, ARequestHeadThatDoesNotFitIsNotSent) {
  ClientExchange exchange(*wire.stream, wire.buffers);
  const std::string value(40'000, 'v');
  for (int i = 0; i < 5; ++i) exchange.out().field("X", value);
  EXPECT_EQ(wire.run(exchange.flush(seconds(5))).error().reason, Reason::headers_too_large);
  EXPECT_EQ(wire.heard(), "");
}

TEST_P(ClientTest, ReadsAHeadHoweverItIsCut) {
  const std::string text = "HTTP/1.1 201 Created\r\nContent-Length: 2\r\nX-A: 1\r\nX-A: 2\r\n\r\nok";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    ClientExchange exchange(*wire.stream, wire.buffers);
    std::string_view left = text;
    auto next = [&] {
      if (left.empty()) return;
      wire.say(left.substr(0, size));
      left.remove_prefix(std::min(size, left.size()));
    };
    ASSERT_TRUE(head(exchange, Method::get, next)) << size;
    EXPECT_TRUE(exchange.answered());
    EXPECT_EQ(exchange.head().status, 201);
    EXPECT_EQ(exchange.head().content_length, 2u);
    EXPECT_EQ(exchange.head().fields.size(), 3u);
    while (!left.empty()) next();
    EXPECT_EQ(rest_of(exchange), "ok") << size;
    EXPECT_TRUE(exchange.head().keep_alive);
    EXPECT_EQ(exchange.body().rest(), "");
  }
}

TEST_P(ClientTest, InterimResponsesComeOneByOneBeforeTheFinalOne) {
  ClientExchange exchange(*wire.stream, wire.buffers);
  wire.say(
      "HTTP/1.1 100 Continue\r\n\r\n"
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n");
  ASSERT_TRUE(head(exchange));
  EXPECT_EQ(exchange.head().status, 100);
  EXPECT_EQ(exchange.head().fields.size(), 0u);
  ASSERT_TRUE(head(exchange));
  EXPECT_EQ(exchange.head().status, 103);
  EXPECT_EQ(exchange.head().fields.find("link")->value, "</a>");
  ASSERT_TRUE(head(exchange));
  EXPECT_EQ(exchange.head().status, 200);
  EXPECT_EQ(exchange.head().framing, Framing::chunked);
  EXPECT_EQ(rest_of(exchange), "abc");
  EXPECT_EQ(exchange.body().trailers().find("x-sum")->value, "1");
}

TEST_P(ClientTest, ASwitchOfProtocolsKeepsItsFirstBytes) {
  ClientExchange exchange(*wire.stream, wire.buffers);
  wire.say("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x02hi");
  ASSERT_TRUE(head(exchange));
  EXPECT_EQ(exchange.head().status, 101);
  EXPECT_EQ(exchange.rest(), "\x81\x02hi");
  EXPECT_FALSE(exchange.head().keep_alive) << "it carries no other request";
}

TEST_P(ClientTest, ResponsesWithoutABody) {
  struct Case {
    std::string_view text;
    Method method;
  };
  for (const auto& [text, method] :
       {Case{"HTTP/1.1 204 No Content\r\n\r\n", Method::get}, Case{"HTTP/1.1 304 Not Modified\r\n\r\n", Method::get},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", Method::head},
        Case{"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", Method::get}}) {
    ClientExchange exchange(*wire.stream, wire.buffers);
    wire.say(text);
    ASSERT_TRUE(head(exchange, method)) << text;
    EXPECT_EQ(rest_of(exchange), "") << text;
    EXPECT_TRUE(exchange.head().keep_alive) << text;
  }
}

TEST_P(ClientTest, WithoutFramingTheBodyGoesOnToTheEnd) {
  ClientExchange exchange(*wire.stream, wire.buffers);
  wire.say("HTTP/1.1 200 OK\r\n\r\nall ");
  wire.say("of it");
  wire.end();
  ASSERT_TRUE(head(exchange));
  EXPECT_EQ(exchange.head().framing, Framing::until_close);
  EXPECT_FALSE(exchange.head().keep_alive);
  EXPECT_EQ(rest_of(exchange), "all of it");
}

TEST_P(ClientTest, ABodyThatEndsEarlyIsTold) {
  ClientExchange exchange(*wire.stream, wire.buffers);
  wire.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  wire.end();
  ASSERT_TRUE(head(exchange));
  EXPECT_EQ(rest_of(exchange), "half!upstream_closed");
}

TEST_P(ClientTest, MoreThanTheBodyIsKeptApart) {
  ClientExchange exchange(*wire.stream, wire.buffers);
  wire.say("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n");
  ASSERT_TRUE(head(exchange));
  EXPECT_EQ(rest_of(exchange), "ok");
  EXPECT_EQ(exchange.body().rest(), "HTTP/1.1 200 OK\r\n") << "the proxy must not pool this connection";
}

TEST_P(ClientTest, WhatIsNoResponseIsRefused) {
  for (const std::string_view text :
       {"HTTP/2 200 OK\r\n\r\n", "ICY 200 OK\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 099 Low\r\n\r\n",
        "\r\nHTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\n\n", "HTTP/1.1 200 OK\r\nA : b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"})
    EXPECT_EQ(judged(text), Reason::upstream_protocol_error) << text;
}

TEST_P(ClientTest, AHeadHasALimit) {
  std::string fields;
  while (fields.size() < kResponseHeadLimits.bytes) fields += "X-Long: " + std::string(1'000, 'v') + "\r\n";
  EXPECT_EQ(judged("HTTP/1.1 200 OK\r\n" + fields + "\r\n"), Reason::upstream_protocol_error);
  fields.clear();
  for (std::size_t i = 0; i <= kResponseHeadLimits.fields; ++i) fields += "A: b\r\n";
  EXPECT_EQ(judged("HTTP/1.1 200 OK\r\n" + fields + "\r\n"), Reason::upstream_protocol_error);
}

TEST_P(ClientTest, AnEndBeforeTheHeadIsWholeSaysWhetherAnythingCame) {
  ClientExchange exchange(*wire.stream, wire.buffers);
  wire.end();
  EXPECT_EQ(head(exchange).error().reason, Reason::upstream_closed);
  EXPECT_FALSE(exchange.answered()) << "it may be sent again";

  Wire other(GetParam());
  ClientExchange broken(*other.stream, other.buffers);
  other.say("HTTP/1.1 200 OK\r\nX");
  other.end();
  const auto done = other.run(broken.read_head(Method::get, other.loop.refresh() + seconds(5)));
  EXPECT_EQ(done.error().reason, Reason::upstream_closed);
  EXPECT_TRUE(broken.answered()) << "it must not";
}

TEST_P(ClientTest, SilenceTimesOut) {
  ClientExchange exchange(*wire.stream, wire.buffers);
  wire.say("HTTP/1.1 200 OK\r\n");
  EXPECT_EQ(wire.run(exchange.read_head(Method::get, wire.soon())).error().reason,
            Reason::upstream_first_byte_timeout);
}

INSTANTIATE_TEST_SUITE_P(Both, ClientTest, testing::Values(Backend::epoll, Backend::io_uring), backend_name);

}  // namespace
}  // namespace weir::http
