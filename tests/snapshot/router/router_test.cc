#include "snapshot/router/router.h"

#include <gtest/gtest.h>

#include "tests/snapshot/router/linear_router.h"

namespace weir::snapshot {
namespace {

struct Sample {
  std::string host, path;
  std::string method = "GET";
  std::string query = "";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

// The id of the route that takes the request and its captures; or "404", or "405 " and the Allow list.
std::string take(const std::vector<RouteKey>& keys, const Sample& sample) {
  const auto router = Router::build(keys);
  if (!router) return "not built: " + router.error()[0].message;
  http::Fields fields;
  for (const auto& [name, value] : sample.headers) fields.append(name, value);
  const Match match = router->match({sample.host, sample.path, sample.method, sample.query, fields});
  if (match.outcome == Match::Outcome::no_path) return "404";
  if (match.outcome == Match::Outcome::wrong_method) return "405 " + router->allow(match.allowed);
  std::string out = keys[static_cast<std::size_t>(match.route)].id;
  for (const Capture& capture : match.captured())
    out.append(" ").append(capture.name).append("=").append(capture.value);
  return out;
}

RouteKey route(std::string id, std::string pattern, std::vector<std::string> methods = {},
               std::vector<std::string> hosts = {}) {
  return {std::move(id), std::move(hosts), std::move(pattern), std::move(methods), {}, 0};
}

Predicate header(std::string name, std::string value) {
  return {Predicate::Source::header, Predicate::Test::exact, std::move(name), std::move(value)};
}

RouteKey with(RouteKey key, std::vector<Predicate> predicates, int priority = 0) {
  key.predicates = std::move(predicates);
  key.priority = priority;
  return key;
}

std::string problem(const std::vector<RouteKey>& keys) {
  const auto router = Router::build(keys);
  if (router) return "";
  std::string out;
  for (const Problem& p : router.error()) out += (out.empty() ? "" : "\n") + p.path + ": " + p.message;
  return out;
}

TEST(Router, PathPrecedence) {
  const std::vector<RouteKey> keys = {
      route("all", "/**"),
      route("users", "/users"),
      route("users-glob", "/users/**"),
      route("user", "/users/{id}"),
      route("me", "/users/me"),
      route("orders-of", "/users/{id}/orders"),
      route("my-glob", "/users/me/**"),
      route("file", "/files/{path...}"),
      route("star", "/x/*/z"),
      route("slash", "/dir/"),
      route("root", "/"),
  };
  const std::pair<const char*, const char*> rows[] = {
      {"/", "root"},
      {"/users", "users"},
      {"/users/", "users-glob"},
      {"/users/42", "user id=42"},
      {"/users/42/", "users-glob"},
      {"/users/me", "me"},
      {"/users/me/", "my-glob"},
      {"/users/me/x", "my-glob"},
      {"/users/me/orders", "my-glob"},  // a longer literal prefix before a param
      {"/users/42/orders", "orders-of id=42"},
      {"/users/42/orders/7", "users-glob"},
      {"/usersx", "all"},
      {"/Users", "all"},
      {"/files", "file path="},
      {"/files/", "file path="},
      {"/files/a", "file path=a"},
      {"/files/a/b%20c/", "file path=a/b%20c/"},
      {"/x/y/z", "star"},
      {"/x//z", "all"},
      {"/x/y/z/", "all"},
      {"/dir/", "slash"},
      {"/dir", "all"},
      {"*", "404"},
      {"", "404"},
  };
  for (const auto& [path, expected] : rows) EXPECT_EQ(take(keys, {"any", path}), expected) << path;
}

TEST(Router, HostPrecedence) {
  const std::vector<RouteKey> keys = {
      route("none", "/a"),
      route("none-all", "/**"),
      route("wide", "/a", {}, {"*.example.com"}),
      route("near", "/a", {}, {"*.eu.example.com"}),
      route("exact", "/a", {}, {"shop.eu.example.com", "Shop.Example.com."}),
      route("exact-post", "/only", {"POST"}, {"shop.eu.example.com"}),
      route("v6", "/a", {}, {"[2001:DB8::1]"}),
  };
  const std::pair<const char*, const char*> rows[] = {
      {"shop.eu.example.com", "exact"}, {"shop.example.com", "exact"},
      {"x.eu.example.com", "near"},     {"x.y.eu.example.com", "near"},
      {"eu.example.com", "wide"},       {"x.y.example.com", "wide"},
      {"example.com", "none"},          {"notexample.com", "none"},
      {"x.notexample.com", "none"},     {"", "none"},
      {"[2001:db8::1]", "v6"},          {"com", "none"},
  };
  for (const auto& [host, expected] : rows) EXPECT_EQ(take(keys, {host, "/a"}), expected) << host;
  // A host whose routes do not fit leaves the request to the next best host.
  EXPECT_EQ(take(keys, {"shop.eu.example.com", "/b"}), "none-all");
  EXPECT_EQ(take(keys, {"shop.eu.example.com", "/only"}), "none-all");
  EXPECT_EQ(take(keys, {"shop.eu.example.com", "/only", "POST"}), "exact-post");
  // A host of 126 labels costs no more than one probe per label of the longest wildcard, and finds it.
  std::string deep;
  for (int i = 0; i < 120; ++i) deep += "a.";
  EXPECT_EQ(take(keys, {deep + "example.com", "/a"}), "wide");
}

TEST(Router, StepsAsideForMethodsAndPredicates) {
  const std::vector<RouteKey> keys = {
      route("exact-post", "/a/b", {"POST"}),
      route("param-put", "/a/{x}", {"PUT"}),
      with(route("canary", "/{y}/b", {"GET"}), {header("X-Canary", "1")}),
      route("glob-get", "/a/**", {"GET"}),
  };
  EXPECT_EQ(take(keys, {"", "/a/b", "POST"}), "exact-post");
  EXPECT_EQ(take(keys, {"", "/a/b", "PUT"}), "param-put x=b");
  EXPECT_EQ(take(keys, {"", "/a/b", "GET"}), "glob-get");
  EXPECT_EQ(take(keys, {"", "/a/b", "HEAD"}), "glob-get");
  EXPECT_EQ(take(keys, {"", "/z/b", "GET", "", {{"x-canary", "1"}}}), "canary y=z");
  EXPECT_EQ(take(keys, {"", "/z/b", "GET", "", {{"x-canary", "2"}}}), "404");
  EXPECT_EQ(take(keys, {"", "/a/b", "DELETE"}), "405 GET, HEAD, POST, PUT");
  EXPECT_EQ(take(keys, {"", "/a/b", "OPTIONS"}), "405 GET, HEAD, POST, PUT");  // OPTIONS is not implied
  EXPECT_EQ(take(keys, {"", "/z/b", "PUT"}), "404");  // not 405: with PUT allowed it would still not fit
  EXPECT_EQ(take(keys, {"", "/z/b", "PUT", "", {{"x-canary", "1"}}}), "405 GET, HEAD");
}

TEST(Router, Methods) {
  const std::vector<RouteKey> keys = {route("get", "/a", {"GET"}), route("head", "/a", {"HEAD"}),
                                      route("dav", "/dav", {"PROPFIND", "REPORT"}), route("any", "/any")};
  EXPECT_EQ(take(keys, {"", "/a", "HEAD"}), "head");
  EXPECT_EQ(take(keys, {"", "/a", "GET"}), "get");
  EXPECT_EQ(take({keys[0]}, {"", "/a", "HEAD"}), "get");
  EXPECT_EQ(take(keys, {"", "/dav", "REPORT"}), "dav");
  EXPECT_EQ(take(keys, {"", "/dav", "report"}), "405 PROPFIND, REPORT");
  EXPECT_EQ(take(keys, {"", "/dav", "BREW"}), "405 PROPFIND, REPORT");
  EXPECT_EQ(take(keys, {"", "/any", "BREW"}), "any");
  EXPECT_EQ(take(keys, {"", "/any", "OPTIONS"}), "any");
}

TEST(Router, PredicatesThenPriority) {
  using enum Predicate::Test;
  const std::vector<RouteKey> keys = {
      route("plain", "/a"),
      with(route("one", "/a"), {header("x", "1")}),
      with(route("two", "/a"), {header("x", "1"), {Predicate::Source::query, exact, "v", "a b"}}),
      with(route("other", "/a"), {header("X", "2")}),
      with(route("present", "/a"), {{Predicate::Source::header, present, "x", ""}}, -1),
      with(route("prefix", "/a"), {{Predicate::Source::query, prefix, "v", "beta"}}, 5),
  };
  EXPECT_EQ(take(keys, {"", "/a"}), "plain");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "", {{"X", "1"}}}), "one");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "v=a+b", {{"X", "1"}}}), "two");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "q&%76=a%20b", {{"X", "1"}}}), "two");
  // Of several all must fit, whichever stands first.
  EXPECT_EQ(take(keys, {"", "/a", "GET", "q&%76=a%20b&v=z", {{"X", "1"}}}), "one");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "v=z&v=a+b", {{"X", "1"}}}), "one");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "v=a+b&%76=a%20b", {{"X", "1"}, {"x", "1"}}}), "two");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "", {{"X", "1"}, {"x", "9"}}}), "present");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "", {{"X", "1, 9"}}}), "present");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "v=beta1&v=other", {{"x", "1"}}}), "one");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "", {{"x", "2"}}}), "other");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "", {{"x", "3"}, {"x", "1"}}}), "present");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "v=beta7", {{"x", "1"}}}), "prefix");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "v=bet"}), "plain");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "v=be%74a"}), "prefix");
  EXPECT_EQ(take(keys, {"", "/a", "GET", "vv=beta"}), "plain");
}

