// Promise: what a client meant by a target is what the handlers see; what means nothing is refused, never guessed.
#include "control/api/server.h"

#include <gtest/gtest.h>

namespace weir::control::api {
namespace {

using Strings = std::vector<std::string>;

TEST(api_request, segments_are_decoded_each_for_itself) {
  EXPECT_EQ(api_request("GET", "/v1/routes/a%2Fb")->segments, (Strings{"v1", "routes", "a/b"}));
  EXPECT_EQ(api_request("GET", "/v1/routes/a+b%20c")->segments.back(), "a+b c") << "a plus is a plus in a path";
  EXPECT_EQ(api_request("GET", "/v1//routes/")->segments, (Strings{"v1", "", "routes", ""}));
  EXPECT_EQ(api_request("GET", "/v1/routes/..")->segments.back(), "..") << "a name, not a step";
  EXPECT_EQ(api_request("GET", "/")->segments, Strings{""});
  EXPECT_EQ(api_request("GET", "http://localhost:9081/v1/x?y")->path, "/v1/x") << "the absolute form";
}

TEST(api_request, parameters) {
  const auto request = api_request("GET", "/v1/x?tag=team%3Ashop&q=a+b&&dry_run&limit=");
  ASSERT_TRUE(request);
  const std::vector<QueryParameter> wanted = {
      {"tag", "team:shop", false}, {"q", "a b", false}, {"dry_run", "", true}, {"limit", "", false}};
  EXPECT_EQ(request->query, wanted);
  EXPECT_TRUE(api_request("GET", "/v1/x?")->query.empty());
}

TEST(api_request, what_is_no_text_is_refused) {
  for (const char* target : {"*", "v1/x", "/%", "/%4", "/%zz", "/%ff", "/%00", "/%c0%af", "/x?a=%", "/x?%ff=1"})
    EXPECT_FALSE(api_request("GET", target)) << target;
}

}  // namespace
}  // namespace weir::control::api
