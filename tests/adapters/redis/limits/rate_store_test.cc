// Limits in a real Redis: exact to the last token, and what is decided when Redis cannot be asked.
#include "adapters/redis/limits/rate_store.h"

#include <charconv>

#include "tests/adapters/redis/server.h"

namespace weir::adapters::redis {
namespace {

using ports::RateAsk;
using ports::RateLimit;
using ports::RateMode;
using std::chrono::milliseconds;

RateLimit limit_of(std::string name, RateMode mode, RateLimit::Kind kind = RateLimit::Kind::bucket,
                   std::uint64_t most = 0) {
  RateLimit out;
  out.name = std::move(name);
  out.mode = mode;
  out.kind = kind;
  out.most = most;
  return out;
}

// A store on a bench's loop. Decisions as a filter asks for them.
struct Shop {
  explicit Shop(Bench& on, std::uint32_t workers = 1)
      : bench(on), store(*on.client, scripts, local, instances, workers) {}
  ~Shop() {
    store.end();
    bench.until([&] { return store.ended(); });
  }

  static io::Task<void> ask_all(RateStore& store, std::span<RateAsk> asks) {
    if (!store.take(asks)) co_await store.take_waiting(asks);
  }
  void take(std::span<RateAsk> asks) {
    bench.group.spawn(ask_all(store, asks));
    ASSERT_TRUE(bench.until([&] { return bench.group.running() == 0; }));
  }
  ports::RateDecision take(const RateLimit& limit, const Gcra& bucket, std::string_view key = "k") {
    RateAsk ask{.limit = &limit, .bucket = &bucket, .key = key};
    take({&ask, 1});
    return ask.decision;
  }
  ports::RateDecision use(const RateLimit& limit, std::int64_t wall) {
    RateAsk ask{.limit = &limit, .key = "k", .wall = wall};
    take({&ask, 1});
    return ask.decision;
  }