TEST(Router, NamesBothRoutesOfATie) {
  EXPECT_EQ(problem({route("left", "/a/{x}"), route("right", "/a/*", {"GET"})}),
            "routes[1]: routes \"left\" and \"right\" take the same requests: equal hosts, path pattern \"/a/*\" and "
            "predicates, and a method in common");
  EXPECT_NE(problem({route("a", "/a", {"GET"}, {"x.com", "y.com"}), route("b", "/a", {"GET"}, {"y.com", "z.com"})}),
            "");
  EXPECT_NE(problem({with(route("a", "/a"), {header("x", "1")}), with(route("b", "/a"), {header("y", "1")})}), "");
  // No request fits both, or something orders them.
  EXPECT_EQ(problem({with(route("a", "/a"), {header("x", "1")}), with(route("b", "/a"), {header("X", "2")})}), "");
  EXPECT_EQ(problem({route("a", "/a", {"GET"}), route("b", "/a", {"POST"})}), "");
  EXPECT_EQ(problem({route("a", "/a", {"GET"}), route("b", "/a", {"HEAD"})}), "");
  EXPECT_EQ(problem({route("a", "/a", {}, {"x.com"}), route("b", "/a", {}, {"*.com"}), route("c", "/a")}), "");
  EXPECT_EQ(problem({route("a", "/a/**"), route("b", "/a/*"), route("c", "/a"), route("d", "/a/")}), "");
}

