// fetch() against a scripted origin, on a real loop of each kind.
#include "upstream/fetch.h"

#include <optional>

#include "tests/upstream/scripted_origin.h"

namespace weir::upstream {
namespace {

using std::chrono::milliseconds;
using Backend = io::Loop::Backend;

class FetchTest : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    loop.turn(io::Duration::zero());
    if (GetParam() == Backend::io_uring && !loop.by_ring()) GTEST_SKIP() << "no io_uring here";
    upstream.emplace(loop, origin.spec());
  }
  void TearDown() override {
    upstream.reset();
    origin.close_all();
    loop.turn(io::Duration::zero());
  }

  Result<Fetched> ask(
      const FetchRequest& request, milliseconds within = milliseconds(5000), std::size_t most = 4096,
      const std::function<void()>& between = [] {}) {
    std::optional<Result<Fetched>> out;
    io::TaskGroup group;
    group.spawn(keep(fetch(*upstream, loop.buffers(), request, loop.refresh() + within, most, &cancellation), out));
    for (int turn = 0; turn < 10'000 && group.running() != 0; ++turn) {
      origin.play();
      loop.turn(milliseconds(1));
      between();
    }
    EXPECT_EQ(group.running(), 0u);
    return std::move(*out);
  }
  Result<Fetched> get(std::size_t most = 4096) { return ask({.authority = "who"}, milliseconds(5000), most); }
  static io::Task<void> keep(io::Task<Result<Fetched>> task, std::optional<Result<Fetched>>& out) {
    out.emplace(co_await std::move(task));
  }
  std::string_view why(const Result<Fetched>& got) { return got ? "fetched" : info(got.error().reason).word; }

  io::Loop loop{GetParam()};
  ScriptedOrigin origin;
  std::optional<Upstream> upstream;
  Cancellation cancellation;
};

