#include "adapters/yaml/load.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace weir::yaml {
namespace {

// The canonical form, or the problem as `weir check` prints it.
std::string read(std::string_view text) {
  const auto json = load(text);
  return json ? to_canonical(*json) : describe(json.error(), "f");
}

TEST(Load, ReadsAConfig) {
  EXPECT_EQ(
      read(R"(# a gateway
listeners:
  - address: 127.0.0.1:8080
  - {address: "[::1]:8443", tls: {certificates: [{cert_file: a.crt, key_file: a.key}]}}
routes:
  - {route_id: users, path_pattern: /api/v1/users/**, http_methods: [GET, POST], upstream_url: http://users}
  - route_id: order
    path_pattern: "/orders/{id}"
    auth_required: true
    canary_weight: 2.5
    note: |
      two
      lines
)"),
      R"({"listeners":[{"address":"127.0.0.1:8080"},{"address":"[::1]:8443","tls":{"certificates":[{"cert_file":"a.crt",)"
      R"("key_file":"a.key"}]}}],"routes":[{"http_methods":["GET","POST"],"path_pattern":"/api/v1/users/**",)"
      R"("route_id":"users","upstream_url":"http://users"},{"auth_required":true,"canary_weight":2.5,)"
      R"("note":"two\nlines\n","path_pattern":"/orders/{id}","route_id":"order"}]})");
  EXPECT_EQ(read("{\"a\": [1, \"x\", null, true, {\"b\\/\": 2.5e3}]}"), R"({"a":[1,"x",null,true,{"b/":2500}]})");
  EXPECT_EQ(read(""), "null");
  EXPECT_EQ(read("# nothing\n"), "null");
  EXPECT_EQ(read("\xef\xbb\xbf"
                 "a: 1\r\nb: \u00e9\r\n"),
            "{\"a\":1,\"b\":\"\u00e9\"}");
  EXPECT_EQ(read("---\na: 1\n...\n"), R"({"a":1})");
  EXPECT_EQ(read("%YAML 1.2\n---\na: 1\n"), R"({"a":1})");
}

TEST(Load, PlainScalarsAreTheCoreSchema) {
  struct Case {
    const char* written;
    const char* meaning;
  };
  for (const Case& c : std::initializer_list<Case>{{"true", "true"},
                                                   {"False", "false"},
                                                   {"null", "null"},
                                                   {"~", "null"},
                                                   {"", "null"},
                                                   {"12", "12"},
                                                   {"-12", "-12"},
                                                   {"+12", "12"},
                                                   {"0", "0"},
                                                   {"0x1F", "31"},
                                                   {"0o17", "15"},
                                                   {"1.5", "1.5"},
                                                   {".5", "0.5"},
                                                   {"-.5", "-0.5"},
                                                   {"5.", "5"},
                                                   {"1e3", "1000"},
                                                   {"1E-2", "0.01"},
                                                   {"+1.5", "1.5"},
                                                   {"no", "\"no\""},
                                                   {"NO", "\"NO\""},
                                                   {"yes", "\"yes\""},
                                                   {"on", "\"on\""},
                                                   {"off", "\"off\""},
                                                   {"tRue", "\"tRue\""},
                                                   {"1_000", "\"1_000\""},
                                                   {"12:30", "\"12:30\""},
                                                   {"1.2.3", "\"1.2.3\""},
                                                   {"2024-01-01", "\"2024-01-01\""},
                                                   {".", "\".\""},
                                                   {"-", "[null]"},
                                                   {"e5", "\"e5\""},
                                                   {"1e", "\"1e\""},
                                                   {"+", "\"+\""},
                                                   {"0x", "\"0x\""},
                                                   {"0o8", "\"0o8\""},
                                                   {"10s", "\"10s\""},
                                                   {"\"12\"", "\"12\""},
                                                   {"'true'", "\"true\""},
                                                   {"\"\"", "\"\""},
                                                   {"/a/**", "\"/a/**\""},
                                                   {"<<", "\"<<\""}}) {
    EXPECT_EQ(read(c.written), c.meaning) << c.written;
  }
}

TEST(Load, RefusesNumbersThatAreATrap) {
  EXPECT_EQ(read("a: 0123"), "f:1:4: a number has no leading zeros; put it in quotes if it is a text");
  EXPECT_EQ(read("a: 9223372036854775808"), "f:1:4: the number is out of range; put it in quotes if it is a text");
  EXPECT_EQ(read("a: 1e400"), "f:1:4: the number is out of range; put it in quotes if it is a text");
  EXPECT_EQ(read("a: 0x10000000000000000"), "f:1:4: the number is out of range; put it in quotes if it is a text");
  EXPECT_EQ(read("a: -.inf"), "f:1:4: infinity and not-a-number are not allowed; put it in quotes if it is a text");
  EXPECT_EQ(read("a: .nan"), "f:1:4: infinity and not-a-number are not allowed; put it in quotes if it is a text");
}

TEST(Load, EveryNodeKnowsItsPlace) {
  const auto json = load("a:\n  - x\n  - \"q\"\n\"b\":\n  c: 1\nd:\n");
  ASSERT_TRUE(json);
  const auto at = [](const Position& position) {
    return std::to_string(position.line) + ":" + std::to_string(position.column);
  };
  const auto& members = json->members();
  EXPECT_EQ(at(json->position), "1:1");
  EXPECT_EQ(at(members[0].name_position), "1:1");
  EXPECT_EQ(at(members[0].value.position), "2:3");
  EXPECT_EQ(at(members[0].value.items()[0].position), "2:5");
  EXPECT_EQ(at(members[0].value.items()[1].position), "3:5") << "a quoted scalar begins at its quote";
  EXPECT_EQ(at(members[1].name_position), "4:1");
  EXPECT_EQ(at(members[1].value.position), "5:3");
  EXPECT_EQ(at(members[2].value.position), "6:1") << "an empty value stands where its name does";
  EXPECT_EQ(at(load("")->position), "1:1");
}

TEST(Load, RefusesWithTheRightPlace) {
  EXPECT_EQ(read("a: 1\nb: 2\na: 3\n"), "f:3:1: the field \"a\" stands here twice");
  EXPECT_EQ(read("x: {\"a\": 1, a: 2}"), "f:1:13: the field \"a\" stands here twice");
  EXPECT_EQ(read("a: 1\n---\nb: 2\n"),
            "f:2:1: a second document begins here; a file holds one document: remove the \"---\"");
  EXPECT_EQ(read("a: 1\n404: x\n"), "f:2:1: a field's name must be a string, found 404; put it in quotes");
  EXPECT_EQ(read("true: x\n"), "f:1:1: a field's name must be a string, found true; put it in quotes");
  EXPECT_EQ(read("? [a]\n: 1\n"), "f:1:3: a field's name must be a string, found a list or an object");
  EXPECT_EQ(read("base: &b {x: 1}\nr:\n  <<: *b\n"),
            "f:3:3: merge keys (<<) are not supported; write the fields out; an alias may stand for a whole value");
  EXPECT_EQ(read("a: !secret x\n"), "f:1:12: the tag !secret is not supported; remove it");
  EXPECT_EQ(read("a: !!python/object:os.system {}\n"),
            "f:1:30: the tag tag:yaml.org,2002:python/object:os.system is not supported; remove it");
  EXPECT_EQ(read("a: !!int x\n"), "f:1:10: the value does not fit its tag; remove the tag");
  EXPECT_EQ(read("%YAML 1.1\n---\na: yes\n"), "f:2:1: only YAML 1.2 is read; remove the %YAML line");
  EXPECT_EQ(read("a:\n\t- x\n"), "f:2:1: tab character may not be used as indentation");
  EXPECT_EQ(read("a: b: c\n"), "f:1:5: invalid nested block mapping on the same line");
  EXPECT_EQ(read("a: [1, 2\n"), "f:2:1: flow sequence without a closing bracket");
  EXPECT_EQ(read("a: *nowhere\n"), "f:1:4: no anchor &nowhere is complete before this alias");
  EXPECT_EQ(read("a: &a [*a]\n"), "f:1:8: no anchor &a is complete before this alias");
  EXPECT_EQ(read("a: \"x\\0y\"\n"), "f:1:4: a NUL character in the text; remove the escape");
}

// What the library would read wrong is refused, not guessed at.
TEST(Load, FoldedTexts) {
  EXPECT_EQ(read("a: >-\n  one\n  line\n\n  two\n"), R"({"a":"one line\ntwo"})");
  EXPECT_EQ(read("a: >\n  x\n    indented\n  y\n"), R"({"a":"x\n  indented\ny\n"})");
  EXPECT_EQ(read("a: |\n  x\n\n    indented\n"), R"({"a":"x\n\n  indented\n"})");
  EXPECT_EQ(read("a: >-\n x\n\n  indented\n"),
            "f:2:1: this folded text cannot be read exactly; write it with | instead of >, or in quotes");
}

TEST(Load, CoreTagsAndAliases) {
  EXPECT_EQ(read("a: !!str 12\nb: !!int 12\nc: ! 12\nd: !!seq [1]\ne: !!map {}\nf: !!float 3\n"),
            R"({"a":"12","b":12,"c":"12","d":[1],"e":{},"f":3})");
  EXPECT_EQ(read("a: &t [x, {y: 1}]\nb: *t\nc: *t\n"), R"({"a":["x",{"y":1}],"b":["x",{"y":1}],"c":["x",{"y":1}]})");
  const auto json = load("a: &t x\nb: *t\n");
  EXPECT_EQ(json->find("b")->position.line, 2);
}

// libfyaml would end the stream at each of these and drop what follows, silently.
TEST(Load, NothingEndsTheTextEarly) {
  EXPECT_EQ(read(std::string_view("a: 1\nb: x\0y\nc: 2\n", 16)), "f:2:5: a control character in the text");
  EXPECT_EQ(read("a: 1\nb: \xff\nc: 2\n"), "f:2:4: the text is not valid UTF-8");
  EXPECT_EQ(read("a: \xed\xa0\x80\n"), "f:1:4: the text is not valid UTF-8");
  EXPECT_EQ(read("a: \x1b[31m\n"), "f:1:4: a control character in the text");
  EXPECT_EQ(read("a: \xc2\x9bx\n"), "f:1:4: a control character in the text");
  EXPECT_EQ(read("a: \xef\xbf\xbf\n"), "f:1:4: a control character in the text");
  EXPECT_EQ(read("a: 1\n\xef\xbb\xbf"
                 "b: 2\n"),
            "f:2:1: a byte order mark inside the text");
}

TEST(Load, TheBillionLaughsAreRefused) {
  std::string text = "a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]\n";
  for (int i = 1; i < 12; ++i) {
    const std::string below = "*a" + std::to_string(i - 1);
    text += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + below;
    for (int j = 0; j < 8; ++j) text += ", " + below;
    text += "]\n";
  }
  EXPECT_NE(read(text).find("the aliases of this file multiply to too much text"), std::string::npos);
  std::string large = "a: &a \"" + std::string(1 << 20, 'x') + "\"\nb: [*a";
  for (int i = 0; i < 1000; ++i) large += ", *a";
  EXPECT_NE(read(large + "]\n").find("the aliases of this file multiply to too much text"), std::string::npos);
}

TEST(Load, DepthIsBounded) {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  EXPECT_EQ(read(nested(64)), nested(64));
  EXPECT_EQ(read(nested(65)), "f:1:65: nested deeper than 64 levels");
  EXPECT_EQ(read(std::string(100'000, '[')), "f:1:65: nested deeper than 64 levels");
  EXPECT_EQ(read("a: &a " + nested(40) + "\nb: " + std::string(24, '[') + "*a" + std::string(24, ']')),
            "f:2:28: nested deeper than 64 levels");
}

TEST(Load, SizeIsBounded) { EXPECT_EQ(read("a: " + std::string(kFileLimit, 'x')), "f: larger than 16 MiB"); }

TEST(Load, NothingReachesStderr) {
  testing::internal::CaptureStderr();
  for (const char* text : {"a: [", "a: b: c", "\t", "a: 'x", "- a\nb: c", "a: &b", "*a", "%FOO\n---\n"}) load(text);
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

class LoadFile : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(mkdtemp(folder_), nullptr); }
  void TearDown() override {
    for (const std::string& path : written_) unlink(path.c_str());
    rmdir(folder_);
  }

  std::string read(const std::string& name, std::string_view text) {
    written_.push_back(folder_ + ("/" + name));
    std::ofstream(written_.back()) << text;
    const auto json = load_file(written_.back().c_str());
    return json ? to_canonical(*json) : describe(json.error(), "f");
  }

  char folder_[32] = "/tmp/weir_load_test_XXXXXX";
  std::vector<std::string> written_;
};

TEST_F(LoadFile, PicksTheReader) {
  EXPECT_EQ(read("a.yaml", "a: 1 # x"), R"({"a":1})");
  EXPECT_EQ(read("a.json", "{\"a\": 1}"), R"({"a":1})");
  EXPECT_EQ(read("b.json", "{\"a\": 1,}"), "f:1:9: expected a field's name in double quotes");
  EXPECT_EQ(read("b.yml", "{a: 1,}"), R"({"a":1})");
  EXPECT_EQ(read("config", "\n\t{\"a\": 1}"), R"({"a":1})");
  EXPECT_EQ(read("config2", "a: 1"), R"({"a":1})");
}

TEST_F(LoadFile, SaysWhyItCannotRead) {
  EXPECT_EQ(describe(load_file("/nonexistent/weir.yaml").error(), "f"),
            "f: cannot be read: No such file or directory");
  EXPECT_EQ(describe(load_file(folder_).error(), "f"), "f: cannot be read: Is a directory");
  EXPECT_EQ(read("big.yaml", std::string(kFileLimit + 1, ' ')), "f: larger than 16 MiB");
}

}  // namespace
}  // namespace weir::yaml
