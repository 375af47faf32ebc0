#include "gateway/config/follower.h"

#include <gtest/gtest.h>

#include <vector>

namespace weir::gateway {
namespace {

using State = ports::Receipt::State;

class FakeChannel final : public ports::ConfigChannel {
 public:
  void follow(revision::Signed have, Handlers handlers) override {
    followed_from = have.number;
    told = std::move(handlers);
  }
  void have(revision::Signed revision) override { has = revision.number; }
  void report(const ports::Receipt& receipt) override { receipts.push_back(receipt); }
  void end() override {}
  bool ended() const noexcept override { return true; }

  std::uint64_t followed_from = 99;
  std::uint64_t has = 0;
  Handlers told;
  std::vector<ports::Receipt> receipts;
};

class ConfigFollowerTest : public testing::Test {
 protected:
  revision::Signed made(std::uint64_t number) const { return key.sign(number, R"({"routes":[]})", 1700000000); }

  revision::SigningKey key = revision::SigningKey::generate();
  int woken = 0;
  std::vector<std::string> said;
  FakeChannel channel;
  ConfigFollower follower{{key.public_key(), "edge-1", "host-1", "1.2.3"},
                          [this] { ++woken; },
                          [this](const std::string& what) { said.push_back(what); }};
};

TEST_F(ConfigFollowerTest, BeginsWithNothingAndSaysSo) {
  follower.follow(channel, nullptr);
  EXPECT_EQ(channel.followed_from, 0U);
  ASSERT_EQ(channel.receipts.size(), 1U);
  EXPECT_EQ(channel.receipts[0].state, State::starting);
  EXPECT_EQ(channel.receipts[0].instance, "edge-1");
  EXPECT_EQ(channel.receipts[0].host, "host-1");
  EXPECT_EQ(channel.receipts[0].version, "1.2.3");
  EXPECT_EQ(follower.take(), nullptr);
}

TEST_F(ConfigFollowerTest, BeginsWithTheLastGoodOne) {
  follower.follow(channel, std::make_shared<const revision::Signed>(made(7)));
  EXPECT_EQ(channel.followed_from, 7U);
  EXPECT_EQ(channel.receipts.back().state, State::applied);
  EXPECT_EQ(channel.receipts.back().in_use, 7U);
}

TEST_F(ConfigFollowerTest, OffersTheNewestOnly) {
  follower.follow(channel, std::make_shared<const revision::Signed>(made(7)));
  channel.told.arrived(made(8));
  channel.told.arrived(made(10));
  channel.told.arrived(made(9));
  channel.told.arrived(made(7));
  EXPECT_EQ(woken, 2);
  const Revision taken = follower.take();
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->number, 10U);
  EXPECT_EQ(follower.take(), nullptr);
  follower.applied(taken);
  EXPECT_EQ(channel.has, 10U);
  EXPECT_EQ(channel.receipts.back().state, State::applied);
  EXPECT_EQ(channel.receipts.back().revision, 10U);
  EXPECT_EQ(channel.receipts.back().in_use, 10U);
  channel.told.arrived(made(10));
  EXPECT_EQ(follower.take(), nullptr) << "the one in use is not newer than itself";
}

TEST_F(ConfigFollowerTest, RefusesAnotherKeysSignature) {
  follower.follow(channel, std::make_shared<const revision::Signed>(made(7)));
  channel.told.arrived(revision::SigningKey::generate().sign(8, "{}", 1700000000));
  EXPECT_EQ(woken, 0);
  const ports::Receipt& receipt = channel.receipts.back();
  EXPECT_EQ(receipt.state, State::refused);
  EXPECT_EQ(receipt.revision, 8U);
  EXPECT_EQ(receipt.in_use, 7U);
  EXPECT_TRUE(receipt.reason.contains("signature")) << receipt.reason;
  EXPECT_TRUE(said.back().contains("revision 7 stays in use")) << said.back();
  channel.told.arrived(made(8));
  EXPECT_EQ(woken, 1) << "the true one of that number is still welcome";
}

TEST_F(ConfigFollowerTest, ARefusalIsTakenBackWhenWhatWasRefusedIsGone) {
  follower.follow(channel, std::make_shared<const revision::Signed>(made(7)));
  channel.told.settled(7);
  EXPECT_EQ(channel.receipts.size(), 1U) << "there is nothing to take back";
  channel.told.broken(9, "this is no revision");
  EXPECT_EQ(channel.receipts.back().state, State::refused);
  channel.told.settled(8);
  channel.told.settled(7);
  channel.told.settled(7);
  ASSERT_EQ(channel.receipts.size(), 3U);
  EXPECT_EQ(channel.receipts.back().state, State::applied);
  EXPECT_EQ(channel.receipts.back().revision, 7U);
  EXPECT_EQ(channel.receipts.back().reason, "");
}

TEST_F(ConfigFollowerTest, ARefusalOfItsOwnStandsAgainAfterAStrangers) {
  follower.follow(channel, std::make_shared<const revision::Signed>(made(7)));
  channel.told.arrived(made(8));
  follower.refused(follower.take(), "there is no `redis` here");
  channel.told.broken(9, "this is no revision");
  channel.told.settled(8);
  ASSERT_EQ(channel.receipts.size(), 4U);
  EXPECT_EQ(channel.receipts.back().state, State::refused);
  EXPECT_EQ(channel.receipts.back().revision, 8U);
  EXPECT_EQ(channel.receipts.back().reason, "there is no `redis` here");
  channel.told.settled(8);
  EXPECT_EQ(channel.receipts.size(), 4U);
}

TEST_F(ConfigFollowerTest, RefusesADocumentThatWasChanged) {
  follower.follow(channel, nullptr);
  revision::Signed changed = made(3);
  changed.document += ' ';
  channel.told.arrived(std::move(changed));
  EXPECT_EQ(woken, 0);
  EXPECT_EQ(channel.receipts.back().state, State::refused);
  EXPECT_TRUE(said.back().contains("none to fall back to")) << said.back();
}

TEST_F(ConfigFollowerTest, TellsWhatCouldNotBeDecoded) {
  follower.follow(channel, nullptr);
  channel.told.broken(4, "is cut short");
  EXPECT_EQ(channel.receipts.back().state, State::refused);
  EXPECT_EQ(channel.receipts.back().revision, 4U);
  EXPECT_EQ(channel.receipts.back().reason, "is cut short");
}

TEST_F(ConfigFollowerTest, WhatWasRefusedIsOfferedAgainOnlyWhenAsked) {
  follower.follow(channel, nullptr);
  channel.told.arrived(made(4));
  Revision taken = follower.take();
  follower.refused(taken, "there is no `redis` here");
  EXPECT_EQ(channel.has, 0U);
  EXPECT_EQ(channel.receipts.back().reason, "there is no `redis` here");
  EXPECT_EQ(follower.take(), nullptr);
  follower.offer_again();
  EXPECT_EQ(woken, 2);
  taken = follower.take();
  ASSERT_TRUE(taken);
  follower.applied(taken);
  follower.offer_again();
  EXPECT_EQ(follower.take(), nullptr) << "it is in use";
}

TEST_F(ConfigFollowerTest, ALongReasonIsCutBetweenCharacters) {
  follower.follow(channel, nullptr);
  std::string reason(1999, 'x');
  reason += "ööö";
  channel.told.broken(4, reason);
  EXPECT_EQ(channel.receipts.back().reason, std::string(1999, 'x') + " …");
}

TEST_F(ConfigFollowerTest, GoesOnOverAnotherChannel) {
  follower.follow(channel, nullptr);
  channel.told.arrived(made(4));
  follower.applied(follower.take());
  FakeChannel other;
  follower.follow(other, follower.in_use());
  EXPECT_EQ(other.followed_from, 4U);
  other.told.arrived(made(5));
  EXPECT_EQ(follower.take()->number, 5U);
}

}  // namespace
}  // namespace weir::gateway
