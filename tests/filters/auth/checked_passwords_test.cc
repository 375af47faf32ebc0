#include "filters/auth/checked_passwords.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"
#include "io/task.h"

namespace weir::filters {
namespace {

const io::TimePoint kStart = io::Clock::now();

TEST(CheckedPasswords, MarksAreOfEachPart) {
  const CheckedPasswords one, other;
  EXPECT_EQ(one.mark({"a", "bc"}), one.mark({"a", "bc"}));
  EXPECT_NE(one.mark({"a", "bc"}), one.mark({"ab", "c"}));
  EXPECT_NE(one.mark({"a", "bc"}), other.mark({"a", "bc"})) << "under a key of its own";
}

TEST(CheckedPasswords, GoodOnesAreBelievedLongerThanBadOnes) {
  CheckedPasswords passwords;
  const auto good = passwords.mark({"good"}), bad = passwords.mark({"bad"});
  EXPECT_EQ(passwords.find(good, kStart), std::nullopt);
  passwords.settle(good, true, kStart);
  passwords.settle(bad, false, kStart);
  EXPECT_EQ(passwords.find(good, kStart), true);
  EXPECT_EQ(passwords.find(bad, kStart), false);
  EXPECT_EQ(passwords.find(bad, kStart + CheckedPasswords::kBad), std::nullopt);
  EXPECT_EQ(passwords.find(good, kStart + CheckedPasswords::kBad), true);
  EXPECT_EQ(passwords.find(good, kStart + CheckedPasswords::kGood), std::nullopt);
}

TEST(CheckedPasswords, WhatCouldNotBeCheckedIsNotRemembered) {
  CheckedPasswords passwords;
  const auto mark = passwords.mark({"x"});
  EXPECT_TRUE(passwords.begin(mark));
  EXPECT_TRUE(passwords.busy());
  passwords.settle(mark, std::nullopt, kStart);
  EXPECT_FALSE(passwords.busy());
  EXPECT_EQ(passwords.find(mark, kStart), std::nullopt);
}

TEST(CheckedPasswords, OneThatIsFloodedOutIsCheckedAgainAndNothingGrows) {
  CheckedPasswords passwords;
  const auto mark = passwords.mark({"mine"});
  passwords.settle(mark, true, kStart);
  for (std::size_t i = 0; i < 3 * CheckedPasswords::kMost; ++i)
    passwords.settle(passwords.mark({std::to_string(i)}), false, kStart);
  EXPECT_EQ(passwords.find(mark, kStart), std::nullopt);
  EXPECT_EQ(passwords.find(passwords.mark({std::to_string(3 * CheckedPasswords::kMost - 1)}), kStart), false);
}

io::Task<void> wait_for(CheckedPasswords& passwords, crypto::Digest mark, std::vector<std::optional<bool>>& out) {
  out.push_back(co_await passwords.result(mark));
}

TEST(CheckedPasswords, OthersWaitForTheOneThatChecks) {
  CheckedPasswords passwords;
  const auto mark = passwords.mark({"x"});
  EXPECT_TRUE(passwords.begin(mark));
  EXPECT_FALSE(passwords.begin(mark));
  std::vector<std::optional<bool>> out;
  io::TaskGroup group;
  for (int i = 0; i < 3; ++i) group.spawn(wait_for(passwords, mark, out));
  EXPECT_TRUE(out.empty());
  passwords.settle(mark, true, kStart);
  EXPECT_EQ(out, (std::vector<std::optional<bool>>{true, true, true}));
  EXPECT_EQ(group.running(), 0u);
}

}  // namespace
}  // namespace weir::filters
