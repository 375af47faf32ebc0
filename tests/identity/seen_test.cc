#include "identity/seen.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "crypto/digest.h"

namespace weir::identity {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

crypto::Digest mark(std::size_t number) { return crypto::sha256(std::to_string(number)); }

TEST(Seen, OnceUntilItsTimeIsOver) {
  Seen seen;
  EXPECT_TRUE(seen.add(mark(1), kNow, kNow + 300));
  EXPECT_FALSE(seen.add(mark(1), kNow, kNow + 300));
  EXPECT_FALSE(seen.add(mark(1), kNow + 299, kNow + 599));
  EXPECT_TRUE(seen.add(mark(2), kNow, kNow + 300));
  EXPECT_TRUE(seen.add(mark(1), kNow + 301, kNow + 601)) << "its own window refuses it by then";
}

TEST(Seen, ManyAreRemembered) {
  Seen seen;
  int refused = 0, forgotten = 0;
  for (std::size_t i = 0; i < 20'000; ++i) refused += seen.add(mark(i), kNow, kNow + 300) ? 0 : 1;
  for (std::size_t i = 0; i < 20'000; ++i) forgotten += seen.add(mark(i), kNow + 1, kNow + 301) ? 1 : 0;
  EXPECT_EQ(refused, 0);
  // A set of 8 that gets 9 of 20,000 marks over 8,192 sets: 0.1 % of sets.
  EXPECT_LT(forgotten, 200);
}

TEST(Seen, OfThreadsThatAddOneMarkAtOnceOneAtMostWins) {
  Seen seen;
  for (std::size_t round = 0; round < 200; ++round) {
    std::atomic<int> won{0}, ready{0};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        ready.fetch_add(1);
        while (ready.load() < 4) std::this_thread::yield();
        if (seen.add(mark(round), kNow, kNow + 300)) won.fetch_add(1);
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_LE(won.load(), 1);
  }
}

}  // namespace
}  // namespace weir::identity
