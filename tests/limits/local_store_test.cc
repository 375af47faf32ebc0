#include "limits/local_store.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace weir::limits {
namespace {

using ports::RateAsk;
using ports::RateLimit;

std::atomic<std::uint64_t> manual_now{1'000'000'000};
std::uint64_t manual_clock() noexcept { return manual_now.load(std::memory_order_relaxed); }
void pass(std::uint64_t us) { manual_now.fetch_add(us, std::memory_order_relaxed); }

RateLimit limit_of(std::string name, RateLimit::Kind kind = RateLimit::Kind::bucket, std::uint64_t most = 0) {
  RateLimit out;
  out.name = std::move(name);
  out.kind = kind;
  out.most = most;
  return out;
}

bool one(LocalStore& store, const RateLimit& limit, const Gcra& bucket, std::string_view key,
         std::string_view scope = {}) {
  RateAsk ask{.limit = &limit, .bucket = &bucket, .scope = scope, .key = key};
  store.take({&ask, 1});
  return ask.decision.allowed;
}

TEST(LocalStore, AdmitsBurstAndRateExactlyWithManyThreads) {
  // Real threads, a clock that the test moves: what may be admitted is known to the last request.
  LocalStore store(manual_clock);
  const RateLimit limit = limit_of("a");
  const Gcra bucket = *Gcra::make(1000, 1'000'000, 100);
  constexpr int kThreads = 8;
  std::atomic<std::uint64_t> admitted{0};
  const std::uint64_t start = manual_now;
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&] {
      std::uint64_t mine = 0;
      for (int i = 0; i < 40'000; ++i) {
        mine += one(store, limit, bucket, "caller") ? 1 : 0;
        if (i % 16 == 0) pass(13);
      }
      admitted += mine;
    });
  for (auto& thread : threads) thread.join();
  while (one(store, limit, bucket, "caller")) ++admitted;  // what is left at the end counts too
  const std::uint64_t passed = manual_now - start;
  EXPECT_EQ(admitted, 100 + passed * 1000 / 1'000'000);
}

TEST(LocalStore, ManyKeysWithManyThreadsAreExactToo) {
  LocalStore store(manual_clock);
  const RateLimit limit = limit_of("keys");
  const Gcra bucket = *Gcra::make(1, 1'000'000, 5);
  constexpr int kKeys = 2000;
  std::vector<std::atomic<int>> admitted(kKeys);
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&, t] {
      for (int round = 0; round < 8; ++round)
        for (int i = 0; i < kKeys; ++i) {
          const int k = (i * 7 + t * 131) % kKeys;
          if (one(store, limit, bucket, "key" + std::to_string(k))) ++admitted[static_cast<std::size_t>(k)];
        }
    });
  for (auto& thread : threads) thread.join();
  for (const auto& count : admitted) EXPECT_EQ(count, 5);
  EXPECT_EQ(store.evicted(), 0u);
}

TEST(LocalStore, NamesScopesAndKeysAreApart) {
  LocalStore store(manual_clock);
  const RateLimit a = limit_of("a"), b = limit_of("b");
  const Gcra bucket = *Gcra::make(1, 1'000'000, 1);
  EXPECT_TRUE(one(store, a, bucket, "x"));
  EXPECT_FALSE(one(store, a, bucket, "x"));
  EXPECT_TRUE(one(store, b, bucket, "x"));
  EXPECT_TRUE(one(store, a, bucket, "y"));
  EXPECT_TRUE(one(store, a, bucket, "x", "orders"));
  EXPECT_TRUE(one(store, a, bucket, "orders"));
  EXPECT_FALSE(one(store, a, bucket, "x", "orders"));
}

TEST(LocalStore, ABucketSurvivesAChangeOfItsRate) {
  LocalStore store(manual_clock);
  const RateLimit limit = limit_of("changing");
  const Gcra before = *Gcra::make(1, 1'000'000, 10), after = *Gcra::make(2, 1'000'000, 10);
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(one(store, limit, before, "x"));
  EXPECT_FALSE(one(store, limit, before, "x"));
  EXPECT_FALSE(one(store, limit, after, "x")) << "a reload gives nobody a new burst";
}

