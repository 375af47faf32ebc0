// Balancing, pools and their reconciliation against real connections on loopback, on both of the loop's backends.
#include "upstream/upstream.h"

#include <map>

#include "tests/http/wire.h"
#include "tests/upstream/fake_origin.h"
#include "upstream/registry.h"

namespace weir::upstream {
namespace {

using http::Backend;
using pipeline::TargetSpec;
using pipeline::UpstreamSpec;
using std::chrono::milliseconds;
using std::chrono::seconds;

UpstreamSpec spec(std::vector<TargetSpec> targets, std::uint32_t max_idle = 8) {
  UpstreamSpec out;
  out.name = "users";
  out.targets = std::move(targets);
  out.connect_timeout = milliseconds(5'000);
  out.keep_alive = milliseconds(60'000);
  out.max_idle = max_idle;
  return out;
}

TargetSpec somewhere(std::uint8_t last, std::uint32_t weight = 1) {
  const SocketAddress address(IpAddress::v4(192, 0, 2, last), 80);
  return {address.to_string(), address, {}, weight};
}

// ---- balancing: no connection is made

// The targets in the order they are picked, by the last part of their address.
std::string picked(Upstream& upstream, int count) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    Tried tried = 0;
    const Target* target = upstream.pick(tried);
    out += target ? std::to_string(target->spec.socket.ip().bytes()[15]) : "-";
  }
  return out;
}

TEST(Balance, EqualsTakeTurns) {
  io::Loop loop;
  Upstream upstream(loop, spec({somewhere(1), somewhere(2), somewhere(3)}));
  EXPECT_EQ(picked(upstream, 9), "123123123");
}

TEST(Balance, WeightsAreKeptExactlyAndSmoothly) {
  io::Loop loop;
  Upstream upstream(loop, spec({somewhere(1, 5), somewhere(2, 1), somewhere(3, 1)}));
  EXPECT_EQ(picked(upstream, 7), "1121311");
  std::map<char, int> counts;
  for (const char which : picked(upstream, 7'000)) ++counts[which];
  EXPECT_EQ(counts['1'], 5'000);
  EXPECT_EQ(counts['2'], 1'000);
  EXPECT_EQ(counts['3'], 1'000);
}

TEST(Balance, ASecondAttemptGoesElsewhereWhileThereIsAnElsewhere) {
  io::Loop loop;
  Upstream upstream(loop, spec({somewhere(1, 100), somewhere(2), somewhere(3)}));
  for (int request = 0; request < 20; ++request) {
    Tried tried = 0;
    std::map<Target*, int> asked;
    for (int attempt = 0; attempt < 3; ++attempt) ++asked[upstream.pick(tried)];
    EXPECT_EQ(asked.size(), 3u);
    EXPECT_NE(upstream.pick(tried), nullptr) << "all were tried: any of them again";
  }
}

TEST(Balance, OneTargetIsAlwaysIt) {
  io::Loop loop;
  Upstream upstream(loop, spec({somewhere(7, 3)}));
  EXPECT_EQ(picked(upstream, 3), "777");
  Tried tried = ~Tried{0};
  EXPECT_NE(upstream.pick(tried), nullptr);
}

TEST(Balance, TargetsWithoutAnAddressAreLeftOut) {
  io::Loop loop;
  FakeOrigin origin;
  Upstream upstream(loop, spec({origin.target("users.internal"), somewhere(2)}));
  EXPECT_EQ(picked(upstream, 3), "222");
  upstream.resolved("users.internal", {IpAddress::v4(127, 0, 0, 1)});
  Tried tried = 0;
  EXPECT_EQ(upstream.pick(tried)->spec.host, "users.internal");
  Upstream unknown(loop, spec({origin.target("a.internal"), origin.target("b.internal")}));
  Tried none = 0;
  EXPECT_EQ(unknown.pick(none), nullptr);
  Upstream single(loop, spec({origin.target("a.internal")}));
  EXPECT_EQ(single.pick(none), nullptr);
}

// ---- pools

class PoolTest : public testing::TestWithParam<Backend> {
 protected:
  void SetUp() override {
    loop.turn(io::Duration::zero());
    if (GetParam() == Backend::io_uring && !loop.by_ring())
      GTEST_SKIP() << "this kernel, or this container, does not allow io_uring";
  }
  static io::Task<void> open(Upstream& upstream, Target& target, io::TimePoint deadline,
                             Result<std::unique_ptr<Connection>>& out) {
    out = co_await upstream.open(target, deadline);
  }
  Result<std::unique_ptr<Connection>> try_open(Upstream& upstream, Target& target) {
    Result<std::unique_ptr<Connection>> out;
    io::TaskGroup group;
    group.spawn(open(upstream, target, io::kNever, out));
    for (int turn = 0; turn < 1'000 && group.running() != 0; ++turn) loop.turn(milliseconds(10));
    EXPECT_EQ(group.running(), 0u);
    return out;
  }
  std::unique_ptr<Connection> opened(Upstream& upstream) {
    auto out = try_open(upstream, first(upstream));
    EXPECT_TRUE(out);
    return out ? std::move(*out) : nullptr;
  }
  // A request and its answer, so that the connection has been used as the proxy uses it.
  void exchange(Connection& connection, std::size_t number) {
    io::TaskGroup group;
    group.spawn([](io::Stream& stream) -> io::Task<void> {
      char text[] = "ask";
      iovec part{text, 3};
      EXPECT_EQ((co_await stream.write({&part, 1}, seconds(5))).status, io::IoStatus::ok);
      char answer[16];
      EXPECT_EQ((co_await stream.read(answer, io::kNever)).bytes, 6u);
    }(connection.stream()));
    origin.say(number, "answer");
    for (int turn = 0; turn < 1'000 && group.running() != 0; ++turn) loop.turn(milliseconds(10));
    EXPECT_EQ(group.running(), 0u);
  }
  static Target& first(Upstream& upstream) {
    Tried tried = 0;
    return *upstream.pick(tried);
  }
  // Lets what has been sent over loopback be seen.
  void settle() {
    for (int turn = 0; turn < 20; ++turn) loop.turn(milliseconds(1));
  }

  io::Loop loop{GetParam()};
  FakeOrigin origin;
};

TEST_P(PoolTest, AConnectionIsUsedAgainTheWarmestFirst) {
  Upstream upstream(loop, spec({origin.target()}));
  auto one = opened(upstream), two = opened(upstream);
  const std::size_t first_number = origin.accept(), second_number = origin.accept();
  EXPECT_FALSE(one->reused());
  exchange(*one, first_number);
  exchange(*two, second_number);
  Connection* const warmest = two.get();
  upstream.release(std::move(one));
  upstream.release(std::move(two));
  EXPECT_EQ(upstream.idle_connections(), 2u);
  auto again = upstream.take_idle(first(upstream), true);
  ASSERT_EQ(again.get(), warmest);
  EXPECT_TRUE(again->reused());
  EXPECT_EQ(upstream.idle_connections(), 1u);
  exchange(*again, second_number);
  EXPECT_EQ(upstream.counters().opened, 2u);
  EXPECT_EQ(upstream.counters().reused, 1u);
  EXPECT_EQ(upstream.counters().failed, 0u);
}

TEST_P(PoolTest, NoMoreThanMaxIdleAreKept) {
  Upstream upstream(loop, spec({origin.target()}, 2));
  std::vector<std::unique_ptr<Connection>> all;
  for (int i = 0; i < 4; ++i) all.push_back(opened(upstream));
  for (auto& each : all) upstream.release(std::move(each));
  EXPECT_EQ(upstream.idle_connections(), 2u);
  EXPECT_EQ(first(upstream).connections, 2u);
  Upstream without(loop, spec({origin.target()}, 0));
  without.release(opened(without));
  EXPECT_EQ(without.idle_connections(), 0u);
}

TEST_P(PoolTest, OneThatWasClosedServesNobody) {
  Upstream upstream(loop, spec({origin.target()}));
  auto connection = opened(upstream);
  const std::size_t number = origin.accept();
  exchange(*connection, number);
  upstream.release(std::move(connection));
  origin.close(number);
  settle();
  EXPECT_EQ(upstream.take_idle(first(upstream), false), nullptr) << "seen without asking the kernel";
  EXPECT_EQ(upstream.idle_connections(), 0u);
  EXPECT_EQ(first(upstream).connections, 0u);
}

TEST_P(PoolTest, OneThatSaysWhatNobodyAskedServesNobody) {
  Upstream upstream(loop, spec({origin.target()}));
  auto connection = opened(upstream);
  const std::size_t number = origin.accept();
  exchange(*connection, number);
  upstream.release(std::move(connection));
  origin.say(number, "HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  settle();
  EXPECT_EQ(upstream.take_idle(first(upstream), false), nullptr) << "seen without asking the kernel";
  EXPECT_EQ(upstream.counters().reused, 0u);
}

TEST_P(PoolTest, ForARequestThatMustNotBeSentTwiceTheKernelIsAsked) {
  Upstream upstream(loop, spec({origin.target()}));
  for (const bool closes : {true, false}) {
    auto connection = opened(upstream);
    const std::size_t number = origin.accept();
    exchange(*connection, number);
    upstream.release(std::move(connection));
    closes ? origin.close(number) : origin.say(number, "unasked");
    EXPECT_EQ(upstream.take_idle(first(upstream), true), nullptr) << "before any turn of the loop";
  }
}

TEST_P(PoolTest, OneThatIsClosedOrAbortedIsNotKept) {
  Upstream upstream(loop, spec({origin.target()}));
  auto connection = opened(upstream);
  const std::size_t number = origin.accept();
  connection->stream().abort();
  upstream.release(std::move(connection));
  EXPECT_EQ(upstream.idle_connections(), 0u);
  settle();
  EXPECT_TRUE(origin.closed(number));
}

TEST_P(PoolTest, IdleOnesEndWithKeepAliveAndWithTheirPeers) {
  UpstreamSpec settings = spec({origin.target()});
  settings.keep_alive = milliseconds(1);
  Upstream upstream(loop, settings);
  upstream.release(opened(upstream));
  const std::size_t number = origin.accept();
  EXPECT_EQ(upstream.idle_connections(), 1u);
  const auto until = io::Clock::now() + seconds(5);
  while (upstream.idle_connections() != 0 && io::Clock::now() < until) loop.turn(seconds(2));
  EXPECT_EQ(upstream.idle_connections(), 0u);
  settle();
  EXPECT_TRUE(origin.closed(number));
}

TEST_P(PoolTest, ARefusedConnectionIsCounted) {
  Upstream upstream(loop, spec({origin.target()}));
  origin.stop();
  const auto out = try_open(upstream, first(upstream));
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().reason, Reason::upstream_refused);
  EXPECT_EQ(upstream.counters().failed, 1u);
  EXPECT_EQ(upstream.counters().opened, 0u);
  EXPECT_EQ(first(upstream).connections, 0u);
}

// ---- reconciliation

TEST_P(PoolTest, TargetsThatStayKeepTheirConnections) {
  FakeOrigin other;
  Upstream upstream(loop, spec({origin.target(1), other.target()}));
  auto out = try_open(upstream, first(upstream));
  ASSERT_TRUE(out);
  const std::size_t number = origin.accept();
  upstream.release(std::move(*out));
  EXPECT_FALSE(upstream.reconcile(spec({origin.target(9)}))) << "nothing new to resolve";
  EXPECT_EQ(upstream.idle_connections(), 1u);
  EXPECT_EQ(first(upstream).spec.weight, 9u);
  EXPECT_NE(upstream.take_idle(first(upstream), true), nullptr);
  EXPECT_TRUE(upstream.reconcile(spec({other.target()})));
  settle();
  EXPECT_TRUE(origin.closed(number));
}

TEST_P(PoolTest, ATargetThatIsGoneOutlivesItsExchanges) {
  FakeOrigin other;
  Upstream upstream(loop, spec({origin.target()}));
  auto in_use = opened(upstream);
  const std::size_t number = origin.accept();
  EXPECT_TRUE(upstream.reconcile(spec({other.target()})));
  EXPECT_EQ(in_use->address(), origin.address().to_string());
  exchange(*in_use, number);  // ends under what it began with
  upstream.release(std::move(in_use));
  EXPECT_EQ(upstream.idle_connections(), 0u);
  settle();
  EXPECT_TRUE(origin.closed(number));
}

TEST_P(PoolTest, ATargetThatGoesWhileItIsConnectedToIsNotLost) {
  FakeOrigin other;
  Upstream upstream(loop, spec({origin.target()}));
  Result<std::unique_ptr<Connection>> out;
  io::TaskGroup group;
  group.spawn(open(upstream, first(upstream), io::kNever, out));
  upstream.reconcile(spec({other.target()}));
  upstream.reconcile(spec({other.target(2)}));
  for (int turn = 0; turn < 1'000 && group.running() != 0; ++turn) loop.turn(milliseconds(10));
  ASSERT_TRUE(out);
  EXPECT_EQ((*out)->address(), origin.address().to_string());
  upstream.release(std::move(*out));
  EXPECT_EQ(upstream.idle_connections(), 0u);
}

TEST_P(PoolTest, OtherAddressesEndTheIdleConnections) {
  Upstream upstream(loop, spec({origin.target("users.internal")}));
  upstream.resolved("users.internal", {IpAddress::v4(127, 0, 0, 1)});
  upstream.release(opened(upstream));
  upstream.resolved("orders.internal", {IpAddress::v4(127, 0, 0, 9)});
  upstream.resolved("users.internal", {IpAddress::v4(127, 0, 0, 1)});
  EXPECT_EQ(upstream.idle_connections(), 1u) << "the same addresses again";
  upstream.resolved("users.internal", {IpAddress::v4(127, 0, 0, 2)});
  EXPECT_EQ(upstream.idle_connections(), 0u);
}

TEST_P(PoolTest, AddressesOfOneNameTakeTurns) {
  Upstream upstream(loop, spec({origin.target("users.internal")}));
  upstream.resolved("users.internal", {IpAddress::v4(127, 0, 0, 1), IpAddress::v4(127, 0, 0, 77)});
  EXPECT_TRUE(try_open(upstream, first(upstream)));
  EXPECT_FALSE(try_open(upstream, first(upstream))) << "nobody listens on the second";
  EXPECT_TRUE(try_open(upstream, first(upstream)));
}

INSTANTIATE_TEST_SUITE_P(Both, PoolTest, testing::Values(Backend::epoll, Backend::io_uring), http::backend_name);

// ---- the registry

TEST(Registry, AnUpstreamLivesFromRevisionToRevisionAndEndsWithTheLast) {
  io::Loop loop;
  Registry registry(loop);
  auto count = [&] {
    int out = 0;
    registry.for_each([&](const Upstream&) { ++out; });
    return out;
  };
  UpstreamSpec users = spec({somewhere(1)}), orders = spec({somewhere(2)});
  orders.name = "orders";
  const auto first = registry.enter({users, orders});
  ASSERT_EQ(first.size(), 2u);
  users.targets.push_back(somewhere(3));
  const auto second = registry.enter({users});
  EXPECT_EQ(second[0], first[0]) << "the same one, reconciled";
  EXPECT_EQ(second[0]->spec().targets.size(), 2u);
  EXPECT_EQ(count(), 2);
  registry.leave(first);
  EXPECT_EQ(count(), 1);
  EXPECT_EQ(second[0]->spec().name, "users");
  registry.leave(second);
  EXPECT_EQ(count(), 0);
}

TEST(Registry, OtherTlsSettingsAreAnotherUpstream) {
  io::Loop loop;
  Registry registry(loop);
  UpstreamSpec users = spec({somewhere(1)});
  const auto first = registry.enter({users});
  users.tls_key = "other ca";
  const auto second = registry.enter({users});
  EXPECT_NE(first[0], second[0]);
  users.server_name = "users.example";
  const auto third = registry.enter({users});
  EXPECT_NE(third[0], second[0]);
  for (const auto& each : {first, second, third}) registry.leave(each);
}

TEST(Registry, RemembersAddressesForUpstreamsToCome) {
  io::Loop loop;
  Registry registry(loop);
  FakeOrigin origin;
  registry.resolved("users.internal", {IpAddress::v4(127, 0, 0, 1)});
  const auto early = registry.enter({spec({origin.target("users.internal")})});
  Tried tried = 0;
  ASSERT_NE(early[0]->pick(tried), nullptr);
  EXPECT_EQ(early[0]->pick(tried)->addresses, std::vector<SocketAddress>{origin.address()});
  // A target that comes with a reload finds them too; and news reach those that are there.
  const auto next = registry.enter({spec({somewhere(1), origin.target("users.internal")})});
  registry.resolved("users.internal", {IpAddress::v4(127, 0, 0, 5)});
  Tried both = 1;
  EXPECT_EQ(next[0]->pick(both)->addresses, (std::vector{SocketAddress(IpAddress::v4(127, 0, 0, 5), origin.port())}));
  registry.leave(early);
  registry.leave(next);
}

}  // namespace
}  // namespace weir::upstream
