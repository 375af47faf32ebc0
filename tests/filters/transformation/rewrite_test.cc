#include <gtest/gtest.h>

#include "filters/transformation/specs.h"
#include "http/message/query.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

std::string path_after(std::string_view config, std::string_view path) {
  Scene scene("GET", path);
  const pipeline::Verdict verdict = made(rewrite_spec(), config)->on_request(scene.exchange);
  if (!passes(verdict)) return std::string(refusal(verdict));
  EXPECT_EQ(scene.exchange.path, path) << "match, policy and log keep the client's path";
  return std::string(scene.exchange.upstream_path);
}

TEST(Rewrite, StripsWholeSegments) {
  constexpr std::string_view config = R"({"strip_prefix": "/api"})";
  EXPECT_EQ(path_after(config, "/api/users"), "/users");
  EXPECT_EQ(path_after(config, "/api"), "/");
  EXPECT_EQ(path_after(config, "/api/"), "/");
  EXPECT_EQ(path_after(config, "/apis/users"), "/apis/users");
  EXPECT_EQ(path_after(config, "/v1/api"), "/v1/api");
}

TEST(Rewrite, AddsAfterStripping) {
  EXPECT_EQ(path_after(R"({"strip_prefix": "/api", "add_prefix": "/v2/x"})", "/api/users"), "/v2/x/users");
  EXPECT_EQ(path_after(R"({"add_prefix": "/v2"})", "/"), "/v2/");
  EXPECT_EQ(path_after(R"({"add_prefix": "/v2"})", "*"), "*") << "OPTIONS * is about no path";
}

TEST(Rewrite, OneRewriteGoesOnWhereAnotherEnded) {
  Scene scene("GET", "/a/b/c");
  made(rewrite_spec(), R"({"strip_prefix": "/a"})")->on_request(scene.exchange);
  made(rewrite_spec(), R"({"strip_prefix": "/b"})")->on_request(scene.exchange);
  EXPECT_EQ(scene.exchange.upstream_path, "/c");
}

TEST(Rewrite, PathWithCaptures) {
  Scene scene("GET", "/orders/a%20b/items/x/y");
  scene.capture("id", "a%20b").capture("rest", "x/y");
  const auto filter = made(rewrite_spec(), R"({"path": "/v2/${path.rest}/of/${path.id}"})");
  EXPECT_EQ(filter->captures_used(), (std::vector<std::string_view>{"rest", "id"}));
  EXPECT_TRUE(passes(filter->on_request(scene.exchange)));
  EXPECT_EQ(scene.exchange.upstream_path, "/v2/x/y/of/a%20b");
}

TEST(Rewrite, NoValueCanClimbOrAddSegments) {
  const auto verdict_for = [](std::string_view tenant) {
    Scene scene("GET", "/x");
    scene.header("X-Tenant", tenant);
    const auto verdict =
        made(rewrite_spec(), R"({"path": "/t/${header.x-tenant}/data"})")->on_request(scene.exchange);
    return passes(verdict) ? std::string(scene.exchange.upstream_path) : std::string(refusal(verdict));
  };
  EXPECT_EQ(verdict_for("acme"), "/t/acme/data");
  EXPECT_EQ(verdict_for("a b?#&"), "/t/a%20b%3F%23%26/data");
  EXPECT_EQ(verdict_for("%2e%2e"), "/t/%252e%252e/data");
  for (const std::string_view bad : {"", ".", "..", "../../admin", "a/b", "/", "\\", "..\\", "\xff"}) {
    EXPECT_EQ(verdict_for(bad), "bad_path") << bad;
  }
}

TEST(Rewrite, EncodedSlashesPassOnlyWhereTheRouteTakesThem) {
  Scene scene("GET", "/files/a%2Fb");
  scene.capture("name", "a%2Fb");
  EXPECT_TRUE(passes(made(rewrite_spec(), R"({"path": "/f/${path.name}"})")->on_request(scene.exchange)));
  EXPECT_EQ(scene.exchange.upstream_path, "/f/a%2Fb");
}

TEST(Rewrite, Host) {
  Scene scene("GET", "/");
  scene.header("X-Tenant", "acme").header("X-Bad", "a@b/");
  EXPECT_TRUE(
      passes(made(rewrite_spec(), R"({"host": "${header.x-tenant}.internal:8080"})")->on_request(scene.exchange)));
  EXPECT_EQ(scene.exchange.upstream_host, "acme.internal:8080");
  EXPECT_EQ(refusal(made(rewrite_spec(), R"({"host": "${header.x-bad}.internal"})")->on_request(scene.exchange)),
            "bad_request");
  EXPECT_EQ(refusal(made(rewrite_spec(), R"({"host": "${header.x-none}"})")->on_request(scene.exchange)),
            "bad_request");
}

