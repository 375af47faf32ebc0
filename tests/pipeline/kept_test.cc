#include "pipeline/kept.h"

#include <gtest/gtest.h>

namespace weir::pipeline {
namespace {

using std::chrono::minutes;

struct Counted : Kept::Item {
  int value = 0;
  bool in_use = false;
  bool busy() const noexcept override { return in_use; }
};

const io::TimePoint kStart = io::TimePoint() + std::chrono::hours(1);

TEST(Kept, TheSameKeyIsTheSameItem) {
  Kept kept;
  kept.of<Counted>("a", kStart).value = 1;
  EXPECT_EQ(kept.of<Counted>("b", kStart).value, 0);
  EXPECT_EQ(kept.of<Counted>("a", kStart).value, 1);
  EXPECT_EQ(kept.size(), 2u);
}

TEST(Kept, WhatAReloadLeftBehindGoesWhenSomethingNewIsMade) {
  Kept kept;
  kept.of<Counted>("old", kStart);
  kept.of<Counted>("busy", kStart).in_use = true;
  kept.of<Counted>("asked again", kStart);
  kept.of<Counted>("asked again", kStart + minutes(9));
  kept.of<Counted>("new", kStart + minutes(11));
  EXPECT_EQ(kept.size(), 3u);
  kept.of<Counted>("busy", kStart + minutes(11)).in_use = false;
  kept.of<Counted>("newer", kStart + minutes(22));
  EXPECT_EQ(kept.size(), 1u);
}

}  // namespace
}  // namespace weir::pipeline
