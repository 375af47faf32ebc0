#include "snapshot/parts.h"

#include <gtest/gtest.h>

namespace weir::snapshot {
namespace {

Json json(std::string_view text) { return *parse_json(text); }

TEST(Parts, SplitAndMergeGiveTheFileBack) {
  const Json file = json(R"({"listeners":[{"address":"127.0.0.1:1"}],"routes":[{"route_id":"a"}],"redis":{},)"
                         R"("groups":["g"],"consumers":[]})");
  const Parts parts = split(file);
  EXPECT_EQ(to_canonical(parts.instance), R"({"listeners":[{"address":"127.0.0.1:1"}],"redis":{}})");
  EXPECT_EQ(to_canonical(parts.document), R"({"groups":["g"],"routes":[{"route_id":"a"}]})")
      << "empty parts are left out";
  EXPECT_EQ(to_canonical(merge(parts.instance, parts.document)),
            R"({"groups":["g"],"listeners":[{"address":"127.0.0.1:1"}],"redis":{},"routes":[{"route_id":"a"}]})");
}

TEST(Parts, ADocumentBringsNothingOfTheInstance) {
  const Json merged =
      merge(json(R"({"workers":2})"), json(R"({"workers":9,"listeners":[{}],"admin":{},"routes":[1]})"));
  EXPECT_EQ(to_canonical(merged), R"({"routes":[1],"workers":2})");
}

TEST(Parts, RoutesOfTheFileGiveWayToTheDocuments) {
  EXPECT_EQ(to_canonical(merge(json(R"({"workers":2,"routes":[1],"upstreams":[2]})"), json(R"({"routes":[3]})"))),
            R"({"routes":[3],"workers":2})");
}

TEST(Parts, ProblemsNameTheObject) {
  const Json document = json(R"({"routes":[{"route_id":"a"},{"route_id":"orders"}],"groups":["g",{"name":"h"}],)"
                             R"("plugin_chain":[{"name":"cors"}]})");
  const auto told = [&](std::string path) { return describe_published(document, {{}, path, "is wrong", "mend it"}); };
  EXPECT_EQ(told("routes[1].upstream_url"), R"(route "orders": upstream_url: is wrong; mend it)");
  EXPECT_EQ(told("routes[0]"), R"(route "a": is wrong; mend it)");
  EXPECT_EQ(told("groups[0]"), R"(group "g": is wrong; mend it)");
  EXPECT_EQ(told("groups[1].tags[0]"), R"(group "h": tags[0]: is wrong; mend it)");
  EXPECT_EQ(told("plugin_chain[0].config.x"), R"(policy "cors": config.x: is wrong; mend it)");
  EXPECT_EQ(told("routes[7].x"), "routes[7].x: is wrong; mend it") << "there is none";
  EXPECT_EQ(told("listeners[0].address"), "listeners[0].address: is wrong; mend it");
  EXPECT_EQ(told(""), "is wrong; mend it");
}

}  // namespace
}  // namespace weir::snapshot
