// What the control plane's side keeps in Redis, whatever others write there.
#include "tests/adapters/redis/config/bench.h"

namespace weir::adapters::redis {
namespace {

using ConfigPublisherTest = ConfigChannelTest;

TEST_F(ConfigPublisherTest, AHeadThatNobodySignedIsReplaced) {
  const auto control = publisher();
  publish(*control, 1, 2);
  const auto follower = gateway();
  ASSERT_TRUE(follower->reaches(2));
  for (const std::string_view number : {"3", "9007199254740991", "9007199254740992", "9007199254740993",
                                        "18446744073709551617", "007", "1e9", "-1", "", "number"}) {
    head(number, std::string(64, 'a'));
    EXPECT_TRUE(bench.until([&] { return head() == "2"; }, 5s)) << number;
    EXPECT_EQ(bench.call({"HGET", kConfigHead, "digest"})->text(), make(2).digest);
  }
  write(stranger.sign(77, "{}", 1));
  EXPECT_TRUE(bench.until([&] { return holds(make(2)); }, 5s));
  write(stranger.sign(2, "{}", 1));
  EXPECT_TRUE(bench.until([&] { return holds(make(2)); }, 5s));
  write(5, make(5).digest, "damaged");
  EXPECT_TRUE(bench.until([&] { return holds(make(2)); }, 5s));
  const std::string warning = control->warnings.empty() ? "" : control->warnings.back();
  EXPECT_NE(warning.find("revision 5 in Redis is damaged, or not signed"), std::string::npos) << warning;
  for (const std::string_view name : {kConfigHead, kConfigNumbers}) {
    bench.call({"DEL", name});
    bench.call({"SET", name, "another type"});
    bench.call({"DEL", document_key(2)});
    bench.call({"LPUSH", document_key(2), "another type"});
    EXPECT_TRUE(bench.until([&] { return holds(make(2)); }, 5s)) << name;
  }
  EXPECT_EQ(control->complaint, "");
  publish(*control, 3, 3);
  EXPECT_TRUE(follower->reaches(3));
}

TEST_F(ConfigPublisherTest, AHeadThatNobodySignedDoesNotHoldUpAPublication) {
  const auto control = publisher();
  publish(*control, 1, 1);
  for (std::uint64_t number = 2; number < 6; ++number) {
    write(stranger.sign(kHighestNumber - number, "{}", 1));
    publish(*control, number, number);
    EXPECT_TRUE(holds(make(number)));
  }
}

TEST_F(ConfigPublisherTest, AHigherHeadThatIsSignedIsGivenWayTo) {
  const auto control = publisher();
  publish(*control, 1, 2);
  ASSERT_TRUE(bench.until([&] { return control->looked == 2 && control->looked_signed; }));
  write(make(7));
  ASSERT_TRUE(bench.until([&] { return control->looked == 7 && control->looked_signed; }));
  EXPECT_NE(control->announce(make(3)).find("Redis has revision 7, which is newer than revision 3"),
            std::string::npos);
  // Not a replica's that is found in the database in a moment: the database is older.
  ASSERT_TRUE(bench.until([&] { return control->complaint.find("revision 7, signed") != std::string::npos; }));
  EXPECT_TRUE(holds(make(7)));
  ASSERT_EQ(control->announce(make(8)), "");
  EXPECT_TRUE(bench.until([&] { return control->complaint.empty() && control->looked == 8; }));
}

TEST_F(ConfigPublisherTest, WhoKeepsNothingYetIsToldWhoseTheHeadIs) {
  const auto control = publisher();
  write(make(4));
  ASSERT_TRUE(bench.until([&] { return control->looked == 4 && control->looked_signed; }));
  write(stranger.sign(9, "{}", 1));
  ASSERT_TRUE(bench.until([&] { return control->looked == 9 && !control->looked_signed; }));
}

TEST_F(ConfigPublisherTest, ADamageThatKeepsTheLengthIsMended) {
  const auto control = publisher();
  publish(*control, 1, 1);
  std::string bytes = revision::encode(make(1));
  bytes[bytes.size() / 2] = '!';
  bench.call({"SET", document_key(1), bytes});
  EXPECT_TRUE(bench.until([&] { return holds(make(1)); }, 5s));
}

TEST_F(ConfigPublisherTest, ListedNumbersOfAStrangerPushNobodyOut) {
  const auto control = publisher();
  publish(*control, 1, 1);
  bench.call({"EVAL", "for i = 1, 500 do redis.call('ZADD', KEYS[1], 1000 + i, 'x' .. i) end", "1", kConfigNumbers});
  publish(*control, 2, 2);
  EXPECT_EQ(bench.call({"ZCARD", kConfigNumbers})->integer(), 2);
  EXPECT_TRUE(holds(make(2)));
  EXPECT_EQ(get(document_key(1)), revision::encode(make(1)));
}

TEST_F(ConfigPublisherTest, TheHeadIsNeverLowered) {
  const auto control = publisher();
  publish(*control, 1, 3);
  const auto older = publisher();
  EXPECT_NE(older->announce(make(2)).find("Redis has revision 3, which is newer"), std::string::npos);
  EXPECT_NE(older->announce(key.sign(3, "{}", 1)).find("another revision 3"), std::string::npos);
  EXPECT_EQ(bench.call({"HGET", kConfigHead, "number"})->text(), "3");
  EXPECT_EQ(bench.call({"HGET", kConfigHead, "digest"})->text(), make(3).digest);
  EXPECT_EQ(get(document_key(3)), revision::encode(make(3)));
}

TEST_F(ConfigPublisherTest, WhatRedisHasLostIsPutBack) {
  const auto control = publisher();
  publish(*control, 1, 2);
  const auto follower = gateway();
  ASSERT_TRUE(follower->reaches(2));
  bench.call({"FLUSHALL"});
  ASSERT_TRUE(bench.until([&] { return get(document_key(2)) == revision::encode(make(2)); }, 5s));
  bench.call({"SET", document_key(2), "half of"});
  ASSERT_TRUE(bench.until([&] { return get(document_key(2)) == revision::encode(make(2)); }, 5s));
  const auto later = gateway();
  EXPECT_TRUE(later->reaches(2));
  EXPECT_EQ(follower->arrived.size(), 1u);  // it has it
  EXPECT_EQ(control->complaint, "");
}

TEST_F(ConfigPublisherTest, TheNewestOfTheStoreIsKeptThere) {
  const auto control = publisher();
  control->side.keep(make(9));
  control->side.keep(make(8));
  const auto follower = gateway();
  EXPECT_TRUE(follower->reaches(9));
}

TEST_F(ConfigPublisherTest, TenStay) {
  const auto control = publisher();
  publish(*control, 1, 15);
  EXPECT_EQ(bench.call({"ZCARD", kConfigNumbers})->integer(), 10);
  EXPECT_EQ(bench.call({"EXISTS", document_key(5)})->integer(), 0);
  EXPECT_EQ(bench.call({"EXISTS", delta_key(5)})->integer(), 0);
  EXPECT_EQ(bench.call({"EXISTS", document_key(6)})->integer(), 1);
  EXPECT_EQ(bench.call({"DBSIZE"})->integer(), 10 + 10 + 2);
}

TEST_F(ConfigPublisherTest, OneThatNoGatewayCouldReadIsNotSent) {
  const auto control = publisher();
  const revision::Signed huge = key.sign(1, std::string(64u << 20, 'a'), 1);
  EXPECT_NE(control->announce(huge).find("revision 1 is longer than 63 MB"), std::string::npos);
  EXPECT_EQ(bench.call({"DBSIZE"})->integer(), 0);
}

}  // namespace
}  // namespace weir::adapters::redis