TEST(Router, NamesBothRoutesWhenOneCanNeverMatch) {
  EXPECT_EQ(problem({with(route("loud", "/a"), {}, 1), route("dead", "/a", {"GET"})}),
            "routes[1]: route \"dead\" can never match: \"loud\" takes all its requests first");
  EXPECT_EQ(problem({route("dead", "/a", {"GET", "POST"}), with(route("g", "/a", {"GET"}), {}, 1),
                     with(route("p", "/a", {"POST"}), {}, 2)}),
            "routes[0]: route \"dead\" can never match: \"g\" and \"p\" take all its requests first");
  EXPECT_EQ(problem({with(route("a", "/a"), {header("x", "1")}, 1), with(route("dead", "/a"), {header("X", "1")})}),
            "routes[1]: route \"dead\" can never match: \"a\" takes all its requests first");
  EXPECT_EQ(problem({with(route("a", "/a"), {header("x", "1"), header("x", "2")})}),
            "routes[0].predicates[1]: route \"a\" can never match: header x = \"1\" and header x = \"2\" exclude "
            "each other");
  // Alive by a method, a host or a predicate of its own.
  EXPECT_EQ(problem({with(route("a", "/a", {"GET"}), {}, 1), route("b", "/a", {"GET", "POST"})}), "");
  EXPECT_EQ(problem({with(route("a", "/a", {}, {"x.com"}), {}, 1), route("b", "/a", {}, {"x.com", "y.com"})}), "");
  EXPECT_EQ(problem({with(route("a", "/a"), {header("x", "1")}, 1), route("b", "/a")}), "");
}

