// The asking side: single flight, what is kept and for how long, and the breaker. A real loop, a scripted endpoint.
#include "filters/tokens/introspector.h"

#include <gtest/gtest.h>

#include <optional>

#include "crypto/digest.h"
#include "tests/upstream/scripted_origin.h"

namespace weir::filters {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
constexpr std::int64_t kWall = 1'700'000'000;

class IntrospectorTest : public testing::Test {
 protected:
  IntrospectorTest() {
    settings.endpoint = {0, "idp.test", "/introspect"};
    settings.authorization = "Basic Yg==";
    settings.timeout = milliseconds(5000);
    settings.positive_ttl = seconds(60);
    settings.negative_ttl = seconds(5);
    settings.entries = 3;
    settings.breaker = {.failures = 2, .open_for = seconds(5)};
  }
  ~IntrospectorTest() override {
    upstream.reset();
    service.close_all();
    loop.turn(io::Duration::zero());
  }

  using Outcome = Result<Introspection>;
  io::Task<void> one(std::string token, std::optional<Outcome>& out) {
    out.emplace(co_await introspector.ask(settings, *upstream, loop.buffers(), token, crypto::sha256(token), kWall));
  }
  void until_quiet(io::TaskGroup& group) {
    for (int turn = 0; turn < 5000 && group.running() != 0; ++turn) {
      service.play();
      loop.turn(milliseconds(1));
    }
    ASSERT_EQ(group.running(), 0u);
  }
  std::string ask(std::string token) {
    std::optional<Outcome> out;
    io::TaskGroup group;
    group.spawn(one(std::move(token), out));
    until_quiet(group);
    return !*out ? std::string(out->error().detail) : (*out)->active ? (*out)->client_id : "inactive";
  }
  std::string known(std::string_view token, io::Duration later = {}) {
    const Introspection* found = introspector.find(crypto::sha256(token), loop.now() + later);
    return !found ? "unknown" : found->active ? found->client_id : "inactive";
  }
  std::size_t asked() const { return service.requests.size(); }

