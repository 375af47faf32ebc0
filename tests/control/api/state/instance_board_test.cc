// Promise: the status of a revision is what instances said, no more: silence is never taken for having applied it.
#include "control/api/state/instance_board.h"

#include <gtest/gtest.h>

namespace weir::control::api {
namespace {

using State = ports::Receipt::State;
using For = StatusWait::For;

ports::Receipt receipt(std::string id, State state, std::uint64_t revision, std::uint64_t in_use) {
  return {.instance = std::move(id),
          .host = "h",
          .version = "1",
          .state = state,
          .revision = revision,
          .in_use = in_use,
          .reason = state == State::refused ? "bad" : "",
          .at_ms = 1};
}

TEST(instance_board, counts_what_was_said) {
  InstanceBoard board;
  board.heard(receipt("a", State::applied, 7, 7), 1000);
  board.heard(receipt("b", State::applied, 6, 6), 1000);
  board.heard(receipt("c", State::refused, 7, 6), 1000);
  board.heard(receipt("d", State::applied, 8, 8), 1000);
  const auto status = board.status(7, 1000);
  EXPECT_EQ(status.applied, 2u) << "a later one has it behind it";
  EXPECT_EQ(status.waiting, 1u);
  EXPECT_EQ(status.refused, 1u);
  EXPECT_FALSE(status.reached(For::all));
  EXPECT_TRUE(status.decided(For::all)) << "a refusal is final";
  EXPECT_FALSE(status.reached(For::quorum)) << "half is not more than half";
  const Json json = to_json(status);
  EXPECT_EQ(json.find("state")->as_string(), "refused");
  EXPECT_EQ(json.find("instances")->items()[2].find("reason")->as_string(), "bad");
}

TEST(instance_board, the_silent_are_away_then_forgotten) {
  InstanceBoard board;
  board.heard(receipt("a", State::applied, 7, 7), 0);
  board.heard(receipt("b", State::applied, 6, 6), 0);
  EXPECT_EQ(board.status(7, kAwayAfterMs).away, 0u);
  const auto status = board.status(7, kAwayAfterMs + 1);
  EXPECT_EQ(status.away, 1u);
  EXPECT_EQ(status.applied, 1u) << "what it has applied it has applied";
  EXPECT_TRUE(status.reached(For::all)) << "nobody waits for the dead";
  EXPECT_EQ(board.all(kForgottenAfterMs + 1).size(), 0u);
  board.heard(receipt("b", State::applied, 7, 7), kAwayAfterMs + 2);
  EXPECT_EQ(board.status(7, kAwayAfterMs + 2).applied, 2u);
}

TEST(instance_board, starting_is_waiting) {
  InstanceBoard board;
  board.heard(receipt("a", State::starting, 0, 0), 0);
  EXPECT_EQ(board.status(1, 0).waiting, 1u);
  EXPECT_EQ(to_json(board.all(0)).find("items")->items()[0].find("state")->as_string(), "starting");
  board.gone("a");
  EXPECT_EQ(board.all(0).size(), 0u);
}

TEST(instance_board, is_bounded) {
  InstanceBoard board;
  for (std::size_t i = 0; i < kMostInstances + 10; ++i)
    board.heard(receipt(std::to_string(i), State::applied, 1, 1), 0);
  EXPECT_EQ(board.all(0).size(), kMostInstances);
  board.heard(receipt("late", State::applied, 1, 1), kForgottenAfterMs + 1);
  EXPECT_EQ(board.all(kForgottenAfterMs + 1).size(), 1u) << "the forgotten make room";
}

}  // namespace
}  // namespace weir::control::api
