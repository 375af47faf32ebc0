// A control plane for tests: a store in memory, rules with all filters, and operators of each role.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>

#include "adapters/sqlite/store.h"
#include "control/assemble.h"
#include "control/changes/changes.h"
#include "control/changes/publish.h"
#include "filters/table.h"

namespace weir::control {

inline Json json(std::string_view text) {
  auto value = parse_json(text);
  EXPECT_TRUE(value) << text << (value ? "" : ": " + value.error().message);
  return value ? std::move(*value) : Json();
}

inline Author platform() { return {{.name = "ada", .role = Role::platform}, "192.0.2.1", 1'769'860'800'000}; }
inline Author developer(std::string team) {
  return {{.name = "dev-" + team, .role = Role::developer, .teams = {team}}, "192.0.2.2", 1'769'860'800'000};
}
inline Author viewer() { return {{.name = "vera", .role = Role::viewer}, "192.0.2.3", 1'769'860'800'000}; }

struct Desk {
  std::unique_ptr<Store> store = std::move(*adapters::sqlite::open(":memory:"));
  Rules rules{filters::table()};
  revision::SigningKey key = revision::SigningKey::generate();

  Desk() {
    rules.instance = json(R"({"listeners": [{"address": "127.0.0.1:0"}]})");
    rules.master_key = "0123456789abcdef0123456789abcdef";
    for (const LintRule& rule : lint_rules()) rules.lint[std::string(rule.name)] = Severity::ignore;
  }

  // One change in a transaction of its own.
  template <class Work>
  auto change(const Author& author, Work work) -> decltype(work(std::declval<Draft&>())) {
    decltype(work(std::declval<Draft&>())) out;
    const auto done = transact(*store, false, [&](StoreWriter& writer) -> Agreed<void> {
      Draft draft(writer, rules, author);
      out = work(draft);
      if (!out) return std::unexpected(out.error());
      return {};
    });
    if (!done && out) return std::unexpected(done.error());
    return out;
  }
  Agreed<Changed> put(const Author& author, Kind kind, std::string_view name, std::string_view body,
                      Expected expected = {Expected::Kind::any}) {
    return change(author, [&](Draft& draft) { return draft.put(kind, name, json(body), expected); });
  }
  // That must work.
  void set(Kind kind, std::string_view name, std::string_view body) {
    const auto done = put(platform(), kind, name, body);
    ASSERT_TRUE(done) << done.error().message
                      << (done.error().findings.empty() ? "" : describe(done.error().findings[0]));
  }
  void two_routes() {
    set(Kind::upstream, "shop", R"({"targets": [{"address": "127.0.0.1:9001"}]})");
    set(Kind::route, "cart", R"({"path_pattern": "/cart/**", "upstream_url": "http://shop"})");
    set(Kind::route, "pay", R"({"path_pattern": "/pay/**", "upstream_url": "http://shop"})");
  }

  template <class Work>
  void look(Work work) {
    const auto done = store->read([&](StoreView& view) -> StoreResult<void> {
      work(view);
      return {};
    });
    ASSERT_TRUE(done) << done.error().message;
  }
  std::optional<Object> object(Kind kind, std::string_view name) {
    std::optional<Object> out;
    look([&](StoreView& view) { out = view.object(kind, name).value(); });
    return out;
  }
  std::vector<AuditEntry> audit() {
    std::vector<AuditEntry> out;
    look([&](StoreView& view) { out = view.audit(0, 1000).value(); });
    return out;
  }
  Json document() {
    Json out;
    look([&](StoreView& view) { out = assemble(view).value(); });
    return out;
  }
  Agreed<Published> publish(PublishOptions options = {}, const Author& author = platform()) {
    return control::publish(*store, rules, key, author, options);
  }
};

inline Objection::Kind kind_of_objection(const Agreed<Changed>& outcome) {
  EXPECT_FALSE(outcome);
  return outcome ? Objection::Kind::store : outcome.error().kind;
}

}  // namespace weir::control