  Bench& bench;
  RateScripts scripts;
  limits::LocalStore local;
  limits::Instances instances;
  RateStore store;
};

std::string only_key(Bench& bench, std::string_view pattern) {
  const Answer keys = bench.call({"KEYS", pattern});
  EXPECT_EQ(keys->size(), 1u);
  return std::string((*keys)[0].text());
}

// "W:P" in n-ths of a microsecond.
std::uint64_t tat(Bench& bench, const std::string& key, std::uint64_t n) {
  const Answer value = bench.call({"GET", key});
  const std::string_view text = value->text();
  std::uint64_t whole = 0, part = 0;
  const auto colon = text.find(':');
  std::from_chars(text.data(), text.data() + colon, whole);
  std::from_chars(text.data() + colon + 1, text.data() + text.size(), part);
  return whole * n + part;
}

TEST(RateStore, IsExactToTheLastToken) {
  Server server;
  Bench one(Bench::to(server)), other(Bench::to(server));
  ASSERT_TRUE(one.connected() && other.connected());
  Shop a(one), b(other);
  const RateLimit limit = limit_of("exact", RateMode::redis);
  constexpr std::uint64_t kBurst = 15'540, kTaken = kBurst - 44;
  const Gcra bucket = *Gcra::make(777, 1'000'000, kBurst);  // a token is 1287 µs and one 777th
  // The count begins when most of the burst is gone. A bucket that is nearly full would be full again, and its TAT
  // begin anew, after a pause; for this one it would have to be one of 20 s.
  RateAsk most = {.limit = &limit, .bucket = &bucket, .key = "k", .cost = kTaken};
  a.take({&most, 1});
  ASSERT_TRUE(most.decision.allowed);
  const std::string key = only_key(one, "weir:r:*");
  const std::uint64_t n = bucket.parts(), token = bucket.span(1).whole * n + bucket.span(1).part;
  const std::uint64_t start = tat(one, key, n) - kTaken * token;
  std::uint64_t admitted = kTaken;
  std::array<RateAsk, 64> asks;
  for (int round = 0; round < 60; ++round) {
    Shop& shop = round % 2 == 0 ? a : b;
    for (RateAsk& ask : asks) {
      ask = {.limit = &limit, .bucket = &bucket, .key = "k"};
      shop.bench.group.spawn(Shop::ask_all(shop.store, {&ask, 1}));
    }
    ASSERT_TRUE(shop.bench.until([&] { return shop.bench.group.running() == 0; }));
    for (const RateAsk& ask : asks) {
      EXPECT_TRUE(ask.decision.made && !ask.decision.degraded);
      admitted += ask.decision.allowed ? 1 : 0;
    }
  }
  while (b.take(limit, bucket).allowed) ++admitted;
  // Every admission moved the TAT by one token, and the bucket is empty: burst + rate * t, error 0.
  EXPECT_EQ(tat(one, key, n), start + admitted * token);
  EXPECT_GE(admitted, kBurst);
  const ports::RateDecision refused = a.take(limit, bucket);
  if (!refused.allowed) EXPECT_LE(refused.retry_after, 1288u);
}

TEST(RateStore, SaysTheSameAsTheArithmetic) {
  Server server;
  Bench bench(Bench::to(server));
  ASSERT_TRUE(bench.connected());
  Shop shop(bench);
  const RateLimit limit = limit_of("slow", RateMode::redis);
  const Gcra bucket = *Gcra::make(1, 3'600'000'000, 3);
  for (int left = 2; left >= 0; --left) {
    const auto decision = shop.take(limit, bucket);
    EXPECT_TRUE(decision.allowed);
    EXPECT_EQ(decision.remaining, static_cast<std::uint64_t>(left));
  }
  const auto refused = shop.take(limit, bucket);
  EXPECT_FALSE(refused.allowed);
  EXPECT_LE(refused.retry_after, 3'600'000'000u);
  EXPECT_GT(refused.retry_after, 3'590'000'000u);
  EXPECT_GT(refused.reset_after, 3 * 3'590'000'000u);
  EXPECT_GT(bench.call({"PTTL", only_key(bench, "weir:r:slow:*")})->integer(), 0);
  EXPECT_TRUE(shop.take(limit, bucket, "another").allowed);
}

TEST(RateStore, AskedTogetherAStricterLimitTakesNothingFromTheOthers) {
  Server server;
  Bench bench(Bench::to(server));
  ASSERT_TRUE(bench.connected());
  Shop shop(bench);
  const RateLimit wide = limit_of("wide", RateMode::redis), narrow = limit_of("narrow", RateMode::redis),
                  here = limit_of("here", RateMode::local);
  const Gcra hundred = *Gcra::make(1, 3'600'000'000, 100), two = *Gcra::make(1, 3'600'000'000, 2);
  const auto all = [&] {
    RateAsk asks[] = {{.limit = &wide, .bucket = &hundred, .key = "k"},
                      {.limit = &narrow, .bucket = &two, .key = "k"},
                      {.limit = &here, .bucket = &hundred, .key = "k"}};
    shop.take(asks);
    return asks[0].decision.allowed && asks[1].decision.allowed && asks[2].decision.allowed;
  };
  all();
  const std::uint64_t writes = bench.client->counters().writes;
  EXPECT_TRUE(all());
  EXPECT_EQ(bench.client->counters().writes - writes, 1u) << "both in one write";
  for (int i = 0; i < 20; ++i) EXPECT_FALSE(all());
  EXPECT_TRUE(bench.until([&] { return shop.take(wide, hundred).remaining == 97; })) << "given back";
  EXPECT_EQ(shop.take(here, hundred).remaining, 97u);
}

TEST(RateStore, AKeyThatHoldsSomethingElseIsDeletedAndDecidedHere) {
  Server server;
  Bench bench(Bench::to(server));
  ASSERT_TRUE(bench.connected());
  Shop shop(bench);
  const RateLimit limit = limit_of("spoilt", RateMode::redis);
  const Gcra bucket = *Gcra::make(100, 1'000'000, 100);
  shop.take(limit, bucket);
  const std::string key = only_key(bench, "weir:r:*");
  bench.call({"DEL", key});
  bench.call({"LPUSH", key, "x"});
  const auto decision = shop.take(limit, bucket);
  EXPECT_TRUE(decision.allowed && decision.degraded);
  EXPECT_EQ(shop.store.counters().wrong_type, 1u);
  EXPECT_TRUE(bench.until([&] { return bench.call({"EXISTS", key})->integer() == 0; }));
  EXPECT_FALSE(shop.take(limit, bucket).degraded);
  // So is text that is no bucket.
  for (const char* text : {"what is this", "", "1", "1:", "-1:0", "99999999999999999999999999"}) {
    const auto before = shop.store.counters().wrong_type;
    bench.call({"SET", key, text});
    EXPECT_TRUE(shop.take(limit, bucket).degraded) << text;
    EXPECT_EQ(shop.store.counters().wrong_type, before + 1) << text;
    EXPECT_TRUE(bench.until([&] { return bench.call({"EXISTS", key})->integer() == 0; })) << text;
    EXPECT_FALSE(shop.take(limit, bucket).degraded) << text;
  }
}

TEST(RateStore, AQuotaThatIsNoCountIsDeletedCountedAndDecidedHere) {
  Server server;
  Bench bench(Bench::to(server));
  ASSERT_TRUE(bench.connected());
  Shop shop(bench);
  RateLimit limit = limit_of("odd", RateMode::redis);
  limit.kind = RateLimit::Kind::quota;
  limit.most = 1000;
  const auto take = [&] {
    RateAsk ask{.limit = &limit, .key = "k", .wall = std::time(nullptr)};
    shop.take({&ask, 1});
    return ask.decision;
  };
  EXPECT_FALSE(take().degraded);
  const std::string key = only_key(bench, "weir:q:*");
  std::uint64_t seen = 0;
  const auto is_mended = [&](const char* what) {
    const auto decision = take();
    EXPECT_TRUE(decision.allowed && decision.degraded) << what;
    EXPECT_EQ(shop.store.counters().wrong_type, ++seen) << what;
    EXPECT_TRUE(bench.until([&] { return bench.call({"EXISTS", key})->integer() == 0; })) << what;
    EXPECT_FALSE(take().degraded) << what;
  };
  for (const char* text : {"many", "", "1.5", "0x10", "9223372036854775807", "12 "}) {
    bench.call({"SET", key, text});
    is_mended(text);
  }
  bench.call({"DEL", key});
  bench.call({"LPUSH", key, "x"});
  is_mended("a list");
  // What was let through meanwhile is charged: one before each mending, and one for each of the others.
  const auto last = take();
  EXPECT_FALSE(last.degraded);
  EXPECT_EQ(std::to_string(1000 - last.remaining), bench.call({"GET", key})->text());
}

TEST(RateStore, AFlushForgetsScriptsAndBucketsAndIsNoOutage) {
  Server server;
  Bench bench(Bench::to(server));
  ASSERT_TRUE(bench.connected());
  Shop shop(bench);
  const RateLimit limit = limit_of("flush", RateMode::redis);
  const Gcra bucket = *Gcra::make(1, 3'600'000'000, 2);
  EXPECT_FALSE(shop.take(limit, bucket).degraded);
  bench.call({"SCRIPT", "FLUSH"});
  EXPECT_FALSE(shop.take(limit, bucket).degraded);
  bench.call({"FLUSHALL"});
  EXPECT_FALSE(shop.take(limit, bucket).degraded);
  EXPECT_EQ(shop.take(limit, bucket).remaining, 0u);
}

TEST(RateStore, WithoutRedisHalfIsDecidedHereAtOnceAndExactlyAgainAfterwards) {
  Server server;
  Bench bench(Bench::to(server));
  ASSERT_TRUE(bench.connected());
  Shop shop(bench);
  shop.instances.remembered(2);
  const RateLimit limit = limit_of("away", RateMode::redis);
  const Gcra bucket = *Gcra::make(1, 3'600'000'000, 100);
  EXPECT_FALSE(shop.take(limit, bucket).degraded);
  server.signal(SIGSTOP);
  int admitted = 0, slow = 0;
  for (int i = 0; i < 500; ++i) {
    const auto begun = io::Clock::now();
    const auto decision = shop.take(limit, bucket);
    slow += io::Clock::now() - begun > milliseconds(50) ? 1 : 0;
    EXPECT_TRUE(decision.degraded);
    admitted += decision.allowed ? 1 : 0;
  }
  EXPECT_LE(slow, 10) << "until the breaker opens, each waits for its whole budget; then nobody does";
  EXPECT_EQ(admitted, 25) << "half of 100 among two instances";
  EXPECT_TRUE(shop.store.counters().degraded);
  server.signal(SIGCONT);
  const auto begun = io::Clock::now();
  EXPECT_TRUE(bench.until([&] { return !shop.take(limit, bucket).degraded; }));
  EXPECT_LT(io::Clock::now() - begun, milliseconds(2000));
}

TEST(RateStore, LeasesAskSeldomAndNeverOvershootWhatWasLeased) {
  Server server;
  Bench one(Bench::to(server)), other(Bench::to(server));
  ASSERT_TRUE(one.connected() && other.connected());
  std::uint64_t admitted = 0;
  const Gcra bucket = *Gcra::make(1, 100'000'000, 10'000);
  const RateLimit limit = limit_of("lease", RateMode::lease);
  {
    Shop a(one, 2), b(other, 2);
    a.instances.remembered(2);
    b.instances.remembered(2);
    for (int i = 0; i < 5000; ++i) admitted += (i % 3 == 0 ? b : a).take(limit, bucket).allowed ? 1 : 0;
    EXPECT_EQ(admitted, 5000u);
    const std::uint64_t calls = one.client->counters().calls + other.client->counters().calls;
    EXPECT_LT(calls, 500u) << "a tenth of the decisions at most";
    EXPECT_LE(a.store.counters().leased + b.store.counters().leased - admitted, 5000u);
    for (int i = 0; i < 2500; ++i) admitted += (i % 2 == 0 ? b : a).take(limit, bucket).allowed ? 1 : 0;
    a.store.end();
    b.store.end();
    EXPECT_TRUE(one.until([&] { return a.store.ended(); }) && other.until([&] { return b.store.ended(); }));
  }
  EXPECT_EQ(admitted, 7500u);
  Shop after(one);
  const RateLimit same = limit_of("lease", RateMode::redis);
  EXPECT_EQ(after.take(same, bucket).remaining, 2499u) << "every token leased was spent or went back";
  std::uint64_t rest = 0;
  while (after.take(limit, bucket).allowed) ++rest;
  EXPECT_EQ(rest, 2499u) << "and leases get all there is";
}

TEST(RateStore, WhatWasAdmittedWithoutRedisIsChargedToTheLease) {
  Server server;
  Bench bench(Bench::to(server));
  ASSERT_TRUE(bench.connected());
  Shop shop(bench);
  const RateLimit limit = limit_of("debt", RateMode::lease);
  const Gcra bucket = *Gcra::make(1, 3'600'000'000, 100);
  server.signal(SIGSTOP);
  int admitted = 0;
  for (int i = 0; i < 200; ++i) admitted += shop.take(limit, bucket).allowed ? 1 : 0;
  EXPECT_EQ(admitted, 50);
  server.signal(SIGCONT);
  EXPECT_TRUE(bench.until([&] { return !shop.take(limit, bucket).degraded; }));
  for (int i = 0; i < 300; ++i) admitted += shop.take(limit, bucket).allowed ? 1 : 0;
  EXPECT_LE(admitted, 100) << "the outage was not free";
}

TEST(RateStore, QuotasAreCountedTogetherAndDebtsToo) {
  Server server;
  Bench one(Bench::to(server)), other(Bench::to(server));
  ASSERT_TRUE(one.connected() && other.connected());
  Shop a(one), b(other);
  const RateLimit limit = limit_of("month", RateMode::redis, RateLimit::Kind::quota, 10);
  const std::int64_t wall = std::time(nullptr);
  int admitted = 0;
  for (int i = 0; i < 4; ++i) admitted += (i % 2 == 0 ? a : b).use(limit, wall).allowed ? 1 : 0;
  EXPECT_EQ(admitted, 4);
  EXPECT_GT(one.call({"PTTL", only_key(one, "weir:q:*")})->integer(), 0);
  server.signal(SIGSTOP);
  for (int i = 0; i < 20; ++i) admitted += a.use(limit, wall).allowed ? 1 : 0;
  EXPECT_EQ(admitted, 9) << "half of ten, here";
  server.signal(SIGCONT);
  EXPECT_TRUE(one.until([&] { return !a.use(limit, wall).degraded; }));
  EXPECT_TRUE(other.until([&] { return !b.use(limit, wall).degraded; }));
  EXPECT_FALSE(b.use(limit, wall).allowed);
  EXPECT_FALSE(a.use(limit, wall).allowed);
}

}  // namespace
}  // namespace weir::adapters::redis
