#include "base/uuid7.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>

#include "base/random.h"

namespace weir {
namespace {

std::string next(std::uint64_t ms) {
  std::string out(kUuidLength, '?');
  uuid7(ms, out.data());
  return out;
}

// Each test in a thread of its own: the generator's state is the thread's, and time must start low.
template <class F>
void in_thread(F body) {
  std::thread(body).join();
}

TEST(Uuid7, HasTimeVersionAndVariantInTheirPlaces) {
  in_thread([] {
    const std::string id = next(0x0123'4567'89ab);
    EXPECT_EQ(id.substr(0, 15), "01234567-89ab-7");
    EXPECT_TRUE(std::string("89ab").contains(id[19])) << id;
    for (std::size_t i = 0; i < id.size(); ++i) {
      if (i == 8 || i == 13 || i == 18 || i == 23) {
        EXPECT_EQ(id[i], '-');
      } else {
        EXPECT_TRUE(std::string("0123456789abcdef").contains(id[i])) << id;
      }
    }
  });
}

TEST(Uuid7, RisesStrictlyWithinAMillisecondAndWhenTheClockStepsBack) {
  in_thread([] {
    std::string last = next(1000);
    // More than the 4096 values of the counter, so that the timestamp has to run ahead.
    for (int i = 0; i < 10'000; ++i) {
      std::string id = next(i < 5000 ? 1000 : 900);
      ASSERT_LT(last, id) << i;
      last = std::move(id);
    }
    EXPECT_LT(last, next(5000));
    EXPECT_EQ(next(6000).substr(0, 13), "00000000-1770");
  });
}

TEST(Uuid7, ThreadsDoNotRepeatEachOther) {
  std::set<std::string> seen;
  for (int thread = 0; thread < 4; ++thread) {
    in_thread([&] {
      for (int i = 0; i < 1000; ++i) seen.insert(next(7));
    });
  }
  EXPECT_EQ(seen.size(), 4000u);
}

TEST(FastRandom, BitsAreEven) {
  constexpr int kDraws = 20'000;
  int ones[64] = {};
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t bits = fast_random();
    for (int bit = 0; bit < 64; ++bit) ones[bit] += static_cast<int>(bits >> bit & 1);
  }
  // Six standard deviations (sqrt(n)/2 = 71): fails once in 10^7 runs.
  for (const int count : ones) EXPECT_NEAR(count, kDraws / 2, 430);
}

}  // namespace
}  // namespace weir
