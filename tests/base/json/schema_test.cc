#include "base/json/schema.h"

#include <gtest/gtest.h>

#include "base/ip.h"
#include "base/json/fields.h"
#include "base/json/nearest.h"
#include "base/json/quantity.h"

namespace weir {
namespace {

using namespace std::chrono_literals;

bool is_address(std::string_view text, std::string& why) { return SocketAddress::parse(text, &why).has_value(); }

bool is_lower(std::string_view text, std::string& why) {
  why = "names here are lower case";
  return std::ranges::none_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

Schema target() {
  return schema::object({
      schema::field("address", schema::string().named("address").format(is_address)).required().doc("IP and port."),
      schema::field("weight", schema::integer(1, 100)).fallback(1),
  });
}

// One of everything.
const Schema& sample() {
  static const Schema kSample = schema::object({
      schema::field("route_id", schema::string().min_length(1).max_length(8)).required(),
      schema::field("path_pattern", schema::string().named("path pattern")),
      schema::field("http_methods",
                    schema::array(schema::string().named("method").words({"GET", "POST"})).min_items(1).unique()),
      schema::field("hosts", schema::array(schema::string()).max_items(2)),
      schema::field("auth_required", schema::boolean()).fallback(true),
      schema::field("priority", schema::integer()),
      schema::field("canary_weight", schema::number(0, 100)),
      schema::field("timeout", schema::duration(1ms, 1h)).fallback("30s"),
      schema::field("max_body", schema::size(0, 1 << 20)).fallback("64KiB"),
      schema::field("targets", schema::array(target())),
      schema::field("tls",
                    schema::object(
                        {schema::field("alpn", schema::array(schema::string())).fallback(Json::array().push("h2"))})),
      schema::field("set", schema::map(schema::string()).names(is_lower)),
      schema::field("plugin", schema::one_of({schema::string(),
                                              schema::object({schema::field("name", schema::string()).required()})})),
      schema::field("key", schema::one_of({
                               schema::object({schema::field("type", schema::string().words({"jwt"})).required(),
                                               schema::field("issuer", schema::string()).required()}),
                               schema::object({schema::field("type", schema::string().words({"file"})).required(),
                                               schema::field("path", schema::string()).required()}),
                           })),
      schema::field("settings", schema::any()),
      schema::field("rate_limit_rps", schema::number()).not_built("rate limits arrive with the next version"),
  });
  return kSample;
}

std::string problems_of(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return "not JSON: " + json.error().message;
  std::string out;
  for (const Problem& problem : check(*json, sample())) out += (out.empty() ? "" : "\n") + describe(problem, "f");
  return out;
}

// The single problem of a route that has this member and is otherwise right.
std::string with(std::string_view member) { return problems_of("{\"route_id\":\"a\"," + std::string(member) + "}"); }

TEST(Schema, AcceptsWhatItDescribes) {
  EXPECT_EQ(problems_of(R"({"route_id": "users", "path_pattern": "/x", "http_methods": ["GET", "POST"], "hosts": [],
    "auth_required": false, "priority": -3, "canary_weight": 2.5, "timeout": "250ms", "max_body": 10,
    "targets": [{"address": "127.0.0.1:80"}], "tls": {"alpn": []}, "set": {"x-a": "1"}, "plugin": "cors",
    "key": {"type": "file", "path": "k"}, "settings": {"any": ["thing"]}})"),
            "");
  EXPECT_EQ(with(R"("plugin": {"name": "cors"}, "priority": 2.0, "max_body": "1MiB")"), "");
}

TEST(Schema, UnknownAndMissingFields) {
  EXPECT_EQ(with(R"("path_patern": "/x")"), "f:1:17: unknown field \"path_patern\"; did you mean \"path_pattern\"?");
  EXPECT_EQ(with(R"("tls": {"zzzzzz": 1})"), "f:1:25: tls: unknown field \"zzzzzz\"; known fields: alpn");
  EXPECT_EQ(problems_of("{}"), "f:1:1: the field \"route_id\" is missing; expected a string");
  EXPECT_EQ(with(R"("targets": [{"address": "127.0.0.1:80"}, {}])"),
            "f:1:58: targets[1]: the field \"address\" is missing; expected an address");
}

TEST(Schema, WrongTypes) {
  EXPECT_EQ(problems_of("3"), "f:1:1: expected an object, found the number 3");
  EXPECT_EQ(with(R"("hosts": 3)"), "f:1:26: hosts: expected a list of strings, found the number 3");
  EXPECT_EQ(with(R"("hosts": "a")"),
            "f:1:26: hosts: expected a list of strings, found the string \"a\"; put it in brackets: [...]");
  EXPECT_EQ(with(R"("http_methods": null)"),
            "f:1:33: http_methods: expected a list of methods, found nothing; give it a value or remove it");
  EXPECT_EQ(with(R"("path_pattern": 12)"),
            "f:1:33: path_pattern: expected a path pattern, found the number 12; put it in quotes");
  EXPECT_EQ(with(R"("hosts": [true])"), "f:1:27: hosts[0]: expected a string, found true; put it in quotes");
  EXPECT_EQ(with(R"("auth_required": "true")"),
            "f:1:34: auth_required: expected true or false, found the string \"true\"; remove the quotes");
  EXPECT_EQ(with(R"("priority": 1.5)"), "f:1:29: priority: expected a whole number, found the number 1.5");
  EXPECT_EQ(with(R"("priority": "1")"),
            "f:1:29: priority: expected a whole number, found the string \"1\"; remove the quotes");
  EXPECT_EQ(
      with(R"("timeout": 10)"),
      "f:1:28: timeout: expected a duration such as \"10s\", found the number 10; add a unit: ms, s, m, h or d");
  EXPECT_EQ(with(R"("max_body": "64k")"),
            "f:1:29: max_body: expected a size such as \"64KiB\", found the string \"64k\"");
  EXPECT_EQ(with(R"("plugin": [])"), "f:1:27: plugin: expected a string or an object, found a list");
}

TEST(Schema, Limits) {
  EXPECT_EQ(with(R"("canary_weight": 101)"), "f:1:34: canary_weight: must be between 0 and 100, found 101");
  EXPECT_EQ(with(R"("timeout": "2h")"), "f:1:28: timeout: must be between \"1ms\" and \"1h\", found \"2h\"");
  EXPECT_EQ(with(R"("timeout": "0s")"), "f:1:28: timeout: must be between \"1ms\" and \"1h\", found \"0s\"");
  EXPECT_EQ(with(R"("max_body": "2MiB")"), "f:1:29: max_body: must be between 0B and 1MiB, found 2MiB");
  EXPECT_EQ(with(R"("max_body": -1)"), "f:1:29: max_body: must be between 0B and 1MiB, found -1B");
  EXPECT_EQ(with(R"("http_methods": [])"), "f:1:33: http_methods: must not be empty");
  EXPECT_EQ(with(R"("hosts": ["a","b","c"])"), "f:1:26: hosts: must have at most 2 items");
  EXPECT_EQ(with(R"("http_methods": ["GET","POST","GET"])"),
            "f:1:47: http_methods[2]: stands in this list twice: the string \"GET\"");
  EXPECT_EQ(problems_of(R"({"route_id": ""})"), "f:1:14: route_id: must not be empty");
  EXPECT_EQ(problems_of(R"({"route_id": "123456789"})"), "f:1:14: route_id: must have at most 8 bytes");
}

TEST(Schema, WordsFormatsAndNames) {
  EXPECT_EQ(with(R"("http_methods": ["GTE"])"),
            "f:1:34: http_methods[0]: unknown method \"GTE\"; did you mean \"GET\"?");
  EXPECT_EQ(with(R"("http_methods": ["FETCH"])"),
            "f:1:34: http_methods[0]: unknown method \"FETCH\"; one of: GET, POST");
  EXPECT_EQ(with(R"("targets": [{"address": "localhost:80"}])"),
            "f:1:41: targets[0].address: \"localhost:80\" is not a valid address; expected an IP address before the "
            "port, such as "
            "127.0.0.1:8080 or [::1]:8080");
  EXPECT_EQ(with(R"("set": {"X-A": 1})"),
            "f:1:25: set: \"X-A\" is not a valid name here; names here are lower case\n"
            "f:1:32: set[\"X-A\"]: expected a string, found the number 1; put it in quotes");
}

TEST(Schema, FormsAreToldApart) {
  EXPECT_EQ(with(R"("key": {"type": "jwt", "issuer": "i"})"), "");
  EXPECT_EQ(with(R"("key": {"type": "file", "issuer": "i"})"),
            "f:1:41: key: unknown field \"issuer\"; known fields: type, path\n"
            "f:1:24: key: the field \"path\" is missing; expected a string");
  EXPECT_EQ(with(R"("key": {"type": "jwtt", "path": "i"})"),
            "f:1:33: key.type: unknown type \"jwtt\"; did you mean \"jwt\"?");
  EXPECT_EQ(with(R"("plugin": {"nam": "x"})"),
            "f:1:28: plugin: unknown field \"nam\"; did you mean \"name\"?\n"
            "f:1:27: plugin: the field \"name\" is missing; expected a string");
}

TEST(Schema, AFieldNotBuiltYetIsRefused) {
  EXPECT_EQ(with(R"("rate_limit_rps": 5)"),
            "f:1:17: rate_limit_rps: this field is not built yet; rate limits arrive with the next version");
}

TEST(Schema, CollectsEveryMistake) {
  const auto json = parse_json("{\n\"route_id\": 1,\n\"hsots\": [],\n\"hosts\": [1, 2]}");
  EXPECT_EQ(check(*json, sample(), "routes[2]").size(), 4U);
  EXPECT_EQ(check(*json, sample(), "routes[2]")[2].path, "routes[2].hosts[0]");
  EXPECT_EQ(check(*json, sample(), "routes[2]")[2].position.line, 4);
}

TEST(Schema, ItsDefaultsAreValid) {
  EXPECT_TRUE(default_problems(sample()).empty());
  const Schema wrong = schema::object({schema::field("a", schema::array(schema::object({
                                                              schema::field("t", schema::duration()).fallback(3),
                                                          })))});
  EXPECT_EQ(default_problems(wrong).size(), 1U);
}

TEST(Schema, WritesJsonSchema) {
  const Schema route = schema::object({
      schema::field("id", schema::string().min_length(1)).required().doc("Unique."),
      schema::field("timeout", schema::duration()).fallback("30s"),
      schema::field("methods", schema::array(schema::string().words({"GET"})).unique().min_items(1)),
      schema::field("later", schema::any()).not_built("soon"),
  });
  EXPECT_EQ(to_canonical(to_json_schema(route, "Route")),
            R"({"$schema":"https://json-schema.org/draft/2020-12/schema","additionalProperties":false,"properties":{)"
            R"("id":{"description":"Unique.","minLength":1,"type":"string"},)"
            R"("methods":{"items":{"enum":["GET"],"type":"string"},"minItems":1,"type":"array","uniqueItems":true},)"
            R"("timeout":{"default":"30s","pattern":"^[0-9]+(ms|s|m|h|d)$","type":"string"}},)"
            R"("required":["id"],"title":"Route","type":"object"})");
}

TEST(Fields, ReadsValuesAndDefaults) {
  const auto json =
      parse_json(R"({"route_id": "a", "timeout": "250ms", "hosts": ["x", "y"], "max_body": "1KiB", "canary_weight": 5,
    "targets": [{"address": "127.0.0.1:80", "weight": 3}, {"address": "127.0.0.1:81"}], "set": {"b": "1", "a": "2"}, "plugin": "cors"})");
  ASSERT_TRUE(check(*json, sample()).empty());
  const Fields route(*json, sample(), "routes[0]");
  EXPECT_EQ(route.string("route_id"), "a");
  EXPECT_EQ(route.duration("timeout"), 250ms);
  EXPECT_EQ(route.size("max_body"), 1024);
  EXPECT_EQ(route.number("canary_weight"), 5.0);
  EXPECT_TRUE(route.boolean("auth_required")) << "a default";
  EXPECT_FALSE(route.has("auth_required"));
  EXPECT_EQ(route.strings("hosts"), (std::vector<std::string>{"x", "y"}));
  EXPECT_EQ(route.members("set")[0].name, "b");
  EXPECT_EQ(route.string("plugin"), "cors");
  EXPECT_EQ(route.integer("priority"), 0);
  EXPECT_EQ(route.find("settings"), nullptr);
  const auto targets = route.objects("targets");
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0].integer("weight"), 3);
  EXPECT_EQ(targets[1].integer("weight"), 1) << "a default inside a list";
  EXPECT_EQ(targets[1].path("address"), "routes[0].targets[1].address");
  EXPECT_EQ(route.object("tls").strings("alpn"), std::vector<std::string>{"h2"}) << "defaults below a missing object";
}