  io::Loop loop;
  upstream::ScriptedOrigin service;
  std::optional<upstream::Upstream> upstream{std::in_place, loop, service.spec()};
  IntrospectionSettings settings;
  Introspector introspector;
};

TEST_F(IntrospectorTest, AsksAsTheRfcHasIt) {
  service.will_answer(200, R"({"active":true,"client_id":"shop"})");
  settings.form = "&client_id=weir";
  EXPECT_EQ(ask("t/1+="), "shop");
  EXPECT_EQ(service.requests.at(0),
            "POST /introspect HTTP/1.1\r\nHost: idp.test\r\nContent-Type: application/x-www-form-urlencoded\r\n"
            "Accept: application/json\r\nAuthorization: Basic Yg==\r\nContent-Length: 61\r\n\r\n"
            "token=t%2F1%2B%3D&token_type_hint=access_token&client_id=weir");
}

TEST_F(IntrospectorTest, ManyThatAskForOneTokenWaitForOneAnswer) {
  std::vector<std::optional<Outcome>> outs(50);
  io::TaskGroup group;
  for (auto& out : outs) group.spawn(one("same", out));
  EXPECT_TRUE(introspector.busy());
  std::optional<Outcome> other;
  group.spawn(one("other", other));
  service.will_answer(200, R"({"active":true,"client_id":"shop"})");
  service.will_answer(200, R"({"active":false})");
  until_quiet(group);
  EXPECT_EQ(asked(), 2u);
  for (auto& out : outs) EXPECT_EQ((*out)->client_id, "shop");
  EXPECT_FALSE((*other)->active);
  EXPECT_FALSE(introspector.busy());
  EXPECT_EQ(known("same"), "shop");
  EXPECT_EQ(known("other"), "inactive");
  const pipeline::AskCounts& counts = *introspector.counts();
  EXPECT_EQ(counts.asked, 2u);
  EXPECT_EQ(counts.joined, 49u);
  EXPECT_EQ(counts.hits, 1u);
  EXPECT_EQ(counts.negative_hits, 1u);
  EXPECT_EQ(counts.refused + counts.failures, 0u);
}

TEST_F(IntrospectorTest, AFailureIsToldToAllWhoWaitedAndIsNotKept) {
  std::vector<std::optional<Outcome>> outs(5);
  io::TaskGroup group;
  for (auto& out : outs) group.spawn(one("same", out));
  service.will_answer(500, "");
  until_quiet(group);
  EXPECT_EQ(asked(), 1u);
  for (auto& out : outs) EXPECT_EQ(out->error().reason, Reason::auth_unavailable);
  EXPECT_EQ(known("same"), "unknown");
}

TEST_F(IntrospectorTest, GoodAnswersHoldForAMinuteButNotBeyondTheToken) {
  service.will_answer(200, R"({"active":true,"client_id":"long"})");
  service.will_answer(200, R"({"active":true,"client_id":"short","exp":1700000010})");
  service.will_answer(200, R"({"active":true,"client_id":"far","exp":253402300799})");
  EXPECT_EQ(ask("1"), "long");
  EXPECT_EQ(ask("2"), "short");
  EXPECT_EQ(ask("3"), "far");
  EXPECT_EQ(known("1", seconds(59)), "long");
  EXPECT_EQ(known("2", seconds(9)), "short");
  EXPECT_EQ(known("3", seconds(59)), "far");
  EXPECT_EQ(known("2", seconds(11)), "unknown");
  EXPECT_EQ(known("1", seconds(61)), "unknown");
  EXPECT_EQ(known("3", seconds(61)), "unknown");
  EXPECT_EQ(introspector.known(), 0u) << "what has run out takes no room";
}

TEST_F(IntrospectorTest, BadAnswersHoldForFiveSeconds) {
  service.will_answer(200, R"({"active":false})");
  EXPECT_EQ(ask("1"), "inactive");
  EXPECT_EQ(known("1", milliseconds(4900)), "inactive");
  EXPECT_EQ(known("1", milliseconds(5100)), "unknown");
}

TEST_F(IntrospectorTest, ATokenThatHasRunOutIsNotKept) {
  service.will_answer(200, R"({"active":true,"client_id":"late","exp":1699999999})");
  EXPECT_EQ(ask("1"), "late");
  EXPECT_EQ(known("1"), "unknown");
}

TEST_F(IntrospectorTest, TheLeastRecentlyUsedAnswerMakesRoom) {
  for (int i = 0; i < 4; ++i) service.will_answer(200, R"({"active":true,"client_id":"c"})");
  for (const char* token : {"1", "2", "3"}) EXPECT_EQ(ask(token), "c");
  EXPECT_EQ(known("1"), "c");
  EXPECT_EQ(ask("4"), "c");
  EXPECT_EQ(known("1"), "c");
  EXPECT_EQ(known("2"), "unknown");
  EXPECT_EQ(introspector.known(), 3u);
}

TEST_F(IntrospectorTest, TheBreakerOpensProbesAndCloses) {
  settings.breaker.open_for = milliseconds(400);
  service.will_answer(500, "");
  service.will_answer(200, R"({"active":"true"})");
  EXPECT_EQ(ask("1"), "the introspection endpoint failed");
  EXPECT_FALSE(introspector.refuses(loop.now()));
  EXPECT_EQ(ask("2"), "the introspection endpoint's answer does not say active: true or false");
  EXPECT_TRUE(introspector.refuses(loop.now()));
  EXPECT_EQ(ask("3"), "the introspection endpoint has failed too often");
  EXPECT_EQ(asked(), 2u);
  EXPECT_EQ(introspector.counts()->failures, 2u);
  EXPECT_EQ(introspector.counts()->refused, 1u);
  // Half open: one probe, the others are still refused.
  for (const auto end = loop.refresh() + milliseconds(450); loop.now() < end;) loop.turn(milliseconds(5));
  EXPECT_FALSE(introspector.refuses(loop.now()));
  std::optional<Outcome> probe, other;
  io::TaskGroup group;
  group.spawn(one("4", probe));
  group.spawn(one("5", other));
  ASSERT_TRUE(other);
  EXPECT_FALSE(*other);
  EXPECT_TRUE(introspector.refuses(loop.now()));
  service.will_answer(200, R"({"active":true,"client_id":"back"})");
  until_quiet(group);
  EXPECT_EQ((*probe)->client_id, "back");
  service.will_answer(200, R"({"active":false})");
  EXPECT_EQ(ask("5"), "inactive");
}

TEST_F(IntrospectorTest, AFailedProbeOpensItAgain) {
  settings.breaker.open_for = milliseconds(300);
  for (int i = 0; i < 3; ++i) service.will_answer(503, "");
  ask("1"), ask("2");
  for (const auto end = loop.refresh() + milliseconds(350); loop.now() < end;) loop.turn(milliseconds(5));
  EXPECT_EQ(ask("3"), "the introspection endpoint failed");
  EXPECT_EQ(ask("3"), "the introspection endpoint has failed too often");
  EXPECT_EQ(asked(), 3u);
}

TEST_F(IntrospectorTest, EveryFaultOfTheEndpointIsUnavailability) {
  settings.breaker.failures = 1000;
  settings.timeout = milliseconds(20);
  EXPECT_EQ(ask("silent"), "the introspection endpoint did not answer in time");
  settings.timeout = milliseconds(5000);
  service.will_answer(401, "");
  EXPECT_EQ(ask("1"), "the introspection endpoint does not accept this gateway's credentials");
  service.will_answer(302, "", "Location: http://127.0.0.1/\r\n");
  EXPECT_EQ(ask("1"), "the introspection endpoint failed");
  service.will_answer(200, std::string(70'000, ' ') + R"({"active":true})");
  EXPECT_EQ(ask("1"), "the introspection endpoint's answer is malformed");
  service.will_say("SSH-2.0-OpenSSH\r\n\r\n");
  EXPECT_EQ(ask("1"), "the introspection endpoint's answer is malformed");
  service.refuse();
  upstream.emplace(loop, service.spec());
  EXPECT_EQ(ask("1"), "the introspection endpoint cannot be reached");
}

TEST_F(IntrospectorTest, TokensBeingAskedAboutAreBounded) {
  std::vector<std::optional<Outcome>> outs(257);
  io::TaskGroup group;
  for (std::size_t i = 0; i < outs.size(); ++i) group.spawn(one(std::to_string(i), outs[i]));
  ASSERT_TRUE(outs.back());
  EXPECT_EQ(outs.back()->error().detail, "too many tokens are being asked about");
  for (std::size_t i = 0; i < 256; ++i) service.will_answer(200, R"({"active":false})");
  until_quiet(group);
}

}  // namespace
}  // namespace weir::filters
