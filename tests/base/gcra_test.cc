// Gcra against an exact token bucket: a level in p-ths of a token that grows by n each microsecond.
#include "base/gcra.h"

#include <gtest/gtest.h>

#include <random>

namespace weir {
namespace {

__extension__ using Wide = __int128;

// The model: nothing is rounded, nothing wraps.
class Model {
 public:
  explicit Model(const Gcra& bucket, std::uint64_t requests, std::uint64_t period)
      : n_(requests / std::gcd(requests, period)),
        p_(period / std::gcd(requests, period)),
        full_(p_ * static_cast<Wide>(bucket.burst())),
        level_(full_) {}

  struct Decision {
    bool allowed;
    std::uint64_t remaining, retry_after, full_after;
  };
  Decision take(std::uint64_t now, std::uint64_t cost) {
    if (now > last_) {
      level_ = std::min(full_, level_ + n_ * static_cast<Wide>(now - last_));
      last_ = now;
    }
    const Wide wanted = p_ * static_cast<Wide>(cost);
    const bool allowed = level_ >= wanted;
    const Wide missing = allowed ? 0 : wanted - level_;
    if (allowed) level_ -= wanted;
    return {allowed, static_cast<std::uint64_t>(level_ / p_), static_cast<std::uint64_t>((missing + n_ - 1) / n_),
            static_cast<std::uint64_t>((full_ - level_ + n_ - 1) / n_)};
  }
  void start(std::uint64_t now) { last_ = now; }