std::string query_after(std::string_view config, const char* query, std::string_view header = {}) {
  Scene scene("GET", "/p/a&b", query);
  scene.capture("id", "c%20d").header("X-V", header);
  EXPECT_TRUE(passes(made(rewrite_spec(), config)->on_request(scene.exchange)));
  EXPECT_EQ(scene.exchange.upstream_path, "/p/a&b");
  return scene.exchange.upstream_has_query ? "?" + std::string(scene.exchange.upstream_query) : "none";
}

TEST(Rewrite, Query) {
  EXPECT_EQ(query_after(R"({"query": {"remove": ["b"]}})", "a=1&b=2&c&b&%62=3"), "?a=1&c");
  EXPECT_EQ(query_after(R"({"query": {"remove": ["a"]}})", "a=1"), "none");
  EXPECT_EQ(query_after(R"({"query": {"remove": ["a"]}})", nullptr), "none");
  EXPECT_EQ(query_after(R"({"query": {"set": {"x": "1"}}})", nullptr), "?x=1");
  EXPECT_EQ(query_after(R"({"query": {"set": {"x": "1", "y": ""}}})", "x=0&z=%2&x"), "?z=%2&x=1&y=");
  EXPECT_EQ(query_after(R"({"query": {"remove": ["A"]}})", "a=1"), "?a=1") << "names have their case";
}

TEST(Rewrite, QueryValuesCannotAddParameters) {
  EXPECT_EQ(query_after(R"({"query": {"set": {"v": "${header.x-v}"}}})", nullptr, "1&admin=1#x y+z%"),
            "?v=1%26admin%3D1%23x%20y%2Bz%25");
  EXPECT_EQ(query_after(R"({"query": {"set": {"a&b": "${path} ${path.id}"}}})", nullptr), "?a%26b=/p/a%26b%20c%20d");
}

TEST(Query, NamesAreComparedDecoded) {
  EXPECT_TRUE(http::names_parameter("%74oken", "token", http::Case::exact));
  EXPECT_TRUE(http::names_parameter("a+b", "a b", http::Case::exact));
  EXPECT_TRUE(http::names_parameter("%", "%", http::Case::exact));
  EXPECT_TRUE(http::names_parameter("%zz", "%zz", http::Case::exact));
  EXPECT_TRUE(http::names_parameter("ToKeN", "token", http::Case::ignored));
  EXPECT_FALSE(http::names_parameter("ToKeN", "token", http::Case::exact));
  EXPECT_FALSE(http::names_parameter("token", "toke", http::Case::exact));
  EXPECT_FALSE(http::names_parameter("toke", "token", http::Case::exact));
}

TEST(Rewrite, Mistakes) {
  EXPECT_EQ(mistakes(rewrite_spec(), "{}"),
            "rewrites nothing; known fields: strip_prefix, add_prefix, path, host, query");
  EXPECT_EQ(mistakes(rewrite_spec(), R"({"strip_prefix": "api"})").substr(0, 54),
            "strip_prefix: \"api\" is not a valid path prefix; it beg");
  for (const std::string_view bad : {"/", "/a/", "/a//b", "/a/../b", "/a?b", "/%61", "/a b"}) {
    EXPECT_NE(mistakes(rewrite_spec(), "{\"add_prefix\": \"" + std::string(bad) + "\"}"), "") << bad;
  }
  EXPECT_EQ(mistakes(rewrite_spec(), R"({"path": "/a", "add_prefix": "/b"})"),
            "path: replaces the whole path: it cannot stand beside a prefix");
  const std::string form =
      "path: does not make a path as Weir writes them; it begins with \"/\" and has no \"//\", no "
      "dot segments and no \"?\"";
  for (const std::string_view bad : {"a", "/a//b", "/a?b=c", "/a/..", "/a/${path}", "${path.id}"}) {
    EXPECT_EQ(mistakes(rewrite_spec(), "{\"path\": \"" + std::string(bad) + "\"}"), form) << bad;
  }
  EXPECT_EQ(mistakes(rewrite_spec(), R"({"path": "/a${query}"})"),
            "path: \"${query}\" is no part of a path; the query passes by itself");
  EXPECT_EQ(mistakes(rewrite_spec(), R"({"host": "a/b"})"),
            "host: does not make a host; a name or an address, with or without \":port\"");
  EXPECT_EQ(mistakes(rewrite_spec(), R"({"query": {"set": {"a": "${query}"}}})"),
            "query.set.a: \"${query}\" is no value of a parameter");
  EXPECT_EQ(mistakes(rewrite_spec(), R"({"query": {"set": {"a": "${pat.id}"}}})"),
            "query.set.a: unknown variable \"${pat.id}\"; did you mean \"path.id\"?");
}

}  // namespace
}  // namespace weir::filters
