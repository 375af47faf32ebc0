// What a database holds, for whoever would make a key that is missing.
#include "control/holdings.h"

#include "tests/control/desk.h"

namespace weir::control {

TEST(Holdings, OfANewDatabaseAreNothing) {
  Desk desk;
  ASSERT_TRUE(bool(holdings(*desk.store)));
  EXPECT_TRUE(holdings(*desk.store)->nothing());
  EXPECT_FALSE(holdings(*desk.store)->sealed);
}

TEST(Holdings, AreObjectsAndRevisions) {
  Desk desk;
  desk.two_routes();
  EXPECT_FALSE(holdings(*desk.store)->nothing());
  EXPECT_EQ(holdings(*desk.store)->last_revision, 0u);
  ASSERT_TRUE(desk.publish());
  EXPECT_EQ(holdings(*desk.store)->last_revision, 1u);
  EXPECT_FALSE(holdings(*desk.store)->sealed) << "no secret among them";
}

TEST(Holdings, AreSealedInTheDraftOrInTheLastRevision) {
  Desk desk;
  desk.two_routes();
  desk.set(Kind::secret, "s", R"({"value": "of the upstream"})");
  EXPECT_TRUE(holdings(*desk.store)->sealed);
  const auto published = desk.publish({.force = true});
  ASSERT_TRUE(published) << published.error().message;
  ASSERT_TRUE(
      desk.change(platform(), [](Draft& draft) { return draft.remove(Kind::secret, "s", {Expected::Kind::any}); }));
  EXPECT_FALSE(desk.object(Kind::secret, "s"));
  EXPECT_TRUE(holdings(*desk.store)->sealed) << "gateways still open it";
}

}  // namespace weir::control
