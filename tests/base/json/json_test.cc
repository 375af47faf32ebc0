#include "base/json/json.h"

#include <gtest/gtest.h>

#include <random>

namespace weir {
namespace {

std::string problem_of(std::string_view text) {
  const auto json = parse_json(text);
  return json ? "accepted: " + to_canonical(*json) : describe(json.error(), "f");
}

std::string escaped(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(Json, ReadsEveryKindWithItsPosition) {
  const auto json = parse_json("{\"a\": [1, -2.5, true,\n  null], \"\u00e9\": \"x\\u00e9\\ud83d\\ude00\"}");
  ASSERT_TRUE(json);
  const Json& list = *json->find("a");
  EXPECT_EQ(list.items()[0].as_integer(), 1);
  EXPECT_EQ(list.items()[1].as_number(), -2.5);
  EXPECT_TRUE(list.items()[2].as_boolean());
  EXPECT_TRUE(list.items()[3].is_null());
  EXPECT_EQ(list.items()[3].position.line, 2);
  EXPECT_EQ(list.items()[3].position.column, 3);
  const Json::Member& second = json->members()[1];
  EXPECT_EQ(second.name_position.column, 10);
  EXPECT_EQ(second.value.position.column, 15) << "columns count characters, not bytes";
  EXPECT_EQ(second.value.as_string(), "x\u00e9\U0001F600");
}

// In the manner of JSONTestSuite: each must be accepted, and read back as the same value from both written forms.
TEST(Json, AcceptsWhatIsJson) {
  for (const char* text : {"[]",
                           "{}",
                           "null",
                           "true",
                           "false",
                           "0",
                           "-0",
                           "-1",
                           "[ ]",
                           " [1] ",
                           "\"\"",
                           "1e2",
                           "1E+2",
                           "1e-2",
                           "0.1",
                           "123.456e78",
                           "[[]   ]",
                           "{\"\":0}",
                           "{\"a\\u0000b\":1}",
                           "[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]",
                           "\"\\uD801\\udc37\"",
                           "\"\\u0000\"",
                           "\"\x7f\"",
                           "\"\xe2\x80\xa8\"",
                           "\"\xf4\x8f\xbf\xbf\"",
                           "9223372036854775807",
                           "-9223372036854775808",
                           "1.7976931348623157e308",
                           "\t[\r\n1 ]",
                           "{\"a\":{\"b\":[{\"c\":null}]}}",
                           "-0.0",
                           "4.9e-324"}) {
    const auto json = parse_json(text);
    ASSERT_TRUE(json) << text << ": " << json.error().message;
    const std::string canonical = to_canonical(*json);
    const auto again = parse_json(canonical);
    ASSERT_TRUE(again) << canonical;
    EXPECT_EQ(to_canonical(*again), canonical);
    EXPECT_EQ(to_canonical(*parse_json(to_pretty(*json))), canonical);
  }
}

TEST(Json, RefusesWhatIsNot) {
  for (const char* text : {"",
                           " ",
                           "[",
                           "]",
                           "{",
                           "[1,]",
                           "[,1]",
                           "[1,,2]",
                           "{\"a\":1,}",
                           "{a:1}",
                           "{'a':1}",
                           "{\"a\" 1}",
                           "{\"a\":}",
                           "{1:1}",
                           "[1 2]",
                           "[\"a\" \"b\"]",
                           "[1]x",
                           "[1]]",
                           "nul",
                           "True",
                           "NaN",
                           "Infinity",
                           "-Infinity",
                           "+1",
                           "01",
                           "-01",
                           "-",
                           "1.",
                           ".5",
                           "1e",
                           "1e+",
                           "0x1",
                           "1.e1",
                           "- 1",
                           "\"",
                           "\"a",
                           "\"\\\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u12g4\"",
                           "\"\\u-123\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "\"\\udc00\"",
                           "\"\\ud800\\ud800\"",
                           "\"\n\"",
                           "\"\t\"",
                           "\"\xff\"",
                           "\"\xc0\xaf\"",
                           "\"\xed\xa0\x80\"",
                           "\"\xf4\x90\x80\x80\"",
                           "\"\xe2\x82\"",
                           "\xef\xbb\xbf[]",
                           "// c\n1",
                           "/**/1",
                           "[1]\f",
                           "9223372036854775808",
                           "1e400",
                           "-1e400",
                           "1e-400",
                           "'a'",
                           "\xc2\xa0[]"}) {
    EXPECT_FALSE(parse_json(text)) << text;
  }
  EXPECT_FALSE(parse_json(std::string_view("1\0", 2)));
  EXPECT_FALSE(parse_json(std::string_view("\"\0\"", 3)));
}

TEST(Json, SaysWhereAndWhat) {
  EXPECT_EQ(problem_of("{\n  \"a\": 1,\n  \"b\": 2,\n  \"a\": 3\n}"), "f:4:3: the field \"a\" stands here twice");
  EXPECT_EQ(problem_of("[1,\n 2,]"), "f:2:4: expected a value");
  EXPECT_EQ(problem_of("[1"), "f:1:3: unexpected end of the text: expected \",\" or \"]\" after a list element");
  EXPECT_EQ(problem_of("{\"a\": 01}"), "f:1:7: a number has no leading zeros");
  EXPECT_EQ(problem_of("[] []"), "f:1:4: unexpected text after the end of the value");
  EXPECT_EQ(problem_of("\xef\xbb\xbf{}"),
            "f:1:1: the text begins with a byte order mark; save it as UTF-8 without one");
}

TEST(Json, DepthIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_TRUE(parse_json(nested(64)));
  EXPECT_EQ(problem_of(nested(65)), "f:1:65: nested deeper than 64 levels");
  EXPECT_FALSE(parse_json(std::string(1'000'000, '[')));
}

TEST(Json, FindDuplicateIsNotQuadratic) {
  Json::Object members;
  for (int i = 0; i < 200'000; ++i) members.push_back({std::to_string(i), Json(i), {}});
  EXPECT_EQ(find_duplicate(members), nullptr);
  members.push_back({"77", Json(), {}});
  EXPECT_EQ(find_duplicate(members), &members.back());
}

TEST(Json, CanonicalIsSortedAndShort) {
  const auto json =
      parse_json("{ \"b\": [1.0, 0.10, 1e2, 1e300], \"a\": {\"z\": null, \"y\": \"\\u0041\"}, \"B\": -0.0 }");
  EXPECT_EQ(to_canonical(*json), R"({"B":0,"a":{"y":"A","z":null},"b":[1,0.1,100,1e+300]})");
}

TEST(Json, LargeDoublesReadBackAsDoubles) {
  EXPECT_EQ(to_canonical(*parse_json("9223372036854775801.5")), "9.223372036854776e+18");
  EXPECT_EQ(to_canonical(*parse_json("-1e16")), "-1e+16");
  EXPECT_EQ(to_canonical(*parse_json("9007199254740992.0")), "9007199254740992");
}

TEST(Json, PrettyKeepsTheOrder) {
  const Json json =
      Json::object().set("b", Json::array().push(1).push("x")).set("a", Json::object()).set("c", Json::array());
  EXPECT_EQ(to_pretty(json), "{\n  \"b\": [\n    1,\n    \"x\"\n  ],\n  \"a\": {},\n  \"c\": []\n}");
}

TEST(Json, AccessorsOfAnotherKindAreEmpty) {
  const Json text("12");
  EXPECT_EQ(text.as_integer(), 0);
  EXPECT_EQ(text.find("a"), nullptr);
  EXPECT_TRUE(text.items().empty());
  EXPECT_EQ(Json(2.0).as_integer(), 2);
  EXPECT_EQ(Json(2.5).as_integer(), 0);
  EXPECT_EQ(Json(3).as_number(), 3.0);
  EXPECT_TRUE(Json("x").is_string()) << "a literal is a string, not a boolean";
}

TEST(Json, EqualityIgnoresPositions) {
  EXPECT_EQ(*parse_json("{\"a\":[1,\"x\"]}"), *parse_json("  { \"a\" : [ 1 , \"x\" ] }"));
  EXPECT_FALSE(*parse_json("[1]") == *parse_json("[2]"));
  EXPECT_FALSE(*parse_json("{\"a\":1}") == *parse_json("{\"b\":1}"));
}

TEST(AppendJsonString, EscapesWhatAnAccessLogMeets) {
  EXPECT_EQ(escaped("GET /plain/path?x=1 HTTP/1.1"), "\"GET /plain/path?x=1 HTTP/1.1\"");
  EXPECT_EQ(escaped("12345678\"\\\n\r\t\b\f"), R"("12345678\"\\\n\r\t\b\f")");
  EXPECT_EQ(escaped(std::string_view("\0\x1f\x7f", 3)), R"("\u0000\u001f\u007f")");
  EXPECT_EQ(escaped("caf\u00e9"), "\"caf\u00e9\"");
  EXPECT_EQ(escaped("a\xff\xc3(\xed\xa0\x80"), R"("a\ufffd\ufffd(\ufffd\ufffd\ufffd")");
  EXPECT_EQ(escaped("\x1b[31m\",\"forged\":\"1"), R"("\u001b[31m\",\"forged\":\"1")");
}

TEST(AppendJsonString, AnyBytesGiveOneValidString) {
  std::mt19937 random(1);
  for (int round = 0; round < 20'000; ++round) {
    std::string text;
    const bool printable = random() % 2 == 0;
    for (auto n = random() % 40; n > 0; --n) text += static_cast<char>(printable ? 0x20 + random() % 0x60 : random());
    const std::string out = escaped(text);
    const auto json = parse_json(out);
    ASSERT_TRUE(json) << out;
    for (const char c : out) ASSERT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7f);
    if (printable) {
      ASSERT_EQ(json->as_string(), text);
    }
  }
}

}  // namespace
}  // namespace weir