TEST(Router, RefusesBadPatterns) {
  const std::pair<const char*, const char*> rows[] = {
      {"", "\"\" does not begin with \"/\""},
      {"users", "\"users\" does not begin with \"/\""},
      {"/a/**/b", "nothing may follow \"**\" or \"{name...}\""},
      {"/a*", "\"a*\": \"*\", \"**\" and \"{name}\" must be a whole segment"},
      {"/{x}.json", "\"{x}.json\": \"*\", \"**\" and \"{name}\" must be a whole segment"},
      {"/***", "\"***\": \"*\", \"**\" and \"{name}\" must be a whole segment"},
      {"/{x}/{x}", "captures \"x\" twice"},
      {"/{}", "\"{}\" is not a capture: a name has letters, digits and \"_\", at most 64, no digit first"},
      {"/{1x}", "\"{1x}\" is not a capture: a name has letters, digits and \"_\", at most 64, no digit first"},
      {"//a", "could never match: paths are compared in canonical form"},
      {"/a//b", "could never match: paths are compared in canonical form"},
      {"/a/../b", "could never match: paths are compared in canonical form"},
      {"/{x}/./b", "could never match: paths are compared in canonical form"},
      {"/%41", "could never match: paths are compared in canonical form"},
      {"/%c3%a9", "could never match: paths are compared in canonical form"},
      {"/a[b]", "could never match: paths are compared in canonical form"},
      {"/caf\xc3\xa9", "could never match: non-ASCII byte in the path"},
      {"/a b", "could never match: control byte or space in the path"},
      {"/a?b", "contains \"?\""},
      {"/a#b", "could never match: fragment in the request target"},
  };
  for (const auto& [pattern, expected] : rows)
    EXPECT_EQ(problem({route("r", pattern)}), std::string("routes[0].path_pattern: ") + expected) << pattern;
  std::string deep;
  for (std::size_t i = 0; i < kMaxPatternSegments; ++i) deep += "/a";
  EXPECT_EQ(take({route("deep", deep)}, {"", deep}), "deep");
  EXPECT_EQ(take({route("deep", deep)}, {"", deep + "/a"}), "404");
  EXPECT_EQ(problem({route("r", deep + "/a")}), "routes[0].path_pattern: has more than 32 segments");
  std::string captures;
  for (std::size_t i = 0; i < kMaxCaptures; ++i) captures += "/{v" + std::to_string(i) + "}";
  EXPECT_EQ(problem({route("r", captures)}), "");
  EXPECT_EQ(problem({route("r", captures + "/{w}")}), "routes[0].path_pattern: has more than 16 captures");
  EXPECT_EQ(take({route("kept", "/a%2Fb/%C3%A9;x=1")}, {"", "/a%2Fb/%C3%A9;x=1"}), "kept");
}