TEST(LocalStore, ARefusalTakesNothingFromTheOtherLimits) {
  LocalStore store(manual_clock);
  const RateLimit wide = limit_of("wide"), narrow = limit_of("narrow");
  const Gcra ten = *Gcra::make(10, 1'000'000, 10), two = *Gcra::make(2, 1'000'000, 2);
  const auto both = [&] {
    RateAsk asks[] = {{.limit = &wide, .bucket = &ten, .scope = {}, .key = "x"},
                      {.limit = &narrow, .bucket = &two, .scope = {}, .key = "x"}};
    store.take(asks);
    return asks[0].decision.allowed && asks[1].decision.allowed;
  };
  EXPECT_TRUE(both());
  EXPECT_TRUE(both());
  for (int i = 0; i < 50; ++i) EXPECT_FALSE(both());
  int left = 0;
  while (one(store, wide, ten, "x")) ++left;
  EXPECT_EQ(left, 8);
}

TEST(LocalStore, StaysBoundedUnderAFloodOfKeysAndKeepsWhoUsedMuch) {
  LocalStore store(manual_clock);
  const RateLimit limit = limit_of("flood");
  const Gcra bucket = *Gcra::make(1, 1'000'000, 100);
  int admitted = 0;
  for (int i = 0; i < 100; ++i) admitted += one(store, limit, bucket, "heavy") ? 1 : 0;
  EXPECT_EQ(admitted, 100);
  for (int i = 0; i < 1'000'000; ++i) one(store, limit, bucket, "new" + std::to_string(i));
  EXPECT_GT(store.evicted(), 500'000u);
  EXPECT_FALSE(one(store, limit, bucket, "heavy")) << "a flood of new keys must not give a spent bucket back";
}

TEST(LocalStore, DegradedIsHalfDividedByTheLiveInstances) {
  LocalStore store(manual_clock);
  const RateLimit limit = limit_of("away");
  const Gcra bucket = *Gcra::make(100, 1'000'000, 60);
  int admitted = 0;
  const auto ask = [&] {
    RateAsk one{.limit = &limit, .bucket = &bucket, .scope = {}, .key = "x"};
    store.decide_degraded(one, 3);
    EXPECT_TRUE(one.decision.degraded);
    return one.decision.allowed;
  };
  while (ask()) ++admitted;
  EXPECT_EQ(admitted, 10);
  for (int i = 0; i < 10'000; ++i) {
    pass(100);
    admitted += ask() ? 1 : 0;
  }
  EXPECT_EQ(admitted, 10 + 16) << "100/s in 6 parts for one second";
  EXPECT_TRUE(one(store, limit, bucket, "x")) << "apart from the bucket that counts alone";
}

TEST(LocalStore, SeatsAreCountedAndLeft) {
  LocalStore store(manual_clock);
  const RateLimit limit = limit_of("seats", RateLimit::Kind::concurrency, 3);
  std::vector<ports::RateStore::Seat> seats;
  RateAsk ask{.limit = &limit, .bucket = nullptr, .scope = {}, .key = "x"};
  for (int i = 0; i < 3; ++i) seats.push_back(store.enter(ask));
  EXPECT_EQ(ask.decision.remaining, 0u);
  EXPECT_EQ(store.enter(ask), nullptr);
  RateAsk other{.limit = &limit, .bucket = nullptr, .scope = {}, .key = "y"};
  const auto others = store.enter(other);
  EXPECT_NE(others, nullptr);
  store.leave(seats.back());
  store.sweep(0);
  seats.back() = store.enter(ask);
  EXPECT_NE(seats.back(), nullptr);
  EXPECT_EQ(store.enter(ask), nullptr) << "a sweep forgets nobody who sits";
}

TEST(LocalStore, SeatsNeverExceedTheLimitUnderAFloodOfKeys) {
  LocalStore store(manual_clock);
  const RateLimit limit = limit_of("crowd", RateLimit::Kind::concurrency, 1);
  std::vector<ports::RateStore::Seat> seats;
  for (int i = 0; i < 100'000; ++i) {
    const std::string key = "k" + std::to_string(i);
    RateAsk ask{.limit = &limit, .bucket = nullptr, .scope = {}, .key = key};
    if (const auto seat = store.enter(ask)) seats.push_back(seat);
    RateAsk again{.limit = &limit, .bucket = nullptr, .scope = {}, .key = key};
    EXPECT_EQ(store.enter(again), nullptr);
  }
  EXPECT_LE(seats.size(), 1u << 15);
  for (const auto seat : seats) store.leave(seat);
  RateAsk ask{.limit = &limit, .bucket = nullptr, .scope = {}, .key = "after"};
  EXPECT_NE(store.enter(ask), nullptr);
}

TEST(LocalStore, SeatsOfManyThreadsAreExact) {
  LocalStore store(manual_clock);
  const RateLimit limit = limit_of("threads", RateLimit::Kind::concurrency, 4);
  std::atomic<int> sitting{0}, most{0}, got{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 20'000; ++i) {
        RateAsk ask{.limit = &limit, .bucket = nullptr, .scope = {}, .key = "x"};
        const auto seat = store.enter(ask);
        if (seat == nullptr) continue;
        const int now = ++sitting;
        for (int seen = most; now > seen && !most.compare_exchange_weak(seen, now);) {
        }
        ++got;
        --sitting;
        store.leave(seat);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most, 4);
  EXPECT_GT(got, 0);
  std::vector<ports::RateStore::Seat> seats;
  RateAsk ask{.limit = &limit, .bucket = nullptr, .scope = {}, .key = "x"};
  while (const auto seat = store.enter(ask)) seats.push_back(seat);
  EXPECT_EQ(seats.size(), 4u) << "every seat was left once";
}

TEST(LocalStore, QuotasEndWithTheirPeriod) {
  LocalStore store(manual_clock);
  RateLimit limit = limit_of("quota", RateLimit::Kind::quota, 5);
  constexpr std::int64_t kNoon = 1'709'208'000;  // 2024-02-29T12:00:00Z
  RateAsk ask{.limit = &limit, .bucket = nullptr, .scope = {}, .key = "x", .cost = 1, .wall = kNoon};
  for (int i = 0; i < 5; ++i) {
    store.take({&ask, 1});
    EXPECT_TRUE(ask.decision.allowed);
    EXPECT_EQ(ask.decision.remaining, 4u - static_cast<unsigned>(i));
  }
  store.take({&ask, 1});
  EXPECT_FALSE(ask.decision.allowed);
  EXPECT_EQ(ask.decision.retry_after, std::uint64_t{12} * 3600 * 1'000'000);
  ask.wall = kNoon + 12 * 3600 - 1;
  store.take({&ask, 1});
  EXPECT_FALSE(ask.decision.allowed);
  ask.wall = kNoon + 12 * 3600;
  store.sweep(ask.wall);
  store.take({&ask, 1});
  EXPECT_TRUE(ask.decision.allowed);
}

// At midnight the workers' clocks are not one, and a clock may step back: neither gives a period twice.
TEST(LocalStore, AQuotaIsNotBegunAnewByWhoIsBehind) {
  for (const CalendarPeriod period : {CalendarPeriod::day, CalendarPeriod::month}) {
    LocalStore store(manual_clock);
    RateLimit limit = limit_of("quota", RateLimit::Kind::quota, 2);
    limit.period = period;
    constexpr std::int64_t kMidnight = 1'709'251'200;  // 2024-03-01T00:00:00Z
    RateAsk ask{.limit = &limit, .bucket = nullptr, .scope = {}, .key = "x", .cost = 1, .wall = kMidnight};
    const auto at = [&](std::int64_t wall) {
      ask.wall = wall;
      store.take({&ask, 1});
      return ask.decision.allowed;
    };
    EXPECT_TRUE(at(kMidnight));
    EXPECT_TRUE(at(kMidnight - 1));
    EXPECT_FALSE(at(kMidnight));
    EXPECT_FALSE(at(kMidnight - 1));
  }
}

}  // namespace
}  // namespace weir::limits
