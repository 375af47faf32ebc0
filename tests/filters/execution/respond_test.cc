#include <gtest/gtest.h>

#include "base/json/json.h"
#include "filters/execution/specs.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

TEST(Respond, AnswersWithStatusBodyAndHeaders) {
  Scene scene("GET", "/x");
  const auto filter = made(respond_spec(), R"({"status": 503, "body": "back at noon: ${path} ${status}\n",
    "headers": {"Retry-After": "60", "X-None": "${consumer}"}})");
  EXPECT_TRUE(filter->always_answers());
  EXPECT_TRUE(answers(filter->on_request(scene.exchange)));
  EXPECT_EQ(scene.exchange.response.status, 503);
  EXPECT_EQ(scene.exchange.answer, "back at noon: /x 503\n");
  EXPECT_EQ(scene.response("Content-Type"), "text/plain; charset=utf-8");
  EXPECT_EQ(scene.response("Retry-After"), "60");
  EXPECT_EQ(scene.response("X-None"), "-");
}

TEST(Respond, WithoutBodyThereIsNoType) {
  Scene scene;
  EXPECT_TRUE(answers(made(respond_spec(), R"({"status": 204})")->on_request(scene.exchange)));
  EXPECT_EQ(scene.exchange.answer, "");
  EXPECT_EQ(scene.response("Content-Type"), "-");
}

std::string body(std::string_view config, std::string_view agent) {
  Scene scene;
  scene.header("User-Agent", agent);
  made(respond_spec(), config)->on_request(scene.exchange);
  return std::string(scene.exchange.answer);
}

TEST(Respond, ValuesAreEscapedAsTheTypeDemands) {
  constexpr std::string_view agent = "<script>\"'&\\";
  EXPECT_EQ(body(R"({"content_type": "Text/HTML; charset=utf-8", "body": "<b>${header.user-agent}</b>"})", agent),
            "<b>&lt;script&gt;&quot;&#39;&amp;\\</b>");
  const std::string json =
      body(R"({"content_type": "application/ld+json", "body": "{\"a\": \"${header.user-agent}\"}"})", agent);
  const auto parsed = parse_json(json);
  ASSERT_TRUE(parsed.has_value()) << json;
  EXPECT_EQ(parsed->find("a")->as_string(), agent);
  EXPECT_EQ(body(R"({"body": "${header.user-agent}"})", agent), agent);
}

TEST(Respond, Mistakes) {
  EXPECT_EQ(mistakes(respond_spec(), R"({"status": 204, "body": "x"})"),
            "body: a response with status 204 has no body");
  EXPECT_EQ(mistakes(respond_spec(), R"({"status": 101})"), "status: must be between 200 and 599, found 101");
  EXPECT_EQ(mistakes(respond_spec(), R"({"body": "${bdy}"})").substr(0, 31), "body: unknown variable \"${bdy}\"");
  EXPECT_EQ(mistakes(respond_spec(), R"({"headers": {"content-type": "a/b"}})"),
            "headers[\"content-type\"]: is not set here; use \"content_type\"");
  EXPECT_EQ(mistakes(respond_spec(), R"({"headers": {"Transfer-Encoding": "chunked"}})"),
            "headers[\"Transfer-Encoding\"]: \"Transfer-Encoding\" says where the message ends; Weir writes it");
  EXPECT_EQ(mistakes(respond_spec(), R"({"content_type": "a/b\nX: y"})"),
            "content_type: must not have control characters");
  EXPECT_EQ(mistakes(respond_spec(), R"({"content_type": "${header.accept}"})"), "content_type: takes no variables");
}

}  // namespace
}  // namespace weir::filters
