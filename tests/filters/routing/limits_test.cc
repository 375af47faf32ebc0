// rate_limit, quota, concurrency_limit and flood_guard: what they ask, and what they tell the client. The store is
// the one of the process; what it decides is tested in tests/limits.
#include <gtest/gtest.h>

#include "filters/pre_auth/specs.h"
#include "filters/routing/specs.h"
#include "limits/local_store.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

using pipeline::Verdict;

// A scene whose worker keeps limits.
struct Limits : Scene {
  explicit Limits(limits::LocalStore& store) { lease.services.rates = &store; }
  Limits& from(std::string_view address) {
    exchange.client = *IpAddress::parse(address);
    return *this;
  }
  Limits& as(std::string_view consumer, std::span<const std::string_view> groups = {}) {
    pipeline::Identity identity;
    identity.kind = pipeline::CredentialKind::api_key;
    identity.consumer = consumer;
    identity.groups = groups;
    exchange.auth.establish(identity);
    return *this;
  }
};

// The verdicts of one request each, with what the client is told.
std::string told(Limits& scene, const pipeline::Filter& filter) {
  const Verdict verdict = filter.on_request(scene.exchange);
  if (verdict.kind == Verdict::Kind::refuse) pipeline::refuse(scene.exchange, verdict.error);
  filter.on_response(scene.exchange);
  return std::string(refusal(verdict)) + " " + scene.response("RateLimit") + " " + scene.response("Retry-After");
}

TEST(RateLimit, IsPerConsumerAndAnonymousOnesPerAddress) {
  limits::LocalStore store;
  const auto& filter = *made(rate_limit_spec(), R"({"limits": [{"rate": "2/h", "name": "r"}]})");
  const auto passes_as = [&](std::string_view consumer, std::string_view address) {
    Limits scene(store);
    if (!consumer.empty()) scene.as(consumer);
    return passes(filter.on_request(scene.from(address).exchange));
  };
  EXPECT_TRUE(passes_as("ada", "192.0.2.1"));
  EXPECT_TRUE(passes_as("ada", "192.0.2.2"));
  EXPECT_FALSE(passes_as("ada", "192.0.2.3"));
  EXPECT_TRUE(passes_as("bob", "192.0.2.1"));
  EXPECT_TRUE(passes_as("", "192.0.2.1"));
  EXPECT_TRUE(passes_as("", "192.0.2.1"));
  EXPECT_FALSE(passes_as("", "192.0.2.1"));
  EXPECT_TRUE(passes_as("", "192.0.2.2"));
}

TEST(RateLimit, TellsWhatIsLeftAndWhenToComeAgain) {
  limits::LocalStore store;
  const auto& filter =
      *made(rate_limit_spec(), R"({"limits": [{"rate": "2/h", "name": "r"}], "legacy_headers": true})");
  Limits first(store), second(store), third(store);
  EXPECT_EQ(told(first, filter), " \"r\";r=1;t=1800 -");
  EXPECT_EQ(first.response("RateLimit-Policy"), "\"r\";q=2;w=3600");
  EXPECT_EQ(first.response("X-RateLimit-Remaining"), "1");
  EXPECT_EQ(told(second, filter), " \"r\";r=0;t=3600 -");
  EXPECT_EQ(told(third, filter), "rate_limited \"r\";r=0;t=1800 1800");
  EXPECT_EQ(third.response("X-RateLimit-Reset"), "1800");
  EXPECT_EQ(third.exchange.limited.refused_by(), "r");
  EXPECT_NE(third.exchange.answer.find("\"violated-policies\":[\"r\"]"), std::string_view::npos);
}

