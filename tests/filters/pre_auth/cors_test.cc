#include <gtest/gtest.h>

#include "filters/pre_auth/cors_origin.h"
#include "filters/pre_auth/specs.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

constexpr std::string_view kShop = R"({"allow_origins": ["https://shop.example.com", "https://*.example.org"],
  "allow_methods": ["GET", "PUT"], "allow_headers": ["Content-Type", "X-Token"], "expose_headers": ["X-Total"],
  "allow_credentials": true, "max_age": "1h"})";

struct Page {
  explicit Page(std::string_view origin, std::string_view asks_for = {})
      : scene(asks_for.empty() ? "GET" : "OPTIONS") {
    if (!origin.empty()) scene.header("Origin", origin);
    if (!asks_for.empty()) scene.header("Access-Control-Request-Method", asks_for);
  }
  pipeline::Verdict run(std::string_view config) {
    const auto filter = made(cors_spec(), config);
    const pipeline::Verdict verdict = filter->on_request(scene.exchange);
    filter->on_response(scene.exchange);
    return verdict;
  }
  std::string response(std::string_view name) const { return scene.response(name); }
  Scene scene;
};

TEST(Cors, PreflightIsAnsweredHere) {
  Page page("https://shop.example.com", "PUT");
  EXPECT_TRUE(answers(page.run(kShop)));
  EXPECT_EQ(page.scene.exchange.response.status, 204);
  EXPECT_EQ(page.response("Access-Control-Allow-Origin"), "https://shop.example.com");
  EXPECT_EQ(page.response("Access-Control-Allow-Credentials"), "true");
  EXPECT_EQ(page.response("Access-Control-Allow-Methods"), "GET, PUT");
  EXPECT_EQ(page.response("Access-Control-Allow-Headers"), "Content-Type, X-Token");
  EXPECT_EQ(page.response("Access-Control-Max-Age"), "3600");
  EXPECT_EQ(page.response("Access-Control-Allow-Private-Network"), "-");
  EXPECT_EQ(page.response("Vary"), "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
}

TEST(Cors, PreflightOfAStrangerIsRefused) {
  Page page("https://evil.example", "PUT");
  EXPECT_EQ(refusal(page.run(kShop)), "cors_denied");
  EXPECT_EQ(page.response("Access-Control-Allow-Origin"), "-");
}

TEST(Cors, OptionsThatIsNoPreflightPasses) {
  Scene scene("OPTIONS", "/");
  scene.header("Origin", "https://evil.example");
  EXPECT_TRUE(passes(made(cors_spec(), kShop)->on_request(scene.exchange)));
  Scene without_origin("OPTIONS", "/");
  without_origin.header("Access-Control-Request-Method", "PUT");
  EXPECT_TRUE(passes(made(cors_spec(), kShop)->on_request(without_origin.exchange)));
}

TEST(Cors, ResponseOfAnAllowedOriginReplacesTheUpstreamsFields) {
  Page page("https://a.example.org");
  page.scene.exchange.response.fields.append("access-control-allow-origin", "*");
  page.scene.exchange.response.fields.append("Access-Control-Allow-Methods", "DELETE");
  page.scene.exchange.response.fields.append("Vary", "Accept-Encoding");
  EXPECT_TRUE(passes(page.run(kShop)));
  EXPECT_EQ(page.response("Access-Control-Allow-Origin"), "https://a.example.org");
  EXPECT_EQ(page.response("Access-Control-Expose-Headers"), "X-Total");
  EXPECT_EQ(page.response("Access-Control-Allow-Methods"), "-");
  EXPECT_EQ(page.response("Access-Control-Max-Age"), "-");
  EXPECT_EQ(page.response("Vary"), "Accept-Encoding | Origin");
}

TEST(Cors, ResponseToAStrangerOrWithoutOriginHasNoPermissionButVaries) {
  for (const std::string_view origin : {"https://evil.example", ""}) {
    Page page(origin);
    page.scene.exchange.response.fields.append("Access-Control-Allow-Origin", "*");
    EXPECT_TRUE(passes(page.run(kShop)));
    EXPECT_EQ(page.response("Access-Control-Allow-Origin"), "-");
    EXPECT_EQ(page.response("Vary"), "Origin");
  }
}

TEST(Cors, VaryIsNotRepeated) {
  for (const std::string_view vary : {"origin", "*"}) {
    Page page("https://shop.example.com");
    page.scene.exchange.response.fields.append("Vary", vary);
    page.run(kShop);
    EXPECT_EQ(page.response("Vary"), vary);
  }
}

TEST(Cors, EverybodyNeedsNoVary) {
  Page page("null");
  page.run(R"({"allow_origins": ["*"], "allow_headers": ["*"]})");
  EXPECT_EQ(page.response("Access-Control-Allow-Origin"), "*");
  EXPECT_EQ(page.response("Access-Control-Allow-Credentials"), "-");
  EXPECT_EQ(page.response("Vary"), "-");
}

TEST(Cors, PrivateNetworkOnlyIfAllowedAndAskedFor) {
  for (const bool allowed : {false, true}) {
    for (const bool asked : {false, true}) {
      Page page("https://a.example", "GET");
      if (asked) page.scene.header("Access-Control-Request-Private-Network", "true");
      page.run(allowed ? R"({"allow_origins": ["https://a.example"], "allow_private_network": true})"
                       : R"({"allow_origins": ["https://a.example"]})");
      EXPECT_EQ(page.response("Access-Control-Allow-Private-Network"), allowed && asked ? "true" : "-");
    }
  }
}

TEST(Cors, Origins) {
  const Origins origins({"https://app.example.com", "https://*.example.org", "http://*.local:8080"});
  for (const std::string_view yes :
       {"https://app.example.com", "https://a.example.org", "https://a.b-c.example.org", "http://dev.local:8080"}) {
    EXPECT_TRUE(origins.contain(yes)) << yes;
  }
  for (const std::string_view no :
       {"", "null", "https://example.org", "https://.example.org", "http://a.example.org",
        "https://a.example.org:8443", "https://evil.com/.example.org", "https://evil.com:1@.example.org",
        "https://a.example.org.evil.com", "https://evilexample.org", "https://APP.example.com",
        "https://app.example.com/", "http://dev.local"}) {
    EXPECT_FALSE(origins.contain(no)) << no;
  }
}

TEST(Cors, Mistakes) {
  const auto origin = [](std::string_view one) {
    return mistakes(cors_spec(), "{\"allow_origins\": [\"" + std::string(one) + "\"]}");
  };
  const std::string form = "such as \"https://app.example.com\", \"https://*.example.com\" or \"*\"";
  EXPECT_EQ(origin("app.example.com"), "allow_origins[0]: \"app.example.com\" is not a valid origin; " + form);
  EXPECT_EQ(origin("https://a.example/"), "allow_origins[0]: \"https://a.example/\" is not a valid origin; " + form);
  EXPECT_EQ(origin("https://a.*.com"), "allow_origins[0]: \"https://a.*.com\" is not a valid origin; " + form);
  EXPECT_EQ(origin("https://A.example"),
            "allow_origins[0]: \"https://A.example\" is not a valid origin; "
            "browsers send it in lower case");
  EXPECT_EQ(
      origin("https://a.example:443"),
      "allow_origins[0]: \"https://a.example:443\" is not a valid origin; browsers leave out the scheme's own port");
  EXPECT_EQ(origin("null"),
            "allow_origins[0]: \"null\" is not a valid origin; any page can have the "
            "origin \"null\" by sandboxing itself");
  const std::string star =
      ": \"*\" cannot stand together with allow_credentials; browsers take it for no wildcard then; "
      "list what is allowed";
  EXPECT_EQ(
      mistakes(cors_spec(), R"({"allow_origins": ["*"], "allow_headers": ["X-A", "*"], "allow_credentials": true})"),
      "allow_origins[0]" + star + "\nallow_headers[1]" + star);
  EXPECT_EQ(mistakes(cors_spec(), "{}"), "the field \"allow_origins\" is missing; expected a list of origins");
}

}  // namespace
}  // namespace weir::filters
