// Whatever to_yaml writes, adapters/yaml reads back as the same value.
#include "app/operator/plan/yaml_text.h"

#include <gtest/gtest.h>

#include <random>

#include "adapters/yaml/load.h"

namespace weir::remote {
namespace {

Json json(std::string_view text) {
  auto parsed = parse_json(text);
  EXPECT_TRUE(parsed.has_value()) << text;
  return parsed ? *parsed : Json();
}

void expect_read_back(const Json& value) {
  const std::string text = to_yaml(value);
  const auto read = yaml::load(text);
  ASSERT_TRUE(read.has_value()) << describe(read.error(), "yaml") << "\n" << text;
  EXPECT_TRUE(*read == value) << text << "\nread back as " << to_canonical(*read) << "\ninstead of "
                              << to_canonical(value);
}

TEST(YamlText, IsReadable) {
  const Json value =
      json(R"({"routes": [{"route_id": "orders", "path_pattern": "/orders/{id}", "http_methods": ["GET", "PUT"],
    "upstream_url": "http://orders:80/v2", "auth_required": true, "canary_weight": 2.5,
    "plugin_chain": ["request_id", {"name": "headers", "config": {"request": {"set": {"x-a": "1"}}}}]}]})");
  EXPECT_EQ(to_yaml(value), R"(routes:
  - route_id: orders
    path_pattern: "/orders/{id}"
    http_methods: [GET, PUT]
    upstream_url: http://orders:80/v2
    auth_required: true
    canary_weight: 2.5
    plugin_chain:
      - request_id
      - name: headers
        config:
          request:
            set: {x-a: "1"}
)");
  expect_read_back(value);
}

TEST(YamlText, TextOfSeveralLinesStandsAsSuch) {
  const Json value =
      json(R"({"cert_pem": "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "a": 1})");
  EXPECT_TRUE(to_yaml(value).contains("cert_pem: |\n  -----BEGIN CERTIFICATE-----\n  MIIB\n"));
  expect_read_back(value);
}

TEST(YamlText, WhatLooksLikeSomethingElseIsQuoted) {
  for (const char* text : {"",           " ",
                           "true",       "No",
                           "on",         "null",
                           "~",          "1",
                           "1.5",        "0x1f",
                           "1e3",        ".inf",
                           ".NaN",       "- a",
                           "-",          "? a",
                           ": a",        "a: b",
                           "a:",         "a #b",
                           "#a",         "&a",
                           "*a",         "!a",
                           "%a",         "@a",
                           "`a",         "\"a\"",
                           "'a'",        "[a]",
                           "{a}",        "a, b",
                           "|",          ">",
                           "a\nb",       "\n",
                           "\n\n",       "a\n",
                           "a\nb\n",     " a\nb\n",
                           "a \nb\n",    "a\n b\n",
                           "a\n\nb\n",   "a\nb\n\n",
                           "a\tb",       "\x01",
                           "\x7f",       "\xc3\xa4",
                           "<<",         "=",
                           "2026-01-01", "12:30:45",
                           "http://a",   "/a/**",
                           "--- a",      "...",
                           "a ",         "sealed:v1:a+/=",
                           "y",          "0o14",
                           "1_000",      "+1",
                           "a'b",        "\xe2\x80\xa8",
                           "\xc2\x85"}) {
    expect_read_back(Json(text));
    expect_read_back(Json::array().push(text));
    expect_read_back(Json::object().set("name", text));
    expect_read_back(Json::object().set("name", Json::array().push(Json::object().set("deep", text).set("b", 1))));
    if (*text != '\0') expect_read_back(Json::object().set(text, 1));
  }
}

TEST(YamlText, EmptyThingsAndNesting) {
  for (const char* text :
       {"[]", "{}", "[[]]", "[{}]", R"({"a": [], "b": {}, "c": null})", "[[1, 2], [[3]]]", R"([[{"a": [1]}]])",
        R"({"a": {"b": {"c": {"d": [[], {}, [{}]]}}}})", "[-1, 0.1, 1e300, 9223372036854775807, false]"}) {
    expect_read_back(json(text));
  }
}

// Values that nobody thought of.
class Random {
 public:
  explicit Random(unsigned seed) : next_(seed) {}

  Json value(int depth) {
    switch (below(depth > 0 ? 8 : 6)) {
      case 0:
        return Json();
      case 1:
        return Json(below(2) == 0);
      case 2:
        return Json(static_cast<std::int64_t>(next_()) - 2'000'000'000);
      case 3:
      case 4:
      case 5:
        return Json(text());
      case 6: {
        Json out = Json::array();
        for (unsigned i = below(4); i > 0; --i) out.push(value(depth - 1));
        return out;
      }
      default: {
        Json out = Json::object();
        for (unsigned i = below(4); i > 0; --i) out.set(text() + std::to_string(i), value(depth - 1));
        return out;
      }
    }
  }

 private:
  unsigned below(unsigned end) { return static_cast<unsigned>(next_() % end); }
  std::string text() {
    static constexpr std::string_view kPieces[] = {"a", "b:", " ", "\n", "#",        "-",  "1",  "'",   "\"",
                                                   "/", "{",  "]", ",",  "\xc3\xa4", "\t", ": ", "true"};
    std::string out;
    for (unsigned i = below(6); i > 0; --i) out += kPieces[below(std::size(kPieces))];
    return out;
  }
  std::mt19937 next_;
};

TEST(YamlText, RandomValuesAreReadBack) {
  for (unsigned seed = 0; seed < 3'000; ++seed) {
    expect_read_back(Random(seed).value(4));
    if (HasFailure()) FAIL() << "seed " << seed;
  }
}

}  // namespace
}  // namespace weir::remote