TEST_P(FetchTest, SendsWhatIsAskedAndReturnsWhatComes) {
  origin.will_say(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Made\r\nX-A: 1\r\nConnection: x-b\r\nX-B: "
      "gone\r\nTransfer-Encoding: "
      "chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  FetchRequest request{.method = "POST", .authority = "idp.test", .target = "/ask?x=1", .body = "token=t"};
  request.fields.append("Accept", "application/json");
  const auto got = ask(request);
  ASSERT_TRUE(got) << why(got);
  EXPECT_EQ(got->status, 201);
  EXPECT_EQ(got->body, "abcde");
  EXPECT_EQ(got->value("x-a"), "1");
  EXPECT_EQ(got->value("x-b"), "") << "belongs to the connection";
  EXPECT_EQ(
      origin.requests.at(0),
      "POST /ask?x=1 HTTP/1.1\r\nHost: idp.test\r\nAccept: application/json\r\nContent-Length: 7\r\n\r\ntoken=t");
}

TEST_P(FetchTest, TheConnectionIsUsedAgain) {
  for (int i = 0; i < 3; ++i) origin.will_answer(200, "ok");
  for (int i = 0; i < 3; ++i) EXPECT_EQ(get()->body, "ok");
  EXPECT_EQ(origin.accepted, 1);
  EXPECT_EQ(upstream->idle_connections(), 1u);
}

TEST_P(FetchTest, AConnectionThatEndsIsNot) {
  origin.will_say("HTTP/1.1 200 OK\r\n\r\nall of it", true);
  origin.will_answer(200, "ok", "Connection: close\r\n");
  EXPECT_EQ(get()->body, "all of it");
  EXPECT_EQ(get()->body, "ok");
  EXPECT_EQ(upstream->idle_connections(), 0u);
}

TEST_P(FetchTest, AStaleConnectionIsReplacedOnceIfAskingAgainIsSafe) {
  for (const bool repeatable : {true, false}) {
    origin.will_answer(200, "first");
    origin.will_say("", true);  // hears the second request and goes
    origin.will_answer(200, "again");
    ASSERT_EQ(get()->body, "first");
    const auto got = ask({.method = "POST", .authority = "who", .body = "b", .repeatable = repeatable});
    EXPECT_EQ(why(got), repeatable ? "fetched" : "upstream_closed");
    if (!repeatable) EXPECT_EQ(get()->body, "again");
    upstream.emplace(loop, origin.spec());
  }
}

TEST_P(FetchTest, AFreshConnectionThatClosesIsAnError) {
  origin.will_say("", true);
  origin.will_answer(200, "never asked");
  EXPECT_EQ(why(get()), "upstream_closed");
  EXPECT_EQ(origin.requests.size(), 1u);
}

TEST_P(FetchTest, ABodyIsBounded) {
  origin.will_answer(200, std::string(4096, 'x'));
  EXPECT_EQ(get()->body.size(), 4096u);
  origin.will_answer(200, std::string(4097, 'x'));
  EXPECT_EQ(why(get()), "upstream_protocol_error") << "by its length";
  origin.will_say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1001\r\n" + std::string(4097, 'x') + "\r\n");
  EXPECT_EQ(why(get()), "upstream_protocol_error") << "by its chunks";
  origin.will_say("HTTP/1.1 200 OK\r\n\r\n" + std::string(4097, 'x'), true);
  EXPECT_EQ(why(get()), "upstream_protocol_error") << "by what came";
  EXPECT_EQ(upstream->idle_connections(), 0u);
}

TEST_P(FetchTest, NoRedirectIsFollowed) {
  origin.will_answer(302, "", "Location: http://127.0.0.1:1/\r\n");
  EXPECT_EQ(get()->status, 302);
  EXPECT_EQ(origin.requests.size(), 1u);
}

TEST_P(FetchTest, WhatIsNoResponseIsAnError) {
  for (const char* garbage :
       {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx", "SSH-2.0-x\r\n\r\n",
        "HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxHTTP/1.1 200 OK\r\n\r\n"}) {
    origin.will_say(garbage);
    EXPECT_EQ(why(get()), "upstream_protocol_error") << garbage;
  }
  std::string interim;
  for (int i = 0; i < 100; ++i) interim += "HTTP/1.1 103 -\r\n\r\n";
  origin.will_say(interim);
  EXPECT_EQ(why(get()), "upstream_protocol_error");
  EXPECT_EQ(upstream->idle_connections(), 0u);
}

TEST_P(FetchTest, TheDeadlineBoundsSilenceAndDribble) {
  const auto began = io::Clock::now();
  EXPECT_EQ(why(ask({.authority = "who"}, milliseconds(20))), "upstream_timeout");
  origin.will_say("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab");
  EXPECT_EQ(why(ask({.authority = "who"}, milliseconds(20))), "upstream_timeout");
  const std::string much(32 * 1024 * 1024, 'm');
  // Nobody plays the origin's part while it is sent, so it is not read.
  std::optional<Result<Fetched>> out;
  io::TaskGroup group;
  const FetchRequest request{.method = "POST", .authority = "who", .body = much};
  group.spawn(keep(fetch(*upstream, loop.buffers(), request, loop.refresh() + milliseconds(20), 10, nullptr), out));
  while (group.running() != 0) loop.turn(milliseconds(1));
  EXPECT_EQ(why(*out), "upstream_timeout");
  EXPECT_LT(io::Clock::now() - began, milliseconds(2000));
}

TEST_P(FetchTest, NobodyThere) {
  origin.refuse();
  EXPECT_EQ(why(get()), "upstream_refused");
  pipeline::UpstreamSpec named = origin.spec();
  named.targets[0].host = "idp.test";
  upstream.emplace(loop, named);
  EXPECT_EQ(why(get()), "upstream_no_address");
}

TEST_P(FetchTest, ANameIsAskedAtTheAddressesItWasTold) {
  pipeline::UpstreamSpec named = origin.spec();
  named.targets[0].host = "idp.test";
  upstream.emplace(loop, named);
  upstream->resolved("idp.test", {IpAddress::v4(127, 0, 0, 1)});
  origin.will_answer(200, "found");
  EXPECT_EQ(get()->body, "found");
}

TEST_P(FetchTest, CancellingEndsItAtOnce) {
  int turns = 0;
  const auto got = ask({.authority = "who"}, milliseconds(60'000), 10, [&] {
    if (origin.requests.size() == 1 && ++turns == 2) cancellation.cancel();
  });
  EXPECT_EQ(why(got), "client_closed");
  for (int i = 0; i < 100 && origin.left == 0; ++i) origin.play(), loop.turn(milliseconds(1));
  EXPECT_EQ(origin.left, 1) << "the service is told by the end of the connection";
}

TEST_P(FetchTest, WhatWouldBreakOutOfItsLineIsNotSent) {
  for (const std::string_view evil :
       {std::string_view("a\r\nX-Evil: 1"), std::string_view("a\nb"), std::string_view("a\0b", 3)}) {
    FetchRequest request{.authority = "who"};
    request.fields.append("X-A", evil);
    EXPECT_EQ(why(ask(request)), "internal");
    EXPECT_EQ(why(ask({.authority = "who", .target = evil})), "internal");
  }
  EXPECT_EQ(why(ask({.authority = "who", .target = "/a b"})), "internal");
  EXPECT_EQ(origin.accepted, 0);
}

INSTANTIATE_TEST_SUITE_P(Both, FetchTest, testing::Values(Backend::epoll, Backend::io_uring),
                         [](const auto& info) { return info.param == Backend::epoll ? "epoll" : "io_uring"; });

}  // namespace
}  // namespace weir::upstream
