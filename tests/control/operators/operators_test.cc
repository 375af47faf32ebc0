#include "control/operators/operators.h"

#include "control/changes/operator_changes.h"
#include "tests/control/desk.h"

namespace weir::control {
namespace {

using Is = Objection::Kind;

std::optional<Authenticated> login(Desk& desk, std::string_view token, std::int64_t now = 1000) {
  std::optional<Authenticated> out;
  desk.look([&](StoreView& view) { out = authenticate(view, token, now).value(); });
  return out;
}

template <class Work>
auto operators(Desk& desk, const Author& author, Work work) {
  decltype(work(std::declval<OperatorChanges&>())) out;
  (void)transact(*desk.store, false, [&](StoreWriter& writer) -> Agreed<void> {
    OperatorChanges changes(writer, author);
    out = work(changes);
    if (!out) return std::unexpected(out.error());
    return {};
  });
  return out;
}

TEST(Bootstrap, TheFirstOperatorIsMadeOnce) {
  Desk desk;
  const auto token = bootstrap(*desk.store);
  ASSERT_TRUE(token);
  ASSERT_TRUE(*token);
  const auto admin = login(desk, **token);
  ASSERT_TRUE(admin);
  EXPECT_EQ(admin->who.name, "admin");
  EXPECT_EQ(admin->who.role, Role::platform);
  EXPECT_EQ(admin->who.tokens.at(0).hash.find((*token)->substr(20)), std::string::npos);
  const auto again = bootstrap(*desk.store);
  ASSERT_TRUE(again);
  EXPECT_FALSE(*again);
}

TEST(Token, OnlyTheWholeOneHolds) {
  Desk desk;
  const std::string token = bootstrap(*desk.store).value().value();
  for (std::size_t i = 0; i < token.size(); ++i) {
    std::string wrong = token;
    wrong[i] = wrong[i] == 'x' ? 'y' : 'x';
    EXPECT_FALSE(login(desk, wrong)) << i;
  }
  EXPECT_FALSE(login(desk, token + "x"));
  EXPECT_FALSE(login(desk, token.substr(0, token.size() - 1)));
  EXPECT_FALSE(login(desk, ""));
  EXPECT_FALSE(parse_token("weirop_0123456789ab_" + std::string(42, 'a') + "/"));
  EXPECT_TRUE(parse_token("weirop_0123456789ab_" + std::string(43, 'a')));
}

TEST(Token, ItEndsWithItsTimeItsRemovalAndItsOperator) {
  Desk desk;
  (void)bootstrap(*desk.store);
  Author admin = platform();
  admin.at_ms = 500'000;
  ASSERT_TRUE(operators(desk, admin, [](OperatorChanges& o) { return o.create("ci", {.role = Role::developer}); }));
  EXPECT_EQ(operators(desk, admin, [](OperatorChanges& o) { return o.add_token("ci", 400); }).error().kind,
            Is::invalid);
  const auto brief = operators(desk, admin, [](OperatorChanges& o) { return o.add_token("ci", 600); });
  ASSERT_TRUE(brief);
  EXPECT_TRUE(login(desk, brief->text, 599));
  EXPECT_FALSE(login(desk, brief->text, 600));
  const auto lasting = operators(desk, admin, [](OperatorChanges& o) { return o.add_token("ci"); });
  EXPECT_TRUE(login(desk, lasting->text));
  ASSERT_TRUE(operators(desk, admin, [](OperatorChanges& o) { return o.change("ci", {.disabled = true}); }));
  EXPECT_FALSE(login(desk, lasting->text));
  ASSERT_TRUE(operators(desk, admin, [](OperatorChanges& o) { return o.change("ci", {.disabled = false}); }));
  EXPECT_TRUE(login(desk, lasting->text));
  ASSERT_TRUE(operators(desk, admin, [&](OperatorChanges& o) { return o.remove_token("ci", lasting->token.id); }));
  EXPECT_FALSE(login(desk, lasting->text));
  for (const AuditEntry& entry : desk.audit())
    EXPECT_EQ(to_canonical(entry.after).find(lasting->token.hash), std::string::npos);
}

TEST(OperatorChanges, ATokenEndsNoLaterThanTheOneItWasMadeWith) {
  Desk desk;
  (void)bootstrap(*desk.store);
  Author brief = platform();
  brief.at_ms = 500'000;
  ASSERT_TRUE(operators(desk, brief, [](OperatorChanges& o) { return o.create("tmp", {.role = Role::platform}); }));
  const auto first = operators(desk, brief, [](OperatorChanges& o) { return o.add_token("tmp", 600); });
  ASSERT_TRUE(first);
  brief.token_ends = login(desk, first->text, 500)->token_ends;
  EXPECT_EQ(brief.token_ends, 600);
  for (const std::string_view whose : {"tmp", "admin"}) {
    EXPECT_EQ(operators(desk, brief, [&](OperatorChanges& o) { return o.add_token(whose, 601); }).error().kind,
              Is::invalid);
    const auto unsaid = operators(desk, brief, [&](OperatorChanges& o) { return o.add_token(whose); });
    ASSERT_TRUE(unsaid);
    EXPECT_EQ(unsaid->token.expires, 600);
    EXPECT_EQ(operators(desk, brief, [&](OperatorChanges& o) { return o.add_token(whose, 550); })->token.expires,
              550);
  }
}

TEST(OperatorChanges, TheLastPlatformEngineerStays) {
  Desk desk;
  (void)bootstrap(*desk.store);
  const Author admin = platform();
  const auto demote = [&] {
    return operators(desk, admin, [](OperatorChanges& o) { return o.change("admin", {.role = Role::viewer}); });
  };
  EXPECT_EQ(demote().error().kind, Is::invalid);
  EXPECT_EQ(operators(desk, admin, [](OperatorChanges& o) { return o.remove("admin"); }).error().kind, Is::invalid);
  EXPECT_FALSE(operators(desk, admin, [](OperatorChanges& o) { return o.change("admin", {.disabled = true}); }));
  ASSERT_TRUE(operators(desk, admin, [](OperatorChanges& o) { return o.create("b", {.role = Role::platform}); }));
  EXPECT_TRUE(demote());
}

TEST(OperatorChanges, WhoMayNotManageMakesTokensForThemselvesOnly) {
  Desk desk;
  const Author shop = developer("shop");
  ASSERT_TRUE(operators(desk, platform(), [](OperatorChanges& o) {
    return o.create("dev-shop", {.role = Role::developer, .teams = std::vector<std::string>{"shop"}});
  }));
  ASSERT_TRUE(operators(desk, platform(), [](OperatorChanges& o) { return o.create("other", {}); }));
  EXPECT_TRUE(operators(desk, shop, [](OperatorChanges& o) { return o.add_token("dev-shop"); }));
  EXPECT_EQ(operators(desk, shop, [](OperatorChanges& o) { return o.add_token("other"); }).error().kind,
            Is::forbidden);
  EXPECT_EQ(operators(desk, shop, [](OperatorChanges& o) { return o.create("x", {}); }).error().kind, Is::forbidden);
  EXPECT_EQ(operators(desk, shop, [](OperatorChanges& o) { return o.change("dev-shop", {.role = Role::platform}); })
                .error()
                .kind,
            Is::forbidden);
}

TEST(Roles, TheTableSaysWhatEachMay) {
  const auto yes = [](Role role) {
    std::string out;
    for (int i = 0; i <= static_cast<int>(Action::read_audit); ++i) {
      const Reach each = reach(role, static_cast<Action>(i));
      out += each == Reach::yes ? 'y' : each == Reach::own_team ? 't' : '-';
    }
    return out;
  };
  // read, write, publish, rollback, keys, read operators, manage operators, audit
  EXPECT_EQ(yes(Role::viewer), "y-------");
  EXPECT_EQ(yes(Role::developer), "yty-t---");
  EXPECT_EQ(yes(Role::platform), "yyyyyyyy");
  EXPECT_EQ(yes(Role::auditor), "y----y-y");
  for (const Kind kind : {Kind::policy, Kind::certificate, Kind::secret})
    EXPECT_EQ(reach(Role::developer, Action::write, kind), Reach::no);
  EXPECT_FALSE(may({.name = "x", .role = Role::platform, .disabled = true}, Action::read));
}

}  // namespace
}  // namespace weir::control
