#include "limits/lease_book.h"

#include <gtest/gtest.h>

#include <random>
#include <vector>

#include "limits/instances.h"

namespace weir::limits {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;

// What Redis does, in this process.
struct SharedBucket {
  Gcra bucket;
  Stamp tat = 0;
  std::uint64_t lease(std::uint64_t want, std::uint64_t now, std::uint64_t& available, std::uint64_t& late) {
    std::uint64_t got = 0;
    for (; got < want; ++got) {
      const auto decision = bucket.take(tat, now, 1);
      if (!decision.allowed) break;
      tat = decision.next;
    }
    const auto next = bucket.take(tat, now, 1);
    available = next.allowed ? next.remaining + 1 : 0;
    late = next.retry_after;
    return got;
  }
};

TEST(LeaseBook, OvershootIsAtMostWhatIsLeasedOut) {
  // 3 instances of 2 workers, callers that come in waves: over no stretch of time is more admitted than the bucket
  // lets through and what was leased out when it began; and never is more leased out than the stated bound.
  constexpr int kWorkers = 6;
  std::mt19937_64 random(3);
  for (int run = 0; run < 20; ++run) {
    SharedBucket shared{*Gcra::make(1 + random() % 2000, kSecond, 1 + random() % 500)};
    const std::uint64_t most = LeaseBook::most(shared.bucket, 3, 2);
    const std::uint64_t bound = std::max<std::uint64_t>(shared.bucket.burst() / 2, 2 * kWorkers);
    std::vector<LeaseBook> books(kWorkers);
    std::uint64_t now = kSecond, admitted = 0, at_mark = 0, mark = now, held_at_mark = 0;
    shared.tat = Gcra::stamp(now);
    const auto held = [&] {
      std::uint64_t out = 0;
      for (const auto& book : books) out += book.outstanding();
      return out;
    };
    for (int i = 0; i < 30'000; ++i) {
      now += random() % 700;
      LeaseBook& book = books[random() % kWorkers];
      LeaseBook::Lease* lease = book.find(1);
      if (lease == nullptr) lease = book.open(1, "k", shared.bucket);
      const auto fetch = [&] {
        std::uint64_t available = 0, late = 0;
        const auto got = shared.lease(LeaseBook::wanted(*lease, most, now), now, available, late);
        LeaseBook::granted(*lease, got, available, late, now);
      };
      if (lease->tokens == 0 && now >= lease->empty_until) fetch();
      admitted += lease->spend() ? 1 : 0;
      if (lease->tokens != 0 && lease->wants_more()) fetch();
      ASSERT_LE(held(), bound) << "burst " << shared.bucket.burst();
      if (i % 100 == 0)
        book.sweep(now, [&](LeaseBook::Lease& unused, std::uint64_t tokens) {
          shared.tat = unused.bucket.give_back(shared.tat, now, tokens);
        });
      const std::uint64_t lets_through =
          shared.bucket.burst() + (now - mark) * shared.bucket.requests() / shared.bucket.period() + 1;
      ASSERT_LE(admitted - at_mark, lets_through + held_at_mark);
      if (random() % 5000 == 0) {
        mark = now;
        at_mark = admitted;
        held_at_mark = held();
      }
    }
  }
}

TEST(LeaseBook, ABlockGrowsWithUseUpToItsBound) {
  LeaseBook book;
  LeaseBook::Lease& lease = *book.open(1, "k", *Gcra::make(10'000, kSecond, 10'000));
  std::uint64_t now = kSecond;
  const std::uint64_t most = LeaseBook::most(lease.bucket, 1, 2);
  EXPECT_EQ(most, 1250u);
  std::uint64_t last = 0;
  for (int i = 0; i < 30; ++i) {
    last = LeaseBook::wanted(lease, most, now);
    LeaseBook::granted(lease, last, 0, 0, now);
    now += 10'000;
  }
  EXPECT_EQ(last, most);
  for (int i = 0; i < 30; ++i) {
    now += kSecond;
    last = LeaseBook::wanted(lease, most, now);
    LeaseBook::granted(lease, last, 0, 0, now);
  }
  EXPECT_EQ(last, 1u);
}

TEST(LeaseBook, UnusedTokensGoBackOnceAndDebtsStay) {
  LeaseBook book;
  LeaseBook::Lease& lease = *book.open(1, "k", *Gcra::make(10, kSecond, 50));
  LeaseBook::granted(lease, 5, 0, 0, 0);
  std::uint64_t back = 0;
  const auto give = [&](LeaseBook::Lease&, std::uint64_t tokens) { back += tokens; };
  lease.spend();
  book.sweep(LeaseBook::kUnused - 1, give);
  EXPECT_EQ(back, 0u);
  lease.owe(100, LeaseBook::kUnused);
  EXPECT_EQ(lease.debt, 50u) << "an empty bucket is the most anybody can owe";
  book.sweep(LeaseBook::kUnused, give);
  EXPECT_EQ(back, 4u);
  book.sweep(LeaseBook::kUnused + 1, give);
  EXPECT_EQ(back, 4u);
  ASSERT_EQ(book.size(), 1u) << "the debt is still to be charged";
  book.sweep(LeaseBook::kUnused + 5 * kSecond, give);
  EXPECT_EQ(book.size(), 0u) << "by now the bucket would be full again";
}

TEST(LeaseBook, IsBounded) {
  LeaseBook book;
  const Gcra bucket = *Gcra::make(1, kSecond, 1);
  for (std::uint64_t id = 0; id < LeaseBook::kMostLeases; ++id) ASSERT_NE(book.open(id, "k", bucket), nullptr);
  EXPECT_EQ(book.open(LeaseBook::kMostLeases, "k", bucket), nullptr);
}

TEST(Instances, MoreCountAtOnceFewerAfterAWhile) {
  Instances instances;
  io::TimePoint now{std::chrono::seconds(100)};
  EXPECT_EQ(instances.live(), 1u);
  instances.remembered(7);
  EXPECT_EQ(instances.live(), 7u);
  instances.heard(1, now);
  EXPECT_EQ(instances.live(), 7u) << "a store that came back empty knows nobody yet";
  instances.heard(4, now += std::chrono::seconds(1));
  instances.heard(3, now += Instances::kGone - std::chrono::seconds(1));
  EXPECT_EQ(instances.live(), 4u);
  instances.heard(9, now);
  EXPECT_EQ(instances.live(), 9u);
  instances.heard(2, now);
  instances.silent();
  instances.heard(2, now + Instances::kGone);
  EXPECT_EQ(instances.live(), 9u) << "while nobody could be heard nothing was learned";
}

}  // namespace
}  // namespace weir::limits
