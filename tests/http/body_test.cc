// Bodies as they are pulled off a stream: framing taken off, limits and deadlines kept, in however small pieces they
// come.
#include "http/body.h"

#include "http/server.h"
#include "tests/http/wire.h"

namespace weir::http {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::uint64_t kNoLimit = ~std::uint64_t{0};

struct Outcome {
  std::string data;
  Reason reason = Reason::ok;
  std::string rest;
};

class BodyTest : public OnBothBackends {
 protected:
  // `behind`: what came with the head, in the same buffer and behind it.
  void start(std::string_view behind, Framing framing, std::uint64_t length = 0,
             Body::Side side = Body::Side::request, std::uint64_t limit = kNoLimit) {
    std::memcpy(buffer.data(), "HEAD", 4);
    std::memcpy(buffer.data() + 4, behind.data(), behind.size());
    body.start(*wire.stream, buffer.data(), 4, 4 + behind.size(), framing, length, side, limit);
  }

  static io::Task<Outcome> pull(Body& body, io::TimePoint deadline) {
    Outcome out;
    for (;;) {
      auto piece = body.take();
      if (!piece) {
        out.reason = piece.error().reason;
        co_return out;
      }
      out.data.append(piece->data);
      if (piece->end) break;
      if (!piece->data.empty()) continue;
      if (auto more = co_await body.fill(deadline); !more) {
        out.reason = more.error().reason;
        co_return out;
      }
    }
    out.rest = body.rest();
    co_return out;
  }
  Outcome pulled(const std::function<void()>& between = [] {}) {
    Outcome out = wire.run(pull(body, wire.loop.refresh() + seconds(5)), between);
    EXPECT_EQ((std::string_view{buffer.data(), 4}), "HEAD") << "the head before the body is left alone";
    EXPECT_EQ(body.finished(), out.reason == Reason::ok);
    return out;
  }
  // Says `text` in pieces of `size` bytes, one a turn.
  Outcome pulled_in_pieces(std::string_view text, std::size_t size) {
    return pulled([this, text, size]() mutable {
      if (text.empty()) return;
      wire.say(text.substr(0, size));
      text.remove_prefix(std::min(size, text.size()));
    });
  }

