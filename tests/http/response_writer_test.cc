// The bytes a client gets: how a body is framed for each version, method and status.
#include "http/response_writer.h"

#include "tests/http/wire.h"

namespace weir::http {
namespace {

using std::chrono::seconds;

struct Asked {
  Method method = Method::get;
  Version version = Version::http11;
  bool keep_alive = true;
};

class ResponseWriterTest : public OnBothBackends {
 protected:
  ResponseWriter& writer(const Asked& asked = {}) {
    RequestHead request;
    request.method = asked.method;
    request.version = asked.version;
    writer_.emplace(*wire.stream, wire.buffers, seconds(5));
    writer_->for_request(request, asked.keep_alive, ending);
    return *writer_;
  }
  std::string flushed() {
    EXPECT_TRUE(wire.run(writer_->flush()));
    return wire.heard();
  }
  static ResponseHead head(int status, Framing framing, std::uint64_t length = 0) {
    ResponseHead out;
    out.status = status;
    out.framing = framing;
    out.content_length = length;
    return out;
  }
  // A response with the body "hello".
  std::string hello(const Asked& asked, Framing framing, int status = 200) {
    writer(asked).begin(head(status, framing, framing == Framing::length ? 5 : 0));
    writer_->add("hello");
    writer_->end();
    return flushed();
  }

