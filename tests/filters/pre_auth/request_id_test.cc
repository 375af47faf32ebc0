#include <gtest/gtest.h>

#include "filters/pre_auth/specs.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

TEST(RequestId, NewIdGoesToTheUpstreamAndTheClient) {
  Scene scene;
  const auto filter = made(request_id_spec());
  EXPECT_TRUE(passes(filter->on_request(scene.exchange)));
  const std::string id(scene.exchange.request_id);
  EXPECT_EQ(id.size(), 36u);
  EXPECT_EQ(scene.request("X-Request-Id"), id);
  scene.exchange.response.fields.append("X-Request-Id", "the upstream's own");
  filter->on_response(scene.exchange);
  EXPECT_EQ(scene.response("X-Request-Id"), id);
}

TEST(RequestId, KeepsOnlyWhatATrustedProxySent) {
  for (const bool trusted : {false, true}) {
    for (const std::string_view config : {"{}", R"({"trust_inbound": "never"})"}) {
      Scene scene;
      scene.exchange.peer_trusted = trusted;
      scene.header("x-request-id", "from-outside_1.2");
      made(request_id_spec(), config)->on_request(scene.exchange);
      EXPECT_EQ(scene.exchange.request_id == "from-outside_1.2", trusted && config == "{}");
      EXPECT_EQ(scene.request("X-Request-Id"), scene.exchange.request_id) << "one field, also if one was there";
    }
  }
}

TEST(RequestId, ReplacesIdsThatCouldHarmALog) {
  const std::string longest(128, 'a'), longer(129, 'a');
  for (const std::string_view bad :
       {std::string_view(longer), std::string_view(""), std::string_view("a b"), std::string_view("a\"b"),
        std::string_view("a/b"), std::string_view("\xc3\xa9")}) {
    Scene scene;
    scene.exchange.peer_trusted = true;
    scene.header("X-Request-Id", bad);
    made(request_id_spec())->on_request(scene.exchange);
    EXPECT_EQ(scene.exchange.request_id.size(), 36u) << bad;
  }
  Scene scene;
  scene.exchange.peer_trusted = true;
  scene.header("X-Request-Id", longest);
  made(request_id_spec())->on_request(scene.exchange);
  EXPECT_EQ(scene.exchange.request_id, longest);
}

TEST(RequestId, AnotherHeaderAndNoEcho) {
  Scene scene;
  const auto filter = made(request_id_spec(), R"({"header": "X-Correlation-Id", "echo": false})");
  EXPECT_FALSE(filter->hooks().response);
  filter->on_request(scene.exchange);
  EXPECT_EQ(scene.request("X-Correlation-Id"), scene.exchange.request_id);
  EXPECT_EQ(scene.request("X-Request-Id"), "-");
}

TEST(RequestId, EchoesAnIdAlsoWhenRefusedBeforeItsTurn) {
  Scene scene;
  made(request_id_spec())->on_response(scene.exchange);
  EXPECT_EQ(scene.response("X-Request-Id").size(), 36u);
}

TEST(RequestId, Mistakes) {
  EXPECT_EQ(mistakes(request_id_spec(), R"({"header": "Content-Length"})"),
            "header: \"Content-Length\" says where the message ends; Weir writes it");
  EXPECT_EQ(mistakes(request_id_spec(), R"({"header": "a b"})"),
            "header: \"a b\" is not a valid header name; a header name has letters, digits and \"-\"");
  EXPECT_EQ(mistakes(request_id_spec(), R"({"trust_inbound": "allways"})"),
            "trust_inbound: unknown word \"allways\"; one of: never, trusted_proxies");
}

}  // namespace
}  // namespace weir::filters
