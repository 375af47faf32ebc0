// The parts that need no server: commands on the wire, slots, redirections, the breaker and the backoff by a clock
// that is a number.
#include <gtest/gtest.h>

#include "adapters/redis/cluster.h"
#include "adapters/redis/script.h"
#include "adapters/redis/slot.h"
#include "adapters/redis/wire/backoff.h"
#include "adapters/redis/wire/breaker.h"
#include "adapters/redis/wire/command.h"
#include "adapters/redis/wire/unusable.h"

namespace weir::adapters::redis {
namespace {

using namespace std::chrono_literals;
using namespace std::string_view_literals;

TEST(Command, IsAnArrayOfBulkStrings) {
  std::string out = "before";
  const std::string_view words[] = {"SET", "k\r\n", "", "\0x"sv};
  encode(words, out);
  EXPECT_EQ(out, "before*4\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n$2\r\n\0x\r\n"sv);
}

TEST(Command, TheSecondWordIsTheKeyUnlessSaidOtherwise) {
  EXPECT_EQ(Command({"GET", "a"}).key(), "a");
  EXPECT_EQ(Command({"PING"}).key(), "");
  EXPECT_EQ(Command({"EVALSHA", "sha", "1", "k"}).keyed("k").key(), "k");
}

TEST(Script, IsNamedByItsSha1) { EXPECT_EQ(Script("return 1").sha1(), "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"); }

TEST(Slot, IsThatOfTheSpecification) {
  EXPECT_EQ(crc16("123456789"), 0x31c3);
  EXPECT_EQ(crc16(""), 0);
  EXPECT_EQ(slot_of("foo"), 12182);
  EXPECT_EQ(slot_of("{user1000}.following"), slot_of("user1000"));
  EXPECT_EQ(slot_of("foo{bar}{zap}"), slot_of("bar"));
  EXPECT_EQ(slot_of("foo{{bar}}zap"), slot_of("{bar"));
  EXPECT_EQ(slot_of("foo{}{bar}"), crc16("foo{}{bar}") % kSlots)
      << "nothing between the first pair: the whole counts";
  EXPECT_EQ(slot_of("foo{bar"), crc16("foo{bar") % kSlots);
}

TEST(Redirect, IsReadFromTheError) {
  const Place from{"10.0.0.1", 7000};
  const auto moved = parse_redirect("MOVED 3999 127.0.0.1:6381", from);
  ASSERT_TRUE(moved);
  EXPECT_FALSE(moved->ask);
  EXPECT_EQ(moved->slot, 3999);
  EXPECT_EQ(moved->place, (Place{"127.0.0.1", 6381}));
  EXPECT_TRUE(parse_redirect("ASK 1 h.example:1", from)->ask);
  EXPECT_EQ(parse_redirect("MOVED 1 2001:db8::1:6381", from)->place, (Place{"2001:db8::1", 6381}));
  EXPECT_EQ(parse_redirect("MOVED 1 :6381", from)->place, (Place{"10.0.0.1", 6381})) << "the host that said so";
  for (const std::string_view wrong : {"ERR no", "MOVED", "MOVED x 1.2.3.4:1", "MOVED 16384 1.2.3.4:1", "MOVED 1",
                                       "MOVED 1 1.2.3.4", "MOVED 1 1.2.3.4:99999", "MOVED 1 1.2.3.4:"})
    EXPECT_FALSE(parse_redirect(wrong, from)) << wrong;
}

TEST(Unusable, SaysWhichErrorsAreTheServers) {
  EXPECT_FALSE(unusable("LOADING").empty());
  EXPECT_FALSE(unusable("READONLY").empty());
  EXPECT_TRUE(unusable("WRONGTYPE").empty());
  EXPECT_TRUE(unusable("").empty());
}

class BreakerTest : public testing::Test {
 protected:
  void miss(int times) {
    for (int i = 0; i < times; ++i) {
      now += 2ms;
      breaker.missed(now);
    }
  }
  Breaker breaker{2ms};
  io::TimePoint now{1h};
};

TEST_F(BreakerTest, OpensAfterFiveMissesInARow) {
  miss(4);
  EXPECT_FALSE(breaker.open());
  breaker.answered();
  miss(4);
  EXPECT_FALSE(breaker.open()) << "an answer in between begins the count anew";
  EXPECT_TRUE(breaker.missed(now += 2ms));
  EXPECT_TRUE(breaker.open());
  EXPECT_FALSE(breaker.missed(now)) << "it is open already";
}

TEST_F(BreakerTest, CallsThatEndTogetherAreOneMiss) {
  for (int i = 0; i < 100; ++i) breaker.missed(now);
  EXPECT_FALSE(breaker.open());
  miss(4);
  EXPECT_TRUE(breaker.open());
}

TEST_F(BreakerTest, ProbesUntilOneIsAnsweredInTime) {
  EXPECT_EQ(breaker.next_probe(), io::kNever);
  miss(5);
  EXPECT_EQ(breaker.next_probe(), now + Breaker::kProbeEach);
  now += 1s;
  EXPECT_FALSE(breaker.probed(io::Duration::max(), now));
  EXPECT_EQ(breaker.next_probe(), now + Breaker::kProbeEach);
  EXPECT_FALSE(breaker.probed(3ms, now)) << "answered, but too late for any call";
  breaker.answered();
  EXPECT_TRUE(breaker.open()) << "a late call's answer proves nothing";
  EXPECT_TRUE(breaker.probed(2ms, now));
  EXPECT_FALSE(breaker.open());
  miss(4);
  EXPECT_FALSE(breaker.open()) << "it begins anew";
}

TEST_F(BreakerTest, ANewConnectionIsProbedAtOnce) {
  miss(5);
  breaker.probe_at(now);
  EXPECT_EQ(breaker.next_probe(), now);
}

TEST(Backoff, DoublesItsCeilingUpToASecond) {
  Backoff backoff;
  const auto ceiling = [&] {
    Backoff copy = backoff;
    backoff.next(0);
    // The largest remainder: one less than the divisor, which is the ceiling and one.
    io::Duration most{};
    for (std::uint64_t ms = 1; ms <= 2000; ++ms) {
      Backoff again = copy;
      most = std::max(most, again.next(ms * 1'000'000));
    }
    return std::chrono::round<std::chrono::milliseconds>(most);
  };
  for (const auto wanted : {20ms, 40ms, 80ms, 160ms, 320ms, 640ms, 1000ms, 1000ms}) EXPECT_EQ(ceiling(), wanted);
  backoff.reset();
  EXPECT_EQ(ceiling(), 20ms);
}

}  // namespace
}  // namespace weir::adapters::redis