TEST(RateLimit, SeveralAreAllEnforcedAndToldInOneField) {
  limits::LocalStore store;
  const auto& filter = *made(rate_limit_spec(), R"({"limits": [{"rate": "3/h", "key": "ip", "name": "a"},
                                                              {"rate": "1/h", "key": "header:X-T", "name": "b"}]})");
  Limits first(store), second(store), third(store);
  first.header("X-T", "1");
  second.header("X-T", "1");
  third.header("X-T", "2");
  told(first, filter);
  EXPECT_EQ(first.response("RateLimit"), "\"a\";r=2;t=1200, \"b\";r=0;t=3600");
  EXPECT_EQ(told(second, filter).substr(0, 12), "rate_limited");
  told(third, filter);
  EXPECT_EQ(third.response("RateLimit"), "\"a\";r=1;t=2400, \"b\";r=0;t=3600") << "the refusal took nothing from a";
}

constexpr std::string_view kGold[] = {"gold"}, kBoth[] = {"gold", "eu", "gold"}, kEu[] = {"eu"};

TEST(RateLimit, ByGroupARequestCountsInEachOfThemAndTheStrictestAnswers) {
  limits::LocalStore store;
  const auto& filter = *made(rate_limit_spec(), R"({"limits": [{"rate": "3/h", "key": "group", "name": "g"}]})");
  const auto ask = [&](std::string_view who, std::span<const std::string_view> groups) {
    Limits scene(store);
    scene.as(who, groups);
    return told(scene, filter).substr(0, 24);
  };
  EXPECT_EQ(ask("ada", kGold), " \"g\";r=2;t=1200 -");
  EXPECT_EQ(ask("bob", kBoth), " \"g\";r=1;t=2400 -") << "gold has two of three used, eu one";
  EXPECT_EQ(ask("bob", kBoth), " \"g\";r=0;t=3600 -") << "gold, named twice, was charged once";
  EXPECT_EQ(ask("bob", kBoth), "rate_limited \"g\";r=0;t=1");
  EXPECT_EQ(ask("eve", kEu), " \"g\";r=0;t=3600 -") << "what gold refused took nothing from eu";
  EXPECT_EQ(ask("eve", kEu), "rate_limited \"g\";r=0;t=1");
  EXPECT_EQ(ask("dan", {}), " \"g\";r=2;t=1200 -") << "in no group: by address";
}

TEST(RateLimit, OfMoreGroupsThanCountTheFirstSixteenDo) {
  limits::LocalStore store;
  const auto& filter = *made(rate_limit_spec(), R"({"limits": [{"rate": "1/h", "key": "group", "name": "g"}]})");
  std::vector<std::string> names;
  for (int i = 0; i < 40; ++i) names.push_back("group-" + std::to_string(i));
  const std::vector<std::string_view> all(names.begin(), names.end());
  const auto passes_as = [&](std::span<const std::string_view> groups) {
    Limits scene(store);
    scene.as("ada", groups);
    const bool out = passes(filter.on_request(scene.exchange));
    EXPECT_EQ(scene.exchange.limited.entries().size(), 1u) << "one limit, told once";
    return out;
  };
  EXPECT_TRUE(passes_as(all));
  EXPECT_FALSE(passes_as({&all[15], 1}));
  EXPECT_TRUE(passes_as({&all[16], 1}));
}

TEST(Quota, ByGroupCountsInEachOfThem) {
  limits::LocalStore store;
  const auto& filter =
      *made(quota_spec(), R"({"most": 2, "per": "day", "key": "group", "name": "q", "mode": "redis"})");
  const auto passes_as = [&](std::span<const std::string_view> groups) {
    Limits scene(store);
    scene.as("ada", groups);
    return passes(filter.on_request(scene.exchange));
  };
  EXPECT_TRUE(passes_as(kBoth));
  EXPECT_TRUE(passes_as(kGold));
  EXPECT_FALSE(passes_as(kBoth));
  EXPECT_TRUE(passes_as(kEu));
  EXPECT_FALSE(passes_as(kEu));
}