TEST(Fields, ProblemsPointAtTheText) {
  const auto json = parse_json("{\"route_id\": \"a\",\n \"hosts\": [\"x\",\n  \"y\"]}");
  const Fields route(*json, sample(), "routes[0]");
  EXPECT_EQ(describe(route.problem("hosts", 1, "is taken"), "f"), "f:3:3: routes[0].hosts[1]: is taken");
  EXPECT_EQ(describe(route.problem("route_id", "is taken", "by x"), "f"),
            "f:1:14: routes[0].route_id: is taken; by x");
  EXPECT_EQ(describe(route.problem("priority", "is needed"), "f"), "f:1:1: routes[0].priority: is needed");
}

TEST(FieldsDeathTest, AskingForWhatTheSchemaLacksIsABug) {
  const Json empty = Json::object();
  const Fields route(empty, sample());
  EXPECT_DEATH(route.string("rout_id"), "\"rout_id\" is not in the schema");
  EXPECT_DEATH(route.integer("route_id"), "\"route_id\" has another kind in the schema");
}

TEST(Quantity, Durations) {
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("0s"), 0ms);
  EXPECT_EQ(parse_duration("5m"), 5min);
  EXPECT_EQ(parse_duration("3650d"), 24h * 3650);
  for (const char* text :
       {"", "10", "s", "-1s", "+1s", " 1s", "1 s", "1s ", "1.5s", "1S", "1w", "3651d", "99999999999999999999s"}) {
    EXPECT_EQ(parse_duration(text), std::nullopt) << text;
  }
  for (const char* text : {"0s", "1ms", "1500ms", "90s", "1h", "36h", "2d"})
    EXPECT_EQ(format_duration(*parse_duration(text)), text);
}