 private:
  Wide n_, p_, full_, level_;
  std::uint64_t last_ = 0;
};

struct Shape {
  std::uint64_t requests, period, burst;
};

void compare(const Shape& shape, std::mt19937_64& random, std::uint64_t start) {
  const auto bucket = Gcra::make(shape.requests, shape.period, shape.burst);
  ASSERT_TRUE(bucket) << shape.requests << "/" << shape.period << " burst " << shape.burst;
  Model model(*bucket, shape.requests, shape.period);
  model.start(start);
  std::uint64_t now = start;
  Stamp tat = Gcra::stamp(now);
  const std::uint64_t token = shape.period / shape.requests + 1;
  for (int i = 0; i < 400; ++i) {
    switch (random() % 8) {
      case 0:
        now += random() % (token * 3 + 2);
        break;
      case 1:
        now += random() % 3;
        break;
      case 2:
        now += token * (random() % (shape.burst + 2));
        break;
      default:
        break;
    }
    const std::uint64_t cost = random() % 4 == 0 ? 1 + random() % shape.burst : 1;
    const auto wanted = model.take(now, cost);
    const auto got = bucket->take(tat, now, cost);
    ASSERT_EQ(got.allowed, wanted.allowed)
        << i << " of " << shape.requests << "/" << shape.period << " burst " << shape.burst;
    ASSERT_EQ(got.remaining, wanted.remaining) << i;
    ASSERT_EQ(got.retry_after, wanted.retry_after) << i;
    ASSERT_EQ(got.full_after, wanted.full_after) << i;
    tat = got.next;
    // What comes too early by one microsecond is refused, and at that moment it passes.
    if (!got.allowed) {
      ASSERT_FALSE(bucket->take(tat, now + got.retry_after - 1, cost).allowed);
      ASSERT_TRUE(bucket->take(tat, now + got.retry_after, cost).allowed);
    }
  }
}

TEST(Gcra, DecidesAsAnExactTokenBucket) {
  std::mt19937_64 random(1);
  constexpr std::uint64_t kSecond = 1'000'000;
  const Shape written[] = {{100, kSecond, 100},
                           {10, 60 * kSecond, 10},
                           {3, kSecond, 7},
                           {1, 3600 * kSecond, 1},
                           {7, 3600 * kSecond, 3},
                           {999'983, kSecond, 50},
                           {1'000'000'000, kSecond, 1000},
                           {5000, 86'400 * kSecond, 20},
                           {1'000'003, 3600 * kSecond, 9},
                           {1, 86'400 * kSecond, 30},
                           {1, 1, 1},
                           {1'048'576, 3 * kSecond, 40}};
  for (const Shape& shape : written)
    for (int i = 0; i < 20; ++i) compare(shape, random, random() >> 24);
  for (int i = 0; i < 3000; ++i) {
    const std::uint64_t requests = 1 + random() % (random() % 2 != 0 ? 1'000'000 : 50);
    const std::uint64_t period = (1 + random() % 3600) * kSecond;
    compare({requests, period, 1 + random() % 60}, random, random() >> 24);
  }
}

TEST(Gcra, HoldsAcrossTheWrapOfItsStamps) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 500; ++i)
    compare({3, 1'000'000, 5}, random, (std::uint64_t{1} << 44) * 3 - random() % 3'000'000);
}

TEST(Gcra, AdmitsBurstAndRateAndNotOneMore) {
  const Gcra bucket = *Gcra::make(333, 1'000'000, 50);
  Stamp tat = Gcra::stamp(0);
  std::uint64_t admitted = 0, now = 0;
  for (; now < 10'000'000; now += 17) {
    const auto decision = bucket.take(tat, now, 1);
    tat = decision.next;
    admitted += decision.allowed ? 1 : 0;
  }
  EXPECT_EQ(admitted, 50 + (now - 17) * 333 / 1'000'000);
}

TEST(Gcra, RatesWithoutAnExactFormAreRoundedDown) {
  const Gcra bucket = *Gcra::make(999'999'937, 3'600'000'000, 1);  // prime
  EXPECT_EQ(bucket.parts(), Gcra::kMostParts);
  const double token = static_cast<double>(bucket.span(1).whole) + static_cast<double>(bucket.span(1).part) / 1048576;
  const double exact = 3'600'000'000.0 / 999'999'937.0;
  EXPECT_GE(token, exact);
  EXPECT_LT(token, exact * (1 + 1e-6));
}

TEST(Gcra, AClockThatGoesBackFillsNothing) {
  const Gcra bucket = *Gcra::make(1, 1'000'000, 2);
  Stamp tat = Gcra::stamp(5'000'000);
  for (int i = 0; i < 2; ++i) tat = bucket.take(tat, 5'000'000, 1).next;
  EXPECT_FALSE(bucket.take(tat, 4'000'000, 1).allowed);
  EXPECT_EQ(bucket.take(tat, 4'000'000, 1).next, tat);
  EXPECT_FALSE(bucket.take(tat, 5'999'999, 1).allowed);
  EXPECT_TRUE(bucket.take(tat, 6'000'000, 1).allowed);
}

TEST(Gcra, WhatIsGivenBackCanBeTakenAgainAndNoMore) {
  const Gcra bucket = *Gcra::make(3, 1'000'000, 4);
  Stamp tat = Gcra::stamp(100);
  for (int i = 0; i < 4; ++i) tat = bucket.take(tat, 100, 1).next;
  EXPECT_FALSE(bucket.take(tat, 100, 1).allowed);
  tat = bucket.give_back(tat, 100, 1);
  EXPECT_EQ(bucket.take(tat, 100, 1).remaining, 0u);
  EXPECT_TRUE(bucket.take(tat, 100, 1).allowed);
  tat = bucket.give_back(tat, 100, 9);
  EXPECT_EQ(bucket.take(tat, 100, 1).remaining, 3u);
}

TEST(Gcra, DividedKeepsItsScaleAndItsFloor) {
  const Gcra whole = *Gcra::make(100, 1'000'000, 200);
  const Gcra part = whole.divided(6);
  EXPECT_EQ(part.parts(), whole.parts());
  EXPECT_EQ(part.burst(), 33u);
  EXPECT_EQ(part.span(1).whole, 60'000u);
  const Gcra floor = whole.divided(100'000);
  EXPECT_EQ(floor.burst(), 1u);
  EXPECT_EQ(floor.span(1).whole, 1'000'000u) << "one per period";
  const Gcra monthly = *Gcra::make(2, Gcra::kLongestFill - 1, 1);
  EXPECT_EQ(monthly.divided(50).span(1).whole, Gcra::kLongestFill - 1);
}

TEST(Gcra, AnEmptyBucketIsTheEmptiestThereIs) {
  const Gcra large = *Gcra::make(1, 1'000'000, 1000), small = *Gcra::make(1, 1'000'000, 3);
  Stamp tat = Gcra::stamp(7);
  for (int i = 0; i < 1000; ++i) tat = large.take(tat, 7, 1).next;
  EXPECT_EQ(small.take(tat, 7, 1).retry_after, 1'000'000u) << "a config with a smaller burst locks nobody out";
  EXPECT_EQ(large.state(2'000'000, 0).remaining, 998u);
  EXPECT_EQ(large.state(2'000'000, 0).full_after, 2'000'000u);
}

TEST(Gcra, RefusesWhatItCannotKeep) {
  EXPECT_FALSE(Gcra::make(0, 1, 1));
  EXPECT_FALSE(Gcra::make(1, 0, 1));
  EXPECT_FALSE(Gcra::make(1, 1, 0));
  EXPECT_FALSE(Gcra::make(Gcra::kMostRequests + 1, 1'000'000, 1));
  EXPECT_FALSE(Gcra::make(1, std::uint64_t{86'400} * 1'000'000, 31)) << "31 days to fill";
  EXPECT_TRUE(Gcra::make(1, std::uint64_t{86'400} * 1'000'000, 30));
  const Gcra bucket = *Gcra::make(1, 1, 3);
  EXPECT_FALSE(bucket.take(Gcra::stamp(9), 9, 4).allowed);
}

}  // namespace
}  // namespace weir