TEST(ConcurrencyLimit, ByGroupASeatIsTakenInEachAndLeftInEach) {
  limits::LocalStore store;
  const auto& filter = *made(concurrency_limit_spec(), R"({"most": 1, "key": "group", "name": "c"})");
  Limits both(store), gold(store), eu(store), again(store);
  EXPECT_TRUE(passes(filter.on_request(gold.as("ada", kGold).exchange)));
  EXPECT_FALSE(passes(filter.on_request(both.as("bob", kBoth).exchange))) << "gold is taken";
  EXPECT_TRUE(passes(filter.on_request(eu.as("eve", kEu).exchange))) << "and the refused one holds no seat of eu";
  filter.on_finish(gold.exchange);
  filter.on_finish(both.exchange);
  filter.on_finish(eu.exchange);
  EXPECT_TRUE(passes(filter.on_request(again.as("bob", kBoth).exchange)));
  filter.on_finish(again.exchange);
}

TEST(RateLimit, AHeaderThatComesTwiceChoosesNeitherOfItsValues) {
  limits::LocalStore store;
  const auto& filter =
      *made(rate_limit_spec(), R"({"limits": [{"rate": "1/h", "key": "header:X-Tenant", "name": "t"}]})");
  const auto passes_with = [&](std::initializer_list<std::string_view> values) {
    Limits scene(store);
    for (const std::string_view value : values) scene.header("x-tenant", value);
    return passes(filter.on_request(scene.exchange));
  };
  EXPECT_TRUE(passes_with({"a", "b"}));
  EXPECT_FALSE(passes_with({"a", "b"}));
  EXPECT_FALSE(passes_with({"a, b"})) << "the same by RFC 9110";
  EXPECT_TRUE(passes_with({"a"})) << "nobody else's bucket was used";
  EXPECT_TRUE(passes_with({"b"}));
  EXPECT_TRUE(passes_with({"b", "a"}));
  EXPECT_FALSE(passes_with({"b", "a"}));
}

