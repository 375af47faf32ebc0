#include "upstream/breaker.h"

#include <gtest/gtest.h>

namespace weir::upstream {
namespace {

using std::chrono::seconds;

const Breaker::Settings kSettings{.failures = 3, .open_for = seconds(5)};
const io::TimePoint kStart = io::TimePoint() + seconds(100);

TEST(Breaker, OpensAfterFailuresInARowOnly) {
  Breaker breaker;
  for (int round = 0; round < 3; ++round) {
    for (int i = 0; i < 2; ++i) {
      EXPECT_TRUE(breaker.permit(kSettings, kStart));
      breaker.failed(kSettings, kStart);
    }
    EXPECT_TRUE(breaker.permit(kSettings, kStart));
    breaker.succeeded();
  }
  for (int i = 0; i < 3; ++i) breaker.failed(kSettings, kStart);
  EXPECT_TRUE(breaker.open(kSettings, kStart));
  EXPECT_FALSE(breaker.permit(kSettings, kStart + seconds(4)));
}

TEST(Breaker, LetsOneProbeThroughAndBelievesIt) {
  Breaker breaker;
  for (int i = 0; i < 3; ++i) breaker.failed(kSettings, kStart);
  const io::TimePoint later = kStart + seconds(5);
  EXPECT_FALSE(breaker.open(kSettings, later));
  EXPECT_TRUE(breaker.permit(kSettings, later));
  EXPECT_FALSE(breaker.permit(kSettings, later)) << "one is enough";
  EXPECT_TRUE(breaker.open(kSettings, later));
  breaker.failed(kSettings, later);
  EXPECT_FALSE(breaker.permit(kSettings, later + seconds(4)));
  EXPECT_TRUE(breaker.permit(kSettings, later + seconds(5)));
  breaker.succeeded();
  for (int i = 0; i < 2; ++i) breaker.failed(kSettings, later);
  EXPECT_TRUE(breaker.permit(kSettings, later));
}

}  // namespace
}  // namespace weir::upstream
