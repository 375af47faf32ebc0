// Receipts: their way, their form, and how many are listened to.
#include "tests/adapters/redis/config/bench.h"

namespace weir::adapters::redis {
namespace {

using ConfigReceiptsTest = ConfigChannelTest;

TEST_F(ConfigReceiptsTest, ReceiptsAreHeardAndHeardAgain) {
  const auto control = publisher();
  const auto follower = gateway();
  follower->side.report(receipt("a", State::refused, 7, "routes[0]: no such upstream \"é\""));
  ASSERT_TRUE(bench.until([&] { return !control->receipts.empty(); }));
  const ports::Receipt& got = control->receipts[0];
  EXPECT_EQ(got.instance, "a");
  EXPECT_EQ(got.host, "host.example");
  EXPECT_EQ(got.version, "1.2.3");
  EXPECT_EQ(got.state, State::refused);
  EXPECT_EQ(got.revision, 7u);
  EXPECT_EQ(got.in_use, 6u);
  EXPECT_EQ(got.reason, "routes[0]: no such upstream \"é\"");
  EXPECT_EQ(got.at_ms, 1'790'000'000'000);
  const std::size_t before = control->receipts.size();
  ASSERT_TRUE(bench.until([&] { return control->receipts.size() >= before + 2; }, 6s));  // signs of life
  EXPECT_GT(control->seen.back(), control->seen.front());
  follower->side.report(receipt("a", State::applied, 8));
  ASSERT_TRUE(bench.until([&] { return control->receipts.back().state == State::applied; }, 5s));
}

TEST_F(ConfigReceiptsTest, ReceiptsThatWereNotHeardAreFound) {
  ASSERT_TRUE(bench.connected());
  const std::int64_t now_ms = bench.loop.wall_us(bench.loop.refresh()) / 1000;
  bench.call({"HSET", kConfigInstances, "quiet", to_text({receipt("quiet", State::applied, 3), now_ms - 60'000})});
  bench.call({"HSET", kConfigInstances, "dead", to_text({receipt("dead", State::applied, 3), now_ms - 3'700'000})});
  bench.call({"HSET", kConfigInstances, "odd", "{}"});
  bench.call({"HSET", kConfigInstances, "other", to_text({receipt("quiet", State::applied, 9), now_ms})});
  const auto control = publisher();
  ASSERT_TRUE(bench.until([&] { return control->gone.size() == 1; }));
  EXPECT_EQ(control->gone[0], "dead");
  EXPECT_EQ(bench.call({"HEXISTS", kConfigInstances, "dead"})->integer(), 0);
  ASSERT_EQ(control->receipts.size(), 2u);
  const std::size_t quiet = control->receipts[0].instance == "quiet" ? 0 : 1;
  EXPECT_EQ(control->receipts[quiet].revision, 3u);
  EXPECT_NEAR(static_cast<double>(control->seen[quiet] - now_ms), -60'000, 5'000);
  let_pass(5 * kEvery);
  EXPECT_EQ(control->receipts.size(), 2u);  // no new sign of life
  bench.call({"HSET", kConfigInstances, "quiet", to_text({receipt("quiet", State::applied, 4), now_ms})});
  ASSERT_TRUE(bench.until([&] { return control->receipts.size() == 3; }, 5s));  // by the look
  EXPECT_EQ(control->receipts[2].revision, 4u);
  EXPECT_GE(control->seen[2], now_ms);
}

TEST_F(ConfigReceiptsTest, ReceiptsThatNoGatewayWroteAreDropped) {
  const auto control = publisher();
  const auto follower = gateway();
  follower->side.report(receipt("a", State::applied, 1));
  ASSERT_TRUE(bench.until([&] { return !control->receipts.empty(); }));
  bench.call({"HSET", kConfigInstances, std::string(129, 'n'), "{}"});
  bench.call({"HSET", kConfigInstances, "long", std::string(kLongestReceipt + 1, ' ')});
  ASSERT_TRUE(bench.until([&] { return !control->warnings.empty(); }, 5s));
  EXPECT_NE(control->warnings[0].find("2 receipts in Redis are dropped"), std::string::npos) << control->warnings[0];
  EXPECT_EQ(bench.call({"HLEN", kConfigInstances})->integer(), 1);
  // Too many: all go, and who is alive comes back.
  bench.call({"EVAL", "for i = 1, 20000 do redis.call('HSET', KEYS[1], 'i' .. i, '{}') end", "1", kConfigInstances});
  ASSERT_TRUE(bench.until([&] { return bench.call({"HLEN", kConfigInstances})->integer() <= 1; }, 5s));
  ASSERT_TRUE(bench.until([&] { return bench.call({"HEXISTS", kConfigInstances, "a"})->integer() == 1; }, 5s));
  for (const ports::Receipt& each : control->receipts) EXPECT_EQ(each.instance, "a");
}

TEST_F(ConfigReceiptsTest, AReceiptThatCannotBeSentIsComplainedOf) {
  ASSERT_TRUE(bench.connected());
  const auto follower = gateway();
  bench.call({"SET", kConfigInstances, "in the way"});
  follower->side.report(receipt("a", State::applied, 1));
  const auto complained = [&](std::string_view of) {
    return bench.until(
        [&] { return !follower->complaints.empty() && follower->complaints.back().find(of) != std::string::npos; });
  };
  ASSERT_TRUE(bench.until([&] { return bench.call({"DEL", kConfigHead})->integer() == 0; }));
  ASSERT_TRUE(complained("Redis has no revision"));
  const auto control = publisher();
  publish(*control, 1, 1);
  ASSERT_TRUE(complained("the receipt cannot be sent: Redis answers: WRONGTYPE"));
  bench.call({"DEL", kConfigInstances});
  EXPECT_TRUE(bench.until([&] { return follower->complaints.back().empty(); }));
}

TEST(ConfigReceipt, ReadsBackAndRefusesWhatIsNone) {
  const Beat beat{receipt("a", State::starting, 0), 5};
  const auto back = beat_from(to_text(beat));
  ASSERT_TRUE(back);
  EXPECT_EQ(to_text(*back), to_text(beat));
  for (const std::string_view text : {"", "[]", "{}", R"({"instance":"a","state":"new"})", R"({"state":"applied"})",
                                      R"({"instance":"","state":"applied"})"})
    EXPECT_FALSE(beat_from(text)) << text;
  const std::string state = R"(,"state":"applied"})", number = R"({"instance":"a","in_use":9007199254740991)";
  EXPECT_TRUE(beat_from(number + state));
  EXPECT_FALSE(beat_from(R"({"instance":"a","in_use":9007199254740992)" + state)) << "no number of Redis";
  EXPECT_TRUE(beat_from(R"({"instance":")" + std::string(kLongestInstance, 'n') + '"' + state));
  EXPECT_FALSE(beat_from(R"({"instance":")" + std::string(kLongestInstance + 1, 'n') + '"' + state));
  for (const std::string_view name : {"a b", R"(a\n)", "\u00e9"})
    EXPECT_FALSE(beat_from(R"({"instance":")" + std::string(name) + '"' + state)) << name;
  EXPECT_FALSE(beat_from(number + R"(,"reason":")" + std::string(2101, 'r') + '"' + state));
  EXPECT_FALSE(beat_from(number + R"(,"host":")" + std::string(256, 'h') + '"' + state));
  EXPECT_FALSE(beat_from(number + std::string(kLongestReceipt, ' ') + state));
  const auto odd = beat_from(R"({"instance":"a","state":"applied","revision":-5,"more":1})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->receipt.revision, 0u);
}

TEST(ConfigInstances, HasRoomForNoMoreThanItsMostUntilSomeAreSilent) {
  ConfigInstances known;
  const io::TimePoint begin{std::chrono::hours(5)};
  const auto say = [&](const std::string& instance, std::int64_t sent_ms, io::TimePoint now) {
    return known.hear({receipt(instance, State::applied, 1), sent_ms}, true, now, 1'790'000'000'000).has_value();
  };
  for (std::size_t i = 0; i < ConfigInstances::kMost; ++i) ASSERT_TRUE(say(std::to_string(i), 1, begin));
  EXPECT_FALSE(say("another", 1, begin));
  EXPECT_FALSE(known.has_room_for("another"));
  EXPECT_TRUE(known.has_room_for("7"));
  EXPECT_TRUE(say("7", 2, begin + 9s));
  EXPECT_TRUE(known.forget(begin + 10s, ConfigInstances::kSilent).empty());
  EXPECT_EQ(known.forget(begin + 11s, ConfigInstances::kSilent).size(), ConfigInstances::kMost - 1);
  EXPECT_TRUE(say("another", 1, begin + 11s));
  EXPECT_FALSE(say("7", 2, begin + 12s)) << "it is still known";
}

}  // namespace
}  // namespace weir::adapters::redis
