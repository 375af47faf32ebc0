#include <gtest/gtest.h>

#include "filters/pre_auth/specs.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

bool admitted(std::string_view config, std::string_view client) {
  Scene scene;
  scene.exchange.client = *IpAddress::parse(client);
  const pipeline::Verdict verdict = made(ip_filter_spec(), config)->on_request(scene.exchange);
  EXPECT_TRUE(passes(verdict) || refusal(verdict) == "ip_denied");
  return passes(verdict);
}

TEST(IpFilter, AllowAdmitsNobodyElse) {
  constexpr std::string_view config = R"({"allow": ["10.0.0.0/8", "2001:db8::/32", "192.0.2.1"]})";
  EXPECT_TRUE(admitted(config, "10.1.2.3"));
  EXPECT_TRUE(admitted(config, "::ffff:10.1.2.3")) << "the same client on a dual-stack listener";
  EXPECT_TRUE(admitted(config, "2001:db8::1"));
  EXPECT_TRUE(admitted(config, "192.0.2.1"));
  EXPECT_FALSE(admitted(config, "192.0.2.2"));
  EXPECT_FALSE(admitted(config, "2001:db9::1"));
}

TEST(IpFilter, DenyRefusesNobodyElseAndWins) {
  EXPECT_FALSE(admitted(R"({"deny": ["10.0.0.0/8"]})", "10.0.0.1"));
  EXPECT_TRUE(admitted(R"({"deny": ["10.0.0.0/8"]})", "11.0.0.1"));
  EXPECT_FALSE(admitted(R"({"allow": ["10.0.0.0/8"], "deny": ["10.1.0.0/16"]})", "10.1.0.1"));
  EXPECT_TRUE(admitted(R"({"allow": ["10.0.0.0/8"], "deny": ["10.1.0.0/16"]})", "10.2.0.1"));
}

TEST(IpFilter, Mistakes) {
  EXPECT_EQ(mistakes(ip_filter_spec(), "{}"), "\"allow\" and \"deny\" are both empty");
  EXPECT_EQ(mistakes(ip_filter_spec(), R"({"allow": ["10.0.0.1/8"]})").substr(0, 9), "allow[0]:");
  EXPECT_EQ(mistakes(ip_filter_spec(), R"({"alow": ["10.0.0.0/8"]})"),
            "unknown field \"alow\"; did you mean \"allow\"?");
}

}  // namespace
}  // namespace weir::filters
