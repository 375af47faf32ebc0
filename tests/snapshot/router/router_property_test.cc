#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "tests/snapshot/router/router_fuzz_case.h"
#include "tests/snapshot/router/router_world.h"

namespace weir::snapshot {
namespace {

Choice random_choice(std::mt19937& random) {
  return [&random](std::size_t below) { return std::uniform_int_distribution<std::size_t>(0, below - 1)(random); };
}

TEST(RouterProperty, AgreesWithALinearScan) {
  std::mt19937 random(424242);
  const Choice choice = random_choice(random);
  int found = 0;
  int wrong_method = 0;
  for (int round = 0; round < 4000; ++round) {
    std::vector<RouteKey> keys;
    for (std::size_t i = 0, count = 1 + choice(40); i < count; ++i) keys.push_back(make_route(choice, i));
    Router router;
    ASSERT_EQ(make_buildable(keys, router), "") << "round " << round;
    const LinearRouter model(keys);
    for (int i = 0; i < 50; ++i) {
      const WorldRequest request = make_request(choice);
      const std::string expected = model.answer(request.lookup());
      ASSERT_EQ(answer(router, request.lookup()), expected) << "round " << round << ": " << request.method << " "
                                                            << request.host << request.path << "?" << request.query;
      found += expected[0] != '4' ? 1 : 0;
      wrong_method += expected.starts_with("405") ? 1 : 0;
    }
  }
  EXPECT_GT(found, 10'000);
  EXPECT_GT(wrong_method, 1'000);
}

// A route reported dead is never the answer, and one that is not blamed with a tie never ties.
TEST(RouterProperty, OnlyDeadRoutesAreCalledDead) {
  std::mt19937 random(777);
  const Choice choice = random_choice(random);
  int dead_sets = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::vector<RouteKey> keys;
    for (std::size_t i = 0; i < 4; ++i) keys.push_back(make_route(choice, i));
    const auto built = Router::build(keys);
    if (built) continue;
    std::set<std::string> dead;
    for (const Problem& problem : built.error()) {
      if (problem.message.find("can never match: \"") == std::string::npos) continue;
      dead.insert(problem.path.substr(7, 1));
    }
    if (dead.empty()) continue;
    ++dead_sets;
    const LinearRouter model(keys);
    for (int i = 0; i < 200; ++i) {
      const WorldRequest request = make_request(choice);
      const std::string expected = model.answer(request.lookup());
      ASSERT_FALSE(dead.contains(expected.substr(0, expected.find(' ')))) << "round " << round << " " << expected;
    }
  }
  EXPECT_GT(dead_sets, 20);
}

TEST(RouterProperty, ExplainNamesTheRouteThatMatchTakes) {
  std::mt19937 random(99);
  const Choice choice = random_choice(random);
  for (int round = 0; round < 1000; ++round) {
    std::vector<RouteKey> keys;
    for (std::size_t i = 0; i < 30; ++i) keys.push_back(make_route(choice, i));
    Router router;
    ASSERT_EQ(make_buildable(keys, router), "");
    for (int i = 0; i < 20; ++i) {
      const WorldRequest request = make_request(choice);
      std::int32_t chosen = -1;
      for (const Candidate& candidate : router.explain(request.lookup(), keys)) {
        if (!candidate.why_not.empty()) continue;
        ASSERT_EQ(chosen, -1) << "two chosen";
        chosen = candidate.route;
      }
      ASSERT_EQ(chosen, router.match(request.lookup()).route);
    }
  }
}

TEST(RouterProperty, FuzzCorpusReplays) {
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(WEIR_SOURCE_DIR "/fuzz/corpus/router")) {
    std::ifstream in(entry.path(), std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    EXPECT_EQ(broken_router_property(text.str()), "") << entry.path();
    ++files;
  }
  EXPECT_GT(files, 0);
}

}  // namespace
}  // namespace weir::snapshot