TEST(RateLimit, EnforcesTheRoutesColumn) {
  limits::LocalStore store;
  const auto& filter = *made(rate_limit_spec());
  const auto ask = [&](std::string_view route) {
    Limits scene(store);
    scene.matched();
    scene.route.id = route;
    scene.route.rate_bucket = *Gcra::make(1, 3'600'000'000, 1);
    return passes(filter.on_request(scene.exchange));
  };
  EXPECT_TRUE(ask("a"));
  EXPECT_FALSE(ask("a"));
  EXPECT_TRUE(ask("b")) << "each route has its own";
  Limits without(store);
  EXPECT_TRUE(passes(filter.on_request(without.matched().exchange)));
  EXPECT_EQ(without.exchange.limited.entries().size(), 0u);
}

TEST(RateLimit, WithoutANameEachRouteCountsForItself) {
  limits::LocalStore store;
  const auto ask = [&](const pipeline::Filter& filter, std::string_view route) {
    Limits scene(store);
    scene.matched();
    scene.route.id = route;
    return passes(filter.on_request(scene.exchange));
  };
  const auto& own = *made(rate_limit_spec(), R"({"limits": [{"rate": "1/h"}]})");
  EXPECT_TRUE(ask(own, "a") && ask(own, "b"));
  EXPECT_FALSE(ask(own, "a"));
  const auto& named = *made(rate_limit_spec(), R"({"limits": [{"rate": "1/h", "name": "one"}]})");
  EXPECT_TRUE(ask(named, "a"));
  EXPECT_FALSE(ask(named, "b"));
}

TEST(RateLimit, Mistakes) {
  EXPECT_EQ(mistakes(rate_limit_spec(), R"({"limits": [{"rate": "1/s"}, {"rate": "1/s"}]})"),
            "limits[1].rate: is the second limit \"consumer:1/s\" of this filter; give it a name of its own, or keep "
            "one of the two");
  EXPECT_EQ(mistakes(rate_limit_spec(), R"({"limits": [{"rate": "1/d", "burst": 40}]})").substr(0, 16),
            "limits[0].burst:");
  EXPECT_NE(mistakes(rate_limit_spec(), R"({"limits": [{"rate": "fast"}]})"), "");
  EXPECT_NE(mistakes(rate_limit_spec(), R"({"limits": [{"rate": "1/s", "key": "header:"}]})"), "");
  EXPECT_EQ(mistakes(rate_limit_spec(), R"({"limits": [{"rate": {"requests": 7, "per": "90s"}}]})"), "");
}

TEST(FloodGuard, CountsAddressesAndIpv6By64) {
  limits::LocalStore store;
  const auto& filter = *made(flood_guard_spec(), R"({"rate": "2/h"})");
  const auto ask = [&](std::string_view address) {
    Limits scene(store);
    return passes(filter.on_request(scene.from(address).exchange));
  };
  EXPECT_TRUE(ask("2001:db8:0:1::1") && ask("2001:db8:0:1:ffff::2"));
  EXPECT_FALSE(ask("2001:db8:0:1:1:2:3:4"));
  EXPECT_TRUE(ask("2001:db8:0:2::1"));
  EXPECT_TRUE(ask("192.0.2.1") && ask("192.0.2.2"));
  EXPECT_TRUE(ask("::ffff:192.0.2.1")) << "the same address, its second request";
  EXPECT_FALSE(ask("192.0.2.1"));
}

TEST(FloodGuard, TellsOnlyWhomItRefuses) {
  limits::LocalStore store;
  const auto& filter = *made(flood_guard_spec(), R"({"rate": "1/h"})");
  Limits first(store), second(store);
  EXPECT_EQ(told(first, filter), " - -");
  EXPECT_EQ(told(second, filter), "flooded \"flood_guard\";r=0;t=3600 3600");
}

TEST(ConcurrencyLimit, SeatsAreLeftOnceAtTheEnd) {
  limits::LocalStore store;
  const auto& filter = *made(concurrency_limit_spec(), R"({"most": 2})");
  Limits first(store), second(store), third(store), fourth(store);
  EXPECT_TRUE(passes(filter.on_request(first.exchange)) && passes(filter.on_request(second.exchange)));
  EXPECT_EQ(told(third, filter), "concurrency_limited \"concurrency:consumer\";r=0 1");
  filter.on_finish(third.exchange);
  filter.on_finish(first.exchange);
  filter.on_finish(first.exchange);
  EXPECT_EQ(told(fourth, filter), " \"concurrency:consumer\";r=0 -");
  EXPECT_EQ(fourth.response("RateLimit-Policy"), "\"concurrency:consumer\";q=2;qu=\"concurrent-requests\"");
  Limits fifth(store);
  EXPECT_FALSE(passes(filter.on_request(fifth.exchange))) << "one seat came back, not two";
}

TEST(Quota, EndsWithItsDay) {
  limits::LocalStore store;
  const auto& filter = *made(quota_spec(), R"({"most": 1, "per": "day", "begins": "-02:00"})");
  // The scene's clock is 2026-02-28T23:59:59Z: two hours and a second before midnight at -02:00.
  Limits first(store), second(store), next_day(store);
  EXPECT_EQ(told(first, filter), " \"quota:consumer:day\";r=0;t=7201 -");
  EXPECT_EQ(first.response("RateLimit-Policy"), "\"quota:consumer:day\";q=1;w=86400");
  EXPECT_EQ(told(second, filter), "quota_exceeded \"quota:consumer:day\";r=0;t=7201 7201");
  next_day.exchange.wall_started_us += std::int64_t{7201} * 1'000'000;
  EXPECT_EQ(told(next_day, filter), " \"quota:consumer:day\";r=0;t=86400 -");
}

TEST(Limits, WithoutAStoreNobodyPassesUnlimited) {
  Scene scene;
  EXPECT_EQ(refusal(made(flood_guard_spec(), R"({"rate": "1/h"})")->on_request(scene.exchange)), "internal");
}

}  // namespace
}  // namespace weir::filters
