#include "pipeline/overlay.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "base/arena.h"

namespace weir::pipeline {
namespace {

struct Nothing final : Filter {
  Hooks hooks() const noexcept override { return {}; }
};
const Nothing kNothing;

// "r3@20": of the route, filter number 3, at place 20. Origins are known by their letters.
Step step(std::string_view text) {
  const char letter = text[0];
  const Origin origin = letter == 'r' ? Origin::route : letter == 'g' ? Origin::group : Origin::consumer;
  const std::size_t at = text.find('@');
  return {&kNothing,
          static_cast<std::int16_t>(std::stoi(std::string(text.substr(at + 1)))),
          static_cast<std::uint8_t>(std::stoi(std::string(text.substr(1, at - 1)))),
          origin,
          {}};
}

std::vector<Step> steps(const std::vector<std::string_view>& texts) {
  std::vector<Step> out;
  for (const std::string_view text : texts) out.push_back(step(text));
  return out;
}

Overlay overlay(const std::vector<std::string_view>& texts, std::initializer_list<std::size_t> disabled = {}) {
  Overlay out;
  out.steps = steps(texts);
  for (const Step& one : out.steps) out.names.set(one.name);
  for (const std::size_t name : disabled) out.names.set(name);
  return out;
}

std::string text_of(std::span<const Step> list) {
  std::string out;
  for (const Step& one : list) {
    out += out.empty() ? "" : " ";
    out += one.origin == Origin::route ? "r" : one.origin == Origin::group ? "g" : "c";
    out += std::to_string(one.name) + "@" + std::to_string(one.place);
  }
  return out;
}

std::string laid(const Overlays& overlays, std::string_view consumer, std::span<const std::string_view> groups = {}) {
  static const std::vector<Step> kRoute = steps({"r1@10", "r2@10", "r3@20", "r4@30"});
  Arena arena;
  Identity caller;
  caller.kind = CredentialKind::jwt;
  caller.consumer = consumer;
  caller.groups = groups;
  const std::span<const Step> out = lay_over(kRoute, overlays, caller, arena);
  return out.data() == kRoute.data() ? "the route's" : text_of(out);
}

TEST(LayOver, WhoHasNothingHasTheRoutesOwn) {
  Overlays overlays;
  overlays.consumers.emplace("shop", overlay({"c3@20"}));
  EXPECT_EQ(laid(overlays, "other"), "the route's");
  overlays.groups.emplace("gold", overlay({"g3@20"}));
  constexpr std::array<std::string_view, 1> kOthers = {"silver"};
  EXPECT_EQ(laid(overlays, "other", kOthers), "the route's");
  Arena arena;
  const std::vector<Step> route = steps({"r3@20"});
  EXPECT_EQ(lay_over(route, overlays, {}, arena).data(), route.data()) << "nobody is known";
}

TEST(LayOver, OfOneNameTheCallersRunsAndStandsBehindOthersOfItsPlace) {
  Overlays overlays;
  overlays.consumers.emplace("shop", overlay({"c1@10", "c5@20", "c6@40"}));
  overlays.consumers.emplace("early", overlay({"c7@5"}));
  EXPECT_EQ(laid(overlays, "shop"), "r2@10 c1@10 r3@20 c5@20 r4@30 c6@40");
  EXPECT_EQ(laid(overlays, "early"), "c7@5 r1@10 r2@10 r3@20 r4@30");
}

TEST(LayOver, WhatIsDisabledIsGone) {
  Overlays overlays;
  overlays.consumers.emplace("shop", overlay({}, {1, 3, 9}));
  EXPECT_EQ(laid(overlays, "shop"), "r2@10 r4@30");
}

TEST(LayOver, TheConsumerThenTheFirstGroupThenTheOthers) {
  Overlays overlays;
  overlays.consumers.emplace("shop", overlay({"c1@10", "c8@20"}, {6}));
  overlays.groups.emplace("gold", overlay({"g1@10", "g2@10", "g6@20"}));
  overlays.groups.emplace("eu", overlay({"g2@10", "g3@20", "g7@20"}, {4}));
  constexpr std::array<std::string_view, 3> kGroups = {"gold", "plain", "eu"};
  EXPECT_EQ(laid(overlays, "shop", kGroups), "g2@10 c1@10 g3@20 g7@20 c8@20");
  constexpr std::array<std::string_view, 2> kTwice = {"gold", "gold"};
  EXPECT_EQ(laid(overlays, "other", kTwice), "g1@10 g2@10 r3@20 g6@20 r4@30");
}

TEST(LayOver, AsManyAsThereAreNames) {
  Overlays overlays;
  Overlay all;
  for (std::size_t name = 0; name < kMostFilterNames; ++name) {
    all.steps.push_back({&kNothing, 20, static_cast<std::uint8_t>(name), Origin::consumer, {}});
    all.names.set(name);
  }
  overlays.consumers.emplace("shop", std::move(all));
  const std::string out = laid(overlays, "shop");
  EXPECT_EQ(std::ranges::count(out, '@'), static_cast<std::ptrdiff_t>(kMostFilterNames));
  EXPECT_FALSE(out.contains('r'));
}

TEST(LayOver, MoreGroupsThanCount) {
  Overlays overlays;
  overlays.groups.emplace("last", overlay({"g1@10"}));
  overlays.groups.emplace("first", overlay({}, {2}));
  std::vector<std::string> names(200, "other");
  std::vector<std::string_view> groups(names.begin(), names.end());
  groups.front() = "first";
  groups.back() = "last";
  EXPECT_EQ(laid(overlays, "somebody", groups), "g1@10 r3@20 r4@30") << "those without filters do not count";
}

}  // namespace
}  // namespace weir::pipeline
