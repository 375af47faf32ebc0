#include "app/control/local_channel.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir::app {
namespace {

class LocalChannelTest : public testing::Test {
 protected:
  revision::Signed made(std::uint64_t number) const { return key.sign(number, "{}", 1'700'000'000); }
  void follow(std::uint64_t have) {
    channel.follow(
        have == 0 ? revision::Signed{} : made(have),
        {.arrived = [this](revision::Signed one) { arrived.push_back(one.number); }, .broken = {}, .complain = {}});
  }

  revision::SigningKey key = revision::SigningKey::generate();
  std::vector<std::uint64_t> arrived;
  std::vector<ports::Receipt> heard;
  LocalChannel channel{[this](const ports::Receipt& receipt) { heard.push_back(receipt); }};
};

TEST_F(LocalChannelTest, WhoFollowsLaterGetsTheNewest) {
  channel.announce(made(1));
  channel.announce(made(3));
  channel.announce(made(2));
  follow(0);
  EXPECT_EQ(arrived, std::vector<std::uint64_t>{3});
}

TEST_F(LocalChannelTest, OnlyWhatIsNewerThanTheOneInUseArrives) {
  follow(5);
  channel.announce(made(5));
  EXPECT_TRUE(arrived.empty());
  channel.announce(made(6));
  channel.have(made(6));
  channel.announce(made(6));
  channel.announce(made(7));
  EXPECT_EQ(arrived, (std::vector<std::uint64_t>{6, 7}));
}

TEST_F(LocalChannelTest, ReceiptsAreHeardAtOnce) {
  follow(0);
  ports::Receipt receipt;
  receipt.revision = 4;
  channel.report(receipt);
  ASSERT_EQ(heard.size(), 1u);
  EXPECT_EQ(heard[0].revision, 4u);
}

TEST_F(LocalChannelTest, AfterTheEndNothingArrives) {
  EXPECT_TRUE(channel.ended());
  follow(0);
  EXPECT_FALSE(channel.ended());
  channel.end();
  EXPECT_TRUE(channel.ended());
  channel.announce(made(1));
  EXPECT_TRUE(arrived.empty());
}

}  // namespace
}  // namespace weir::app
