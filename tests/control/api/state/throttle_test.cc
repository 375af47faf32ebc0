// Failed logins are counted by network, and strangers do not make the count of others forgotten all at once.
#include "control/api/state/throttle.h"

#include <gtest/gtest.h>

namespace weir::control::api {

constexpr std::int64_t kNow = 1'769'860'800'000;

void fail(Throttle& throttle, const std::string& address, int times = Throttle::kFailures) {
  for (int i = 0; i < times; ++i) throttle.failed(address, kNow);
}

TEST(Throttle, an_ipv6_site_is_one) {
  Throttle throttle;
  for (int i = 0; i < Throttle::kFailures; ++i) throttle.failed("2001:db8:0:1::" + std::to_string(i + 1), kNow);
  EXPECT_EQ(throttle.wait_of("2001:db8:0:1:ffff::1", kNow), 60);
  EXPECT_EQ(throttle.wait_of("2001:db8:0:2::1", kNow), 0);
}

TEST(Throttle, an_ipv4_address_is_one) {
  Throttle throttle;
  fail(throttle, "192.0.2.1");
  EXPECT_EQ(throttle.wait_of("192.0.2.1", kNow), 60);
  EXPECT_EQ(throttle.wait_of("192.0.2.2", kNow), 0);
  EXPECT_EQ(network_of("::ffff:192.0.2.1"), "::ffff:192.0.2.1") << "not the /64 of all IPv4 addresses";
  EXPECT_EQ(network_of("unix:"), "unix:");
}

TEST(Throttle, a_full_table_forgets_the_oldest_only) {
  Throttle throttle;
  fail(throttle, "192.0.2.1");
  fail(throttle, "192.0.2.2");
  for (std::size_t i = 2; i <= Throttle::kNetworks; ++i)
    throttle.failed(
        "10." + std::to_string(i >> 16U) + '.' + std::to_string((i >> 8U) & 255U) + '.' + std::to_string(i & 255U),
        kNow + 1);
  EXPECT_EQ(throttle.wait_of("192.0.2.1", kNow + 1), 0);
  EXPECT_EQ(throttle.wait_of("192.0.2.2", kNow + 1), 60);
}

TEST(Throttle, a_window_that_begins_again_is_the_youngest) {
  Throttle throttle;
  fail(throttle, "192.0.2.1");
  fail(throttle, "192.0.2.2");
  const std::int64_t later = kNow + Throttle::kWindowMs;
  for (int i = 0; i < Throttle::kFailures; ++i) throttle.failed("192.0.2.1", later);
  for (std::size_t i = 2; i <= Throttle::kNetworks; ++i)
    throttle.failed("10.1." + std::to_string(i >> 8U) + '.' + std::to_string(i & 255U), later);
  EXPECT_EQ(throttle.wait_of("192.0.2.1", later), 60);
}

}  // namespace weir::control::api