  io::Buffer buffer = wire.buffers.take();
  Body body;
};

TEST_P(BodyTest, WithoutOneThereIsNothingToWaitFor) {
  start("GET /next", Framing::none);
  EXPECT_TRUE(body.empty());
  EXPECT_TRUE(body.finished());
  const Outcome got = pulled();
  EXPECT_EQ(got.data, "");
  EXPECT_EQ(got.rest, "GET /next");

  start("GET /next", Framing::length, 0);
  EXPECT_TRUE(body.empty());
  EXPECT_EQ(pulled().rest, "GET /next");
}

TEST_P(BodyTest, ALengthEndsWhereItSaysAndLeavesTheNextRequest) {
  start("hello wGET /next", Framing::length, 7);
  EXPECT_FALSE(body.empty());
  const Outcome got = pulled();
  EXPECT_EQ(got.data, "hello w");
  EXPECT_EQ(got.rest, "GET /next");
  EXPECT_EQ(body.received(), 7u);
}

TEST_P(BodyTest, ALengthThatComesInPieces) {
  const std::string whole(10'000, 'p');
  for (const std::size_t size : {1'000U, 4'096U, 9'999U}) {
    start(std::string_view(whole).substr(0, 10), Framing::length, whole.size());
    EXPECT_EQ(pulled_in_pieces(std::string_view(whole).substr(10), size).data, whole) << size;
  }
}

TEST_P(BodyTest, MoreThanTheBufferHoldsPassesThroughIt) {
  std::string whole;
  for (int i = 0; whole.size() < 300'000; ++i) whole += std::to_string(i);
  start("", Framing::length, whole.size());
  EXPECT_EQ(pulled_in_pieces(whole, 30'000).data, whole);
}

TEST_P(BodyTest, ChunksAreDecodedHoweverTheyAreCut) {
  const std::string text = "5\r\nhello\r\n1;ext=1\r\n \r\n5\r\nworld\r\n0\r\nX-Sum: 12\r\n\r\n";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    start("", Framing::chunked);
    const Outcome got = pulled_in_pieces(text, size);
    ASSERT_EQ(got.reason, Reason::ok) << size;
    EXPECT_EQ(got.data, "hello world") << size;
    ASSERT_EQ(body.trailers().size(), 1u) << size;
    EXPECT_EQ(body.trailers().find("x-sum")->value, "12");
    EXPECT_EQ(body.received(), 11u);
  }
}

TEST_P(BodyTest, WhatComesBehindTheLastChunkIsTheNextRequest) {
  start("3\r\nabc\r\n0\r\n\r\nGET /next", Framing::chunked);
  const Outcome got = pulled();
  EXPECT_EQ(got.data, "abc");
  EXPECT_EQ(got.rest, "GET /next");
}

TEST_P(BodyTest, MalformedChunksAreTheSendersFault) {
  for (const std::string_view text : {"5\nhello\r\n", "g\r\n", "-1\r\n", "5\r\nhelloX\r\n", "\r\n5\r\nhello\r\n",
                                      "11111111111111111\r\n", "0x5\r\nhello\r\n", "5 \r\nhello\r\n"}) {
    start(text, Framing::chunked);
    EXPECT_EQ(pulled().reason, Reason::bad_request) << text;
    start(text, Framing::chunked, 0, Body::Side::response);
    EXPECT_EQ(pulled().reason, Reason::upstream_protocol_error) << text;
  }
}

TEST_P(BodyTest, TrailersHaveALimit) {
  std::string text = "0\r\n";
  for (int i = 0; i < 200; ++i) text += "X-" + std::to_string(i) + ": " + std::string(50, 'v') + "\r\n";
  start("", Framing::chunked);
  EXPECT_EQ(pulled_in_pieces(text, 4'000).reason, Reason::headers_too_large);
}

TEST_P(BodyTest, UntilCloseEndsWithTheConnection) {
  start("first ", Framing::until_close, 0, Body::Side::response);
  wire.say("second");
  wire.end();
  const Outcome got = pulled();
  EXPECT_EQ(got.reason, Reason::ok);
  EXPECT_EQ(got.data, "first second");
}

TEST_P(BodyTest, AnEndInTheMiddleIsNoEnd) {
  start("abc", Framing::length, 10);
  wire.end();
  EXPECT_EQ(pulled().reason, Reason::client_closed);
  start("5\r\nabc", Framing::chunked, 0, Body::Side::response);
  EXPECT_EQ(pulled().reason, Reason::upstream_closed);
  start("5\r\nabcde\r\n0\r\n", Framing::chunked, 0, Body::Side::response);
  EXPECT_EQ(pulled().reason, Reason::upstream_closed) << "the empty line behind the last chunk is missing";
}

TEST_P(BodyTest, SilenceTimesOut) {
  start("abc", Framing::length, 10);
  EXPECT_EQ(wire.run(pull(body, wire.soon())).reason, Reason::body_timeout);
  start("abc", Framing::length, 10, Body::Side::response);
  EXPECT_EQ(wire.run(pull(body, wire.soon())).reason, Reason::upstream_idle_timeout);
}

TEST_P(BodyTest, ALengthBeyondTheLimitIsRefusedBeforeAByteIsTaken) {
  start("abc", Framing::length, 11, Body::Side::request, 10);
  const Outcome got = pulled();
  EXPECT_EQ(got.reason, Reason::body_too_large);
  EXPECT_EQ(got.data, "");
  start("0123456789", Framing::length, 10, Body::Side::request, 10);
  EXPECT_EQ(pulled().data, "0123456789");
}

TEST_P(BodyTest, ChunksBeyondTheLimitAreRefusedWhenTheyPassIt) {
  start("5\r\nabcde\r\n5\r\nfghij\r\n1\r\nk\r\n0\r\n\r\n", Framing::chunked, 0, Body::Side::request, 10);
  const Outcome got = pulled();
  EXPECT_EQ(got.reason, Reason::body_too_large);
  EXPECT_LE(got.data.size(), 10u);
  start("5\r\nabcde\r\n5\r\nfghij\r\n0\r\n\r\n", Framing::chunked, 0, Body::Side::request, 10);
  EXPECT_EQ(pulled().data, "abcdefghij");
}

TEST_P(BodyTest, ALimitIsOnlyEverTightened) {
  start("", Framing::length, 50, Body::Side::request, 100);
  body.limit(200);
  EXPECT_EQ(body.limit(), 100u);
  body.limit(49);
  EXPECT_EQ(body.limit(), 49u);
  EXPECT_EQ(pulled().reason, Reason::body_too_large);
}

INSTANTIATE_TEST_SUITE_P(Both, BodyTest, testing::Values(Backend::epoll, Backend::io_uring), backend_name);

// ---- the minimum rate (server.h): the deadline moves with what has come

TEST(BodyDeadline, IsTheGraceAndWhatTheBytesHaveEarned) {
  Wire wire;
  io::BufferPool pool;
  const Peer peer;
  ServerExchange exchange(*wire.stream, pool, peer, seconds(5));
  EXPECT_EQ(exchange.body_deadline(), io::kNever) << "no rate is asked for";

  exchange.body_started = io::TimePoint(seconds(100));
  exchange.body_grace = milliseconds(10'000);
  exchange.min_body_rate = 1'000;
  EXPECT_EQ(exchange.body_deadline(), io::TimePoint(seconds(110)));

  io::Buffer buffer = pool.take();
  const std::string come(2'500, 'b');
  std::memcpy(buffer.data(), come.data(), come.size());
  exchange.body.start(*wire.stream, buffer.data(), 0, come.size(), Framing::length, 5'000, Body::Side::request,
                      5'000);
  EXPECT_EQ(exchange.body_deadline(), io::TimePoint(seconds(110)));
  EXPECT_EQ(exchange.body.take()->data.size(), 2'500u);
  EXPECT_EQ(exchange.body_deadline(), io::TimePoint(milliseconds(112'500)))
      << "2,500 bytes are two seconds and a half";
}

}  // namespace
}  // namespace weir::http
