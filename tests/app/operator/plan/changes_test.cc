// Files against a draft: what is added, changed and removed, and the order of policies, which files say by place and
// the draft by number.
#include "app/operator/plan/changes.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "app/operator/plan/change_text.h"
#include "app/operator/plan/document_form.h"
#include "filters/table.h"

namespace weir::remote {
namespace {

using control::Kind;

class Changes : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/weir-changes-XXXXXX";
    ASSERT_NE(::mkdtemp(name), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string write(const std::string& name, std::string_view text) {
    const std::string path = folder_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path) << text;
    return path;
  }

  ObjectFiles read(std::string_view text) {
    auto files = read_object_files({write("weir.yaml", text)}, filters::table());
    EXPECT_TRUE(files.has_value()) << (files ? "" : files.error().front());
    return files ? std::move(*files) : ObjectFiles{};
  }

  static DraftObject drafted(Kind kind, std::string_view json) {
    auto parsed = parse_json(json);
    EXPECT_TRUE(parsed.has_value()) << json;
    return draft_object(kind, *parsed);
  }

  std::string folder_;
};

constexpr std::string_view kRoute = R"(
routes:
  - {route_id: orders, path_pattern: /orders/**, upstream_url: "http://orders", timeout: 5s}
)";

TEST_F(Changes, WhatTheDraftLacksIsAdded) {
  const ObjectFiles files = read(kRoute);
  const Comparison found = compare(files, {}, {});
  ASSERT_EQ(found.changes.size(), 1u);
  EXPECT_EQ(found.changes[0].op, Change::Op::add);
  EXPECT_EQ(found.changes[0].name, "orders");
  EXPECT_TRUE(found.changes[0].place.ends_with("weir.yaml:3")) << found.changes[0].place;
}

TEST_F(Changes, OrderOfMembersAndTheTimeOfWritingAreNoDifference) {
  const ObjectFiles files = read(kRoute);
  const DraftObject draft[] = {drafted(
      Kind::route,
      R"({"upstream_url": "http://orders", "timeout": "5s", "path_pattern": "/orders/**", "route_id": "orders",
        "updated_at": "2026-01-01T00:00:00Z", "_meta": {"version": 7, "updated_by": "ann"}})")};
  const Comparison found = compare(files, draft, {});
  EXPECT_TRUE(found.changes.empty()) << change_text(found.changes, false);
  EXPECT_EQ(found.same, 1u);
}

TEST_F(Changes, AChangeNamesTheFieldAndTheVersionItIsMeantFor) {
  const ObjectFiles files = read(kRoute);
  const DraftObject draft[] = {drafted(
      Kind::route,
      R"({"route_id": "orders", "path_pattern": "/orders/**", "upstream_url": "http://orders", "timeout": "30s",
        "http_methods": ["GET"], "_meta": {"version": 7}})")};
  const Comparison found = compare(files, draft, {});
  ASSERT_EQ(found.changes.size(), 1u);
  EXPECT_EQ(found.changes[0].version, 7);
  const std::string text = change_text(found.changes, false);
  EXPECT_TRUE(text.contains("~ route orders")) << text;
  EXPECT_TRUE(text.contains("    timeout: \"30s\" -> \"5s\"\n")) << text;
  EXPECT_TRUE(text.contains("    - http_methods: [\"GET\"]\n")) << text;
  EXPECT_FALSE(text.contains("path_pattern")) << text;
  EXPECT_FALSE(text.contains('\x1b'));
  EXPECT_TRUE(change_text(found.changes, true).contains("\x1b[33m~ route orders"));
}

TEST_F(Changes, PruneRemovesOnlyOfTheSectionsThatTheFilesHave) {
  const ObjectFiles files = read(kRoute);
  const DraftObject draft[] = {
      drafted(Kind::route, R"({"route_id": "old", "path_pattern": "/old", "_meta": {"version": 3}})"),
      drafted(Kind::consumer, R"({"name": "shop"})")};
  EXPECT_EQ(compare(files, draft, {}).extra.size(), 2u);
  EXPECT_EQ(compare(files, draft, {}).changes.size(), 1u);
  const Comparison pruned = compare(files, draft, {.prune = true, .tag = {}});
  ASSERT_EQ(pruned.changes.size(), 2u);
  EXPECT_EQ(pruned.changes[1].op, Change::Op::remove);
  EXPECT_EQ(pruned.changes[1].name, "old");
  EXPECT_EQ(pruned.changes[1].version, 3);
  ASSERT_EQ(pruned.extra.size(), 1u);
  EXPECT_EQ(pruned.extra[0]->name, "shop");
}

TEST_F(Changes, AnEmptySectionMeansNone) {
  const ObjectFiles files = read("routes: []\n");
  const DraftObject draft[] = {drafted(Kind::route, R"({"route_id": "old", "path_pattern": "/old"})")};
  EXPECT_EQ(compare(files, draft, {.prune = true, .tag = {}}).changes.size(), 1u);
}

TEST_F(Changes, PruneWithATagLeavesWhatOthersHave) {
  const ObjectFiles files = read(kRoute);
  const DraftObject draft[] = {
      drafted(Kind::route, R"({"route_id": "mine", "path_pattern": "/m", "tags": ["team:payments"]})"),
      drafted(Kind::route, R"({"route_id": "theirs", "path_pattern": "/t", "tags": ["team:search"]})")};
  const Comparison pruned = compare(files, draft, {.prune = true, .tag = "team:payments"});
  ASSERT_EQ(pruned.changes.size(), 2u);
  EXPECT_EQ(pruned.changes[1].name, "mine");
}

TEST_F(Changes, PoliciesThatStandInTheDraftsOrderKeepTheirNumbers) {
  const ObjectFiles files =
      read("plugin_chain: [request_id, trace_context, {name: cors, config: {allow_origins: ['*']}}]\n");
  const DraftObject draft[] = {
      drafted(Kind::policy, R"({"name": "request_id", "order": 5})"),
      drafted(Kind::policy, R"({"name": "cors", "config": {"allow_origins": ["*"]}, "order": 20})")};
  const Comparison found = compare(files, draft, {});
  ASSERT_EQ(found.changes.size(), 1u) << change_text(found.changes, false);
  EXPECT_EQ(found.changes[0].name, "trace_context");
  EXPECT_EQ(found.changes[0].after.find("order")->as_integer(), 5);  // behind request_id by its name
}

TEST_F(Changes, PoliciesInAnotherOrderGetNewNumbers) {
  const ObjectFiles files = read("plugin_chain: [trace_context, request_id]\n");
  const DraftObject draft[] = {drafted(Kind::policy, R"({"name": "request_id"})"),
                               drafted(Kind::policy, R"({"name": "trace_context"})")};
  const Comparison found = compare(files, draft, {});
  ASSERT_EQ(found.changes.size(), 2u);
  EXPECT_EQ(found.changes[0].after.find("order")->as_integer(), 10);
  EXPECT_EQ(found.changes[1].after.find("order")->as_integer(), 20);
}

TEST_F(Changes, ADumpOfTheDraftIsNoDifference) {
  const DraftObject draft[] = {
      drafted(Kind::policy, R"({"name": "request_id", "order": 30})"),
      drafted(Kind::policy, R"({"name": "trace_context", "order": 10, "tags": ["a"]})"),
      drafted(Kind::group, R"({"name": "gold"})"),
      drafted(Kind::group, R"({"name": "silver", "tags": ["x"]})"),
      drafted(Kind::consumer, R"({"name": "shop", "groups": ["gold"]})"),
      drafted(
          Kind::route,
          R"({"route_id": "orders", "path_pattern": "/orders/{id}", "upstream_url": "http://127.0.0.1:1", "updated_at": "2026-01-01T00:00:00Z"})")};
  const Json document = ordered(document_of(draft), filters::table());
  EXPECT_EQ(document.find("routes")->items()[0].members()[0].name, "route_id");
  EXPECT_EQ(to_canonical(*document.find("plugin_chain")), R"(["trace_context","request_id"])");
  EXPECT_EQ(to_canonical(*document.find("groups")), R"(["gold",{"name":"silver","tags":["x"]}])");
  const ObjectFiles files = read(to_pretty(document));
  const Comparison found = compare(files, draft, {.prune = true, .tag = {}});
  // What a chain does not say (the tags of a policy) is not taken from it.
  EXPECT_TRUE(found.changes.empty()) << change_text(found.changes, false);
}

TEST_F(Changes, AllProblemsOfAllFilesAreToldWithTheirPlaces) {
  const auto files = read_object_files(
      {write("a.yaml", "routes:\n  - {route_id: a, path_patern: /a}\n"), write("b.yaml", "consumers: 7\n")},
      filters::table());
  ASSERT_FALSE(files.has_value());
  const auto told = [&](std::string_view text) {
    return std::ranges::any_of(files.error(), [&](const std::string& line) { return line.contains(text); });
  };
  EXPECT_EQ(files.error().size(), 3u);
  EXPECT_TRUE(told("a.yaml:2:5: routes[0]")) << files.error()[0];
  EXPECT_TRUE(told("a.yaml:2:19: routes[0]")) << files.error()[1];
  EXPECT_TRUE(told("b.yaml:1:12: consumers: ")) << files.error()[2];
}

TEST_F(Changes, TheSameObjectTwiceIsRefusedWithBothPlaces) {
  const auto files = read_object_files(
      {write("a.yaml", "consumers: [{name: shop}]\n"), write("b.yaml", "consumers:\n  - name: shop\n")},
      filters::table());
  ASSERT_FALSE(files.has_value());
  ASSERT_EQ(files.error().size(), 1u);
  EXPECT_TRUE(files.error()[0].contains("b.yaml:2:5: consumer \"shop\" stands at ")) << files.error()[0];
  EXPECT_TRUE(files.error()[0].contains("a.yaml:1 already")) << files.error()[0];
}

TEST_F(Changes, AFolderIsReadWithThoseBelowAndWhatGatewaysOwnIsLeftOut) {
  write("config/z.yaml", "listeners: [{address: '127.0.0.1:0'}]\nconsumers: [{name: z}]\n");
  write("config/below/a.json", R"({"consumers": [{"name": "a"}]})");
  write("config/.hidden.yaml", "no: yes\n");
  write("config/notes.txt", "no: yes\n");
  const auto files = read_object_files({folder_ + "/config"}, filters::table());
  ASSERT_TRUE(files.has_value()) << files.error().front();
  ASSERT_EQ(files->objects.size(), 2u);
  EXPECT_EQ(files->objects[0].name, "a");
  ASSERT_EQ(files->notices.size(), 1u);
  EXPECT_TRUE(files->notices[0].ends_with("each gateway's own file says it: listeners")) << files->notices[0];
}

TEST_F(Changes, AFolderWithoutFilesIsRefused) {
  EXPECT_FALSE(read_object_files({folder_}, filters::table()).has_value());
}

}  // namespace
}  // namespace weir::remote
