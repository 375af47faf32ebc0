#include <gtest/gtest.h>

#include "filters/transformation/specs.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

constexpr std::uint64_t kServerLimit = 1 << 20;

// Gives the exchange a body that has not begun to arrive.
void with_body(Scene& scene, http::Framing framing, std::uint64_t length) {
  static char buffer[1];
  scene.exchange.request.framing = framing;
  scene.exchange.request.content_length = length;
  scene.exchange.body.start(scene.stream, buffer, 0, 0, framing, length, http::Body::Side::request, kServerLimit);
}

TEST(BodyLimit, RefusesAnAnnouncedBodyAtOnce) {
  const auto filter = made(body_limit_spec(), R"({"max": "1KiB"})");
  Scene fits, too_large;
  with_body(fits, http::Framing::length, 1024);
  with_body(too_large, http::Framing::length, 1025);
  EXPECT_TRUE(passes(filter->on_request(fits.exchange)));
  EXPECT_EQ(refusal(filter->on_request(too_large.exchange)), "body_too_large");
}

TEST(BodyLimit, TightensTheLimitOfABodyWithoutLengthAndNeverLoosensIt) {
  Scene scene;
  with_body(scene, http::Framing::chunked, 0);
  EXPECT_TRUE(passes(made(body_limit_spec(), R"({"max": "2MiB"})")->on_request(scene.exchange)));
  EXPECT_EQ(scene.exchange.body.limit(), kServerLimit);
  EXPECT_TRUE(passes(made(body_limit_spec(), R"({"max": 100})")->on_request(scene.exchange)));
  EXPECT_EQ(scene.exchange.body.limit(), 100u);
}

TEST(BodyLimit, Mistakes) {
  EXPECT_EQ(mistakes(body_limit_spec(), "{}"), "the field \"max\" is missing; expected a size such as \"64KiB\"");
  EXPECT_EQ(mistakes(body_limit_spec(), R"({"max": "1kb"})"),
            "max: expected a size such as \"64KiB\", found the string \"1kb\"");
}

}  // namespace
}  // namespace weir::filters