TEST(Quantity, Sizes) {
  EXPECT_EQ(parse_size("64KiB"), 65536);
  EXPECT_EQ(parse_size("10"), 10);
  EXPECT_EQ(parse_size("10B"), 10);
  for (const char* text : {"", "64k", "64KB", "64kib", "1.5MiB", "-1", "KiB", "9999999TiB", "9223372036854775808"}) {
    EXPECT_EQ(parse_size(text), std::nullopt) << text;
  }
  for (const char* text : {"0B", "1B", "1KiB", "1536B", "3MiB", "2TiB"})
    EXPECT_EQ(format_size(*parse_size(text)), text);
}

TEST(Nearest, CatchesSlipsOfTheFinger) {
  const std::vector<std::string_view> known{"path_pattern", "http_methods", "hosts", "id"};
  EXPECT_EQ(nearest("path_patern", known), "path_pattern");
  EXPECT_EQ(nearest("Hosts", known), "hosts");
  EXPECT_EQ(nearest("hsots", known), "hosts") << "a swap is one edit";
  EXPECT_EQ(nearest("pathpatrn", known), "path_pattern") << "a third of the length";
  EXPECT_EQ(nearest("di", known), "id");
  EXPECT_EQ(nearest("xy", known), "") << "two letters are two edits from any other two";
  EXPECT_EQ(nearest("upstream", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest(std::string(1'000'000, 'a'), known), "");
  EXPECT_EQ(did_you_mean("upstream", known, "known fields"), "known fields: path_pattern, http_methods, hosts, id");
}

}  // namespace
}  // namespace weir
