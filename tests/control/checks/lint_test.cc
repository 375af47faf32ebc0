#include "control/checks/lint.h"

#include "control/checks/guards.h"
#include "control/diff.h"
#include "snapshot/compile/compile.h"
#include "snapshot/parts.h"
#include "tests/control/desk.h"

namespace weir::control {
namespace {

// "rule kind/name field" of each finding.
std::vector<std::string> linted(std::string_view text, const LintSettings& settings = {}) {
  const Json document = json(text);
  const Json instance = json(R"({"listeners": [{"address": "127.0.0.1:0"}]})");
  const auto compiled = snapshot::compile(snapshot::merge(instance, document),
                                          {.filters = filters::table(), .base_dir = {}, .published = true});
  if (!compiled) {
    ADD_FAILURE() << describe(compiled.error()[0], "");
    return {};
  }
  std::vector<std::string> out;
  for (const Finding& finding : lint(document, **compiled, settings)) {
    EXPECT_FALSE(finding.message.empty());
    std::string line(finding.rule);
    if (finding.severity != Severity::warn) line += " " + std::string(word(finding.severity));
    if (finding.kind) line += " " + std::string(word(*finding.kind)) + "/" + finding.name;
    if (!finding.field.empty()) line += " " + finding.field;
    out.push_back(line);
  }
  return out;
}

using Lines = std::vector<std::string>;

std::string route(std::string_view more) {
  return R"({"routes": [{"route_id": "r", "path_pattern": "/", "upstream_url": "http://10.0.0.1:80")" +
         std::string(more) + "}]}";
}

TEST(Lint, ABareRouteLacksThreeThings) {
  EXPECT_EQ(linted(route("")), (Lines{"no_auth route/r auth_required", "no_limit route/r rate_limit_rps",
                                      "no_timeout route/r timeout"}));
}

TEST(Lint, WhatIsThereIsNotMissed) {
  EXPECT_EQ(
      linted(route(R"(, "timeout": "3s", "rate_limit_rps": 5, "auth_required": true, "plugin_chain": ["basic"])")),
      Lines{});
  // Limits count wherever they stand.
  EXPECT_EQ(linted(R"({"plugin_chain": [{"name": "rate_limit", "config": {"limits": [{"rate": "5/s"}]}}],
                       "routes": [{"route_id": "r", "path_pattern": "/", "upstream_url": "http://10.0.0.1:80",
                                   "timeout": "1s", "auth_required": true, "plugin_chain": ["basic"]}]})"),
            Lines{});
  EXPECT_EQ(linted(R"({"routes": [{"route_id": "r", "path_pattern": "/",
                       "plugin_chain": [{"name": "redirect", "config": {"to": "https://a.example/"}}]}]})"),
            Lines{});
}

TEST(Lint, RulesAreIgnoredByTagAndBySetting) {
  EXPECT_EQ(linted(route(R"(, "tags": ["lint-ignore:no_auth", "lint-ignore:no_timeout"])")),
            Lines{"no_limit route/r rate_limit_rps"});
  EXPECT_EQ(linted(route(""), {{"no_auth", Severity::ignore}, {"no_limit", Severity::block}}),
            (Lines{"no_limit block route/r rate_limit_rps", "no_timeout route/r timeout"}));
}

TEST(Lint, ClearTextToThePublicNetwork) {
  const LintSettings only = {
      {"no_auth", Severity::ignore}, {"no_limit", Severity::ignore}, {"no_timeout", Severity::ignore}};
  const auto of = [&](std::string_view address) {
    return linted(R"({"upstreams": [{"name": "u", "targets": [{"address": ")" + std::string(address) +
                      R"("}]}], "routes": [{"route_id": "r", "path_pattern": "/", "upstream_url": "http://u"}]})",
                  only);
  };
  EXPECT_EQ(of("api.example.com:80"), Lines{"plaintext_upstream upstream/u tls"});
  EXPECT_EQ(of("8.8.8.8:80"), Lines{"plaintext_upstream upstream/u tls"});
  for (const std::string_view inside :
       {"10.1.2.3:80", "127.0.0.1:80", "unix:/run/x", "orders:80", "a.svc.internal:80"})
    EXPECT_EQ(of(inside), Lines{}) << inside;
  EXPECT_EQ(
      linted(R"({"routes": [{"route_id": "r", "path_pattern": "/", "upstream_url": "http://api.example.com"}]})",
             only),
      Lines{"plaintext_upstream route/r upstream_url"});
  EXPECT_EQ(
      linted(R"({"routes": [{"route_id": "r", "path_pattern": "/", "upstream_url": "https://api.example.com"}]})",
             only),
      Lines{});
}