TEST(Router, RefusesBadHostsAndMethods) {
  const std::pair<const char*, const char*> hosts[] = {
      {"*", "\"*\" is not a host"},
      {"", "\"\" is not a host"},
      {"*.", "\"*.\" is not a host"},
      {"a.com:80", "\"a.com:80\" has a port"},
      {"a.*.com", "\"a.*.com\" is not a host: byte not allowed in the host"},
      {"*.*.com", "\"*.*.com\" is not a host: byte not allowed in the host"},
      {"a,b", "\"a,b\" is not a host: byte not allowed in the host"},
      {"a..b", "\"a..b\" is not a host: empty label in the host"},
  };
  for (const auto& [host, expected] : hosts)
    EXPECT_EQ(problem({route("r", "/", {}, {host})}), std::string("routes[0].hosts[0]: ") + expected) << host;
  EXPECT_EQ(problem({route("r", "/", {}, {"a.com", "A.com."})}), "routes[0].hosts[1]: A.com. stands here twice");
  EXPECT_EQ(problem({route("r", "/", {"get"})}), "routes[0].http_methods[0]: \"get\" is not a method: case matters");
  EXPECT_EQ(problem({route("r", "/", {"GET", "GET"})}), "routes[0].http_methods[1]: GET stands here twice");
  EXPECT_EQ(problem({route("r", "/", {"CONNECT"})}), "routes[0].http_methods[0]: CONNECT is never proxied");
  EXPECT_NE(problem({route("r", "/", {"GE T"})}), "");
  EXPECT_NE(problem({route("r", "/", {""})}), "");
  // Every problem of every route is reported at once.
  EXPECT_EQ(problem({route("r", "x", {"get"}), route("s", "y")}),
            "routes[0].http_methods[0]: \"get\" is not a method: case matters\n"
            "routes[0].path_pattern: \"x\" does not begin with \"/\"\n"
            "routes[1].path_pattern: \"y\" does not begin with \"/\"");
}

// All 2^12 patterns of twelve segments, each "a" or "*": a lookup could enter 8,191 nodes, so the set is refused. One
// level of such choice less than the limit is built, and answers.
TEST(Router, BoundsBacktracking) {
  const auto mixed = [](unsigned levels) {
    std::vector<RouteKey> keys;
    for (unsigned bits = 0; bits < 1U << levels; ++bits) {
      std::string pattern;
      for (unsigned i = 0; i < levels; ++i) pattern += (bits >> i & 1) != 0 ? "/a" : "/*";
      keys.push_back(route("r" + std::to_string(bits), pattern));
    }
    return keys;
  };
  EXPECT_EQ(
      problem(mixed(12)),
      "routes: patterns that mix names and \"*\" in the same places make one lookup visit up to 8191 nodes; the "
      "limit is 1000");
  EXPECT_EQ(take(mixed(8), {"", "/a/a/a/a/a/a/a/b"}), "r127");
  EXPECT_EQ(take(mixed(8), {"", "/a/a/a/a/a/a/a/"}), "404");
}

TEST(Router, Explains) {
  const std::vector<RouteKey> keys = {
      route("post", "/a/b", {"POST"}), with(route("canary", "/a/b", {"GET"}), {header("x", "1")}),
      route("param", "/a/{id}", {"GET"}), route("all", "/**"), route("elsewhere", "/c")};
  const auto router = Router::build(keys);
  ASSERT_TRUE(router);
  std::string text;
  for (const Candidate& candidate : router->explain({"", "/a/b", "GET", "", {}}, keys))
    text += keys[static_cast<std::size_t>(candidate.route)].id + ": " + candidate.why_not + "\n";
  EXPECT_EQ(text,
            "canary: does not fit: header x = \"1\"\n"
            "post: takes POST, not GET\n"
            "param: \n"
            "all: route \"param\" goes before it\n");
}

TEST(Router, WithoutRoutesNothingMatches) {
  const Router empty;
  EXPECT_EQ(empty.match({"a.com", "/", "GET", "", {}}).outcome, Match::Outcome::no_path);
  EXPECT_EQ(take({}, {"a.com", "/"}), "404");
}

}  // namespace
}  // namespace weir::snapshot
