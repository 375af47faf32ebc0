#include <gtest/gtest.h>

#include "filters/execution/specs.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

std::string location(Scene& scene, std::string_view config) {
  const pipeline::Verdict verdict = made(redirect_spec(), config)->on_request(scene.exchange);
  return answers(verdict) ? scene.response("Location") : std::string(refusal(verdict));
}

TEST(Redirect, ToATemplate) {
  Scene scene("GET", "/a/b", "x=1");
  scene.capture("id", "b");
  EXPECT_EQ(location(scene, R"({"to": "https://new.example${path}${query}"})"), "https://new.example/a/b?x=1");
  EXPECT_EQ(scene.exchange.response.status, 302);
  Scene other("GET", "/a/b");
  other.capture("id", "b");
  EXPECT_EQ(location(other, R"({"to": "/new/${path.id}${query}", "status": 308})"), "/new/b");
  EXPECT_EQ(other.exchange.response.status, 308);
}

TEST(Redirect, ToAScheme) {
  Scene plain("GET", "/a", "x"), secure("GET", "/a");
  secure.exchange.secure = true;
  const auto filter = made(redirect_spec(), R"({"scheme": "https", "status": 301})");
  EXPECT_FALSE(filter->always_answers());
  EXPECT_TRUE(answers(filter->on_request(plain.exchange)));
  EXPECT_EQ(plain.response("Location"), "https://shop.example.com/a?x");
  EXPECT_EQ(plain.exchange.response.status, 301);
  EXPECT_TRUE(passes(filter->on_request(secure.exchange))) << "or it would never end";
  EXPECT_TRUE(made(redirect_spec(), R"({"to": "/x"})")->always_answers());
}

TEST(Redirect, ValuesCannotChooseTheHost) {
  for (const std::string_view value : {"/evil.example", "//evil.example", "\\evil.example", "@evil.example",
                                       "evil.example/", "evil.example#", "evil.example?", "x\r\nSet-Cookie: a=b"}) {
    Scene in_path, in_host;
    in_path.header("X-V", value);
    in_host.header("X-V", value);
    const std::string there = location(in_path, R"({"to": "/${header.x-v}"})");
    EXPECT_TRUE(there.starts_with("/%") || there.starts_with("/evil") || there.starts_with("/x%")) << there;
    EXPECT_EQ(there.find_first_of("\r\n\\"), std::string::npos) << there;
    EXPECT_EQ(location(in_host, R"({"to": "https://${header.x-v}.example.com/"})"), "bad_request") << value;
  }
}

TEST(Redirect, AnEmptyValueCannotOpenAnotherHost) {
  Scene scene("GET", "/evil.example");
  EXPECT_EQ(location(scene, R"({"to": "/${header.x-none}${path}"})"), "bad_request") << "//evil.example";
  Scene nameless("GET", "/evil.example");
  nameless.exchange.host = {};
  EXPECT_EQ(location(nameless, R"({"scheme": "https"})"), "bad_request") << "https:///evil.example";
}

TEST(Redirect, Mistakes) {
  EXPECT_EQ(mistakes(redirect_spec(), "{}"), "needs either \"to\" or \"scheme\"");
  EXPECT_EQ(mistakes(redirect_spec(), R"({"to": "/x", "scheme": "https"})"), "needs either \"to\" or \"scheme\"");
  EXPECT_EQ(mistakes(redirect_spec(), R"({"to": "/x", "status": 305})"),
            "status: 305 is no redirect; 301, 302, 303, 307 or 308");
  EXPECT_EQ(mistakes(redirect_spec(), R"({"to": "/x", "status": 200})"),
            "status: must be between 301 and 308, found 200");
  for (const std::string_view bad :
       {"x", "//host/", "/\\\\host", "https:///x", "https://a b/", "/${path}", "https:x"}) {
    EXPECT_EQ(mistakes(redirect_spec(), "{\"to\": \"" + std::string(bad) + "\"}"),
              "to: is neither a path nor a URL with a host; such as \"/new${path}\" or "
              "\"https://${host}${path}${query}\"")
        << bad;
  }
}

}  // namespace
}  // namespace weir::filters