TEST(Lint, AnUpstreamNobodyUses) {
  EXPECT_EQ(linted(R"({"upstreams": [{"name": "u", "targets": [{"address": "10.0.0.1:80"}]}],
                       "routes": [{"route_id": "r", "path_pattern": "/", "upstream_url": "http://10.0.0.1:80",
                                   "timeout": "3s", "rate_limit_rps": 5, "auth_required": true, "plugin_chain": ["basic"]}]})"),
            Lines{"unused_upstream upstream/u"});
}

TEST(Lint, ManyOfARuleAreCounted) {
  Json routes = Json::array();
  for (int i = 0; i < 130; ++i)
    routes.push(json(
        R"({"route_id": "r)" + std::to_string(i) + R"(", "path_pattern": "/)" + std::to_string(i) +
        R"(", "upstream_url": "http://10.0.0.1:80", "auth_required": true, "plugin_chain": ["basic"], "timeout": "3s"})"));
  Json document = Json::object();
  document.set("routes", routes);
  const auto lines = linted(to_canonical(document));
  ASSERT_EQ(lines.size(), 101u);
  EXPECT_EQ(lines.back(), "no_limit");
}

TEST(Findings, ProblemsAreToldByObject) {
  const Json document = json(R"({"routes": [{"route_id": "a"}, {"route_id": "b"}], "groups": ["g"],
                                 "plugin_chain": ["cors"]})");
  const auto told = [&](std::string path) {
    return describe(finding_of(document, {{}, std::move(path), "is wrong", "mend"}));
  };
  EXPECT_EQ(told("routes[1].upstream_url"), "route \"b\": upstream_url: is wrong (mend)");
  EXPECT_EQ(told("plugin_chain[0].config.x"), "policy \"cors\": config.x: is wrong (mend)");
  EXPECT_EQ(told("groups[0]"), "group \"g\": is wrong (mend)");
  EXPECT_EQ(told("routes[7].x"), "routes[7].x: is wrong (mend)");
  EXPECT_EQ(told("listeners[0].address"), "listeners[0].address: is wrong (mend)");
  EXPECT_EQ(told("routes"), "routes: is wrong (mend)");
}

TEST(Differences, NameObjectsAndFields) {
  const auto lines = [](std::string_view from, std::string_view to) {
    Lines out;
    for (const Difference& one : differences(json(from), json(to))) {
      std::string line = std::string(word(one.what)) + " " + std::string(word(one.kind)) + "/" + one.name;
      for (const std::string& field : one.fields) line += " " + field;
      out.push_back(line);
    }
    return out;
  };
  EXPECT_EQ(
      lines(R"({"routes": [{"route_id": "a", "timeout": "1s"}, {"route_id": "b"}]})",
            R"({"routes": [{"timeout": "2s", "route_id": "a", "tags": ["x"]}, {"route_id": "c"}], "groups": ["g"]})"),
      (Lines{"changed route/a tags timeout", "removed route/b", "added route/c", "added group/g"}));
  EXPECT_EQ(
      lines(R"({"plugin_chain": ["cors", "api_key", "jwt"]})", R"({"plugin_chain": ["api_key", "cors", "jwt"]})"),
      (Lines{"changed policy/api_key order", "changed policy/cors order"}));
  EXPECT_EQ(lines(R"({"plugin_chain": ["cors"]})", R"({"plugin_chain": ["api_key", {"name": "cors"}]})"),
            Lines{"added policy/api_key"});
  EXPECT_EQ(lines("{}", "{}"), Lines{});
  const auto secret = differences(json("{}"), json(R"({"secrets": [{"name": "s", "value": "sealed:v1:abc"}]})"));
  EXPECT_EQ(to_canonical(to_json(secret.at(0))).find("sealed:"), std::string::npos);
}

}  // namespace
}  // namespace weir::control