  bool ending = false;
  std::optional<ResponseWriter> writer_;
};

TEST_P(ResponseWriterTest, FramesBodiesByLengthOrInChunks) {
  EXPECT_EQ(hello({}, Framing::length), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_EQ(hello({}, Framing::chunked),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  EXPECT_EQ(hello({}, Framing::until_close),
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
  EXPECT_TRUE(writer_->whole());
  EXPECT_TRUE(writer_->keep_alive());
  EXPECT_EQ(writer_->body_bytes(), 5u);
}

TEST_P(ResponseWriterTest, Http10GetsNoChunks) {
  const Asked old{.version = Version::http10, .keep_alive = true};
  EXPECT_EQ(hello(old, Framing::length),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\nhello");
  EXPECT_EQ(hello(old, Framing::chunked), "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello");
  EXPECT_FALSE(writer_->keep_alive()) << "its end is the connection's end";
}

TEST_P(ResponseWriterTest, SomeResponsesHaveNoBodyWhateverIsAdded) {
  EXPECT_EQ(hello({.method = Method::head}, Framing::length), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(hello({.method = Method::head}, Framing::chunked), "HTTP/1.1 200 OK\r\n\r\n");
  EXPECT_EQ(hello({}, Framing::length, 204), "HTTP/1.1 204 No Content\r\n\r\n");
  EXPECT_EQ(hello({}, Framing::length, 304), "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n");
  EXPECT_EQ(writer_->body_bytes(), 0u);
  EXPECT_TRUE(writer_->whole());
  EXPECT_TRUE(writer_->keep_alive());
}

TEST_P(ResponseWriterTest, HeadTellsTheLengthOfWhatGetWouldHaveBrought) {
  writer({.method = Method::head}).begin(head(200, Framing::none, 1'234));  // as an upstream's is parsed
  writer_->end();
  EXPECT_EQ(flushed(), "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
  EXPECT_TRUE(writer_->whole());
}

TEST_P(ResponseWriterTest, ABodyThatIsNotThereHasLengthZero) {
  writer().begin(head(200, Framing::none));
  writer_->end();
  EXPECT_EQ(flushed(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
}

TEST_P(ResponseWriterTest, ItsOwnFieldsAreNotCopiedFromElsewhere) {
  ResponseHead response = head(404, Framing::length, 0);
  for (const auto& [name, value] : {std::pair<std::string_view, std::string_view>{"Content-Length", "99"},
                                    {"Transfer-Encoding", "chunked"},
                                    {"Connection", "close"},
                                    {"Keep-Alive", "timeout=9"},
                                    {"X-Kept", "1"},
                                    {"Set-Cookie", "a"},
                                    {"Set-Cookie", "b"}})
    response.fields.append(name, value);
  writer().begin(response);
  writer_->end();
  EXPECT_EQ(flushed(),
            "HTTP/1.1 404 Not Found\r\nX-Kept: 1\r\nSet-Cookie: a\r\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n");
}

TEST_P(ResponseWriterTest, AStatusWithoutAPhraseKeepsTheSpace) {
  writer().begin(head(799, Framing::none));
  writer_->end();
  EXPECT_EQ(flushed(), "HTTP/1.1 799 \r\nContent-Length: 0\r\n\r\n");
}

TEST_P(ResponseWriterTest, TrailersGoBehindTheLastChunkOnly) {
  Fields trailers;
  trailers.append("X-Sum", "12");
  writer().begin(head(200, Framing::chunked));
  writer_->add("ab");
  writer_->end(&trailers);
  EXPECT_EQ(flushed(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Sum: 12\r\n\r\n");
  writer().begin(head(200, Framing::length, 2));
  writer_->add("ab");
  writer_->end(&trailers);
  EXPECT_EQ(flushed(), "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nab");
}

TEST_P(ResponseWriterTest, ShortOfItsLengthItIsNotWhole) {
  writer().begin(head(200, Framing::length, 5));
  writer_->add("hel");
  writer_->end();
  EXPECT_FALSE(writer_->whole());
}

TEST_P(ResponseWriterTest, SaysThatTheConnectionEnds) {
  EXPECT_EQ(hello({.keep_alive = false}, Framing::length),
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
  writer().close_after();
  writer_->begin(head(200, Framing::none));
  EXPECT_EQ(flushed(), "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
  ending = true;
  EXPECT_EQ(hello({}, Framing::length), "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello");
}

TEST_P(ResponseWriterTest, InterimResponsesGoBeforeAndNotToHttp10) {
  Fields hints;
  hints.append("Link", "</a>");
  hints.append("Content-Length", "5");
  EXPECT_TRUE(wire.run(writer().inform(103, hints)));
  EXPECT_EQ(wire.heard(), "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n");
  EXPECT_FALSE(writer_->begun());
  EXPECT_TRUE(wire.run(writer({.version = Version::http10}).inform(103, hints)));
  EXPECT_EQ(wire.heard(), "");
}

TEST_P(ResponseWriterTest, ASwitchSaysUpgradeAndHasNoFraming) {
  ResponseHead response = head(101, Framing::none);
  response.fields.append("Upgrade", "websocket");
  writer().begin(response);
  EXPECT_EQ(flushed(), "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
}

TEST_P(ResponseWriterTest, AHeadThatDoesNotFitIsOurFault) {
  const std::string value(40'000, 'v');
  ResponseHead response = head(200, Framing::none);
  for (int i = 0; i < 3; ++i) response.fields.append("X-Long", value);
  writer().begin(response);
  EXPECT_EQ(wire.run(writer_->flush()).error().reason, Reason::internal);
  EXPECT_EQ(wire.heard(), "") << "nothing of it leaves";
}

TEST_P(ResponseWriterTest, AClientThatIsGoneOrDoesNotReadIsToldApart) {
  RequestHead request;
  {
    ResponseWriter slow(*wire.stream, wire.buffers, std::chrono::milliseconds(5));
    slow.for_request(request, true, ending);
    const std::string much(4'000'000, 'm');
    slow.begin(head(200, Framing::length, much.size()));
    slow.add(much);
    slow.end();
    EXPECT_EQ(wire.run(slow.flush()).error().reason, Reason::client_slow);
    EXPECT_FALSE(slow.whole());
    EXPECT_FALSE(slow.keep_alive());
  }
  wire.hang_up();
  writer().begin(head(200, Framing::none));
  EXPECT_EQ(wire.run(writer_->flush()).error().reason, Reason::client_closed);
}

INSTANTIATE_TEST_SUITE_P(Both, ResponseWriterTest, testing::Values(Backend::epoll, Backend::io_uring), backend_name);

}  // namespace
}  // namespace weir::http
