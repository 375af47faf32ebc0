#include "pipeline/respond.h"

#include <gtest/gtest.h>

#include <ctime>

#include "base/json/json.h"
#include "http/message/date.h"
#include "pipeline/filter.h"
#include "pipeline/request_id.h"
#include "tests/pipeline/scene.h"

namespace weir::pipeline {
namespace {

std::string_view body_of(std::string_view wire) { return wire.substr(wire.find("\r\n\r\n") + 4); }

TEST(Refuse, MakesAProblemThatSaysWhatIsWrong) {
  Scene scene;
  scene.exchange.request_id = "id-1";
  refuse(scene.exchange, {Reason::bad_path, "climbs above the root"});
  EXPECT_EQ(
      scene.exchange.answer,
      "{\"type\":\"urn:weir:problem:bad_path\",\"title\":\"The path is malformed or ambiguous.\",\"status\":400,"
      "\"detail\":\"climbs above the root\",\"reason\":\"bad_path\",\"request_id\":\"id-1\"}\n");
  EXPECT_EQ(scene.exchange.response.status, 400);
  EXPECT_EQ(scene.response("Content-Type"), "application/problem+json");
  EXPECT_EQ(scene.response("Cache-Control"), "no-store");
  EXPECT_EQ(scene.exchange.reason, Reason::bad_path);
  EXPECT_EQ(scene.exchange.detail, "climbs above the root");
}

TEST(Refuse, EveryReasonIsJsonWithItsStatusAndAnId) {
  for (int i = 0; i < kReasonCount; ++i) {
    Scene scene;
    refuse(scene.exchange, {static_cast<Reason>(i), {}});
    const auto json = parse_json(scene.exchange.answer);
    ASSERT_TRUE(json.has_value()) << scene.exchange.answer;
    EXPECT_EQ(json->find("status")->as_integer(), info(static_cast<Reason>(i)).status);
    EXPECT_EQ(json->find("request_id")->as_string().size(), 36u);
    EXPECT_EQ(json->find("detail"), nullptr);
  }
}

TEST(Refuse, KeepsWhatBelongsToTheRefusalAndDropsAnAnswerThatIsNotSent) {
  Scene scene;
  scene.exchange.response.status = 200;
  for (const std::string_view name :
       {"allow", "Retry-After", "WWW-Authenticate", "Set-Cookie", "Content-Encoding", "Content-Type"}) {
    scene.exchange.response.fields.append(name, "x");
  }
  refuse(scene.exchange, {Reason::method_not_allowed, {}});
  EXPECT_EQ(scene.response("Allow"), "x");
  EXPECT_EQ(scene.response("Retry-After"), "x");
  EXPECT_EQ(scene.response("WWW-Authenticate"), "x");
  EXPECT_EQ(scene.response("Set-Cookie"), "-");
  EXPECT_EQ(scene.response("Content-Encoding"), "-");
  EXPECT_EQ(scene.response("Content-Type"), "application/problem+json");
}

TEST(Refuse, OnlyNotesTheReasonOnceAResponseHasBegun) {
  Scene scene;
  scene.exchange.response.status = 200;
  begin_response(scene.exchange);
  refuse(scene.exchange, {Reason::upstream_closed, "in the middle"});
  EXPECT_EQ(scene.exchange.reason, Reason::upstream_closed);
  EXPECT_EQ(scene.exchange.detail, "in the middle");
  EXPECT_EQ(scene.exchange.response.status, 200);
  EXPECT_EQ(scene.exchange.answer, "");
}

TEST(SendAnswer, SendsHeadAndBody) {
  Scene scene;
  refuse(scene.exchange, {Reason::no_route, {}});
  const std::string wire = scene.wire(send_answer(scene.exchange));
  EXPECT_TRUE(wire.starts_with("HTTP/1.1 404 ")) << wire;
  EXPECT_TRUE(wire.contains("\r\nContent-Length: " + std::to_string(scene.exchange.answer.size()) + "\r\n")) << wire;
  EXPECT_EQ(body_of(wire), scene.exchange.answer);
}

TEST(SendAnswer, HeadHasTheLengthButNoBody) {
  Scene scene("HEAD", "/");
  scene.exchange.response.status = 200;
  scene.exchange.answer = "twelve bytes";
  const std::string wire = scene.wire(send_answer(scene.exchange));
  EXPECT_TRUE(wire.contains("\r\nContent-Length: 12\r\n")) << wire;
  EXPECT_EQ(body_of(wire), "");
}

// 29 characters of RFC 9110 §5.6.7's IMF-fixdate, of this second or the one before.
TEST(SendAnswer, SaysWhenItWasMade) {
  Scene scene;
  refuse(scene.exchange, {Reason::no_route, {}});
  const std::time_t before = std::time(nullptr);
  const std::string wire = scene.wire(send_answer(scene.exchange));
  bool found = false;
  for (std::time_t second = before; second <= std::time(nullptr); ++second)
    found |= wire.contains("\r\nDate: " + std::string(http::date_text(second)) + "\r\n");
  EXPECT_TRUE(found) << wire;
}

TEST(SendAnswer, ADateThatIsThereStays) {
  Scene scene;
  scene.exchange.response.status = 200;
  scene.exchange.response.fields.append("date", "Sun, 06 Nov 1994 08:49:37 GMT");
  const std::string wire = scene.wire(send_answer(scene.exchange));
  EXPECT_TRUE(wire.contains("\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\n")) << wire;
  EXPECT_FALSE(wire.contains("\r\nDate: ")) << wire;
}

TEST(BeginResponse, DatesAnUpstreamsResponseThatHasNoDate) {
  Scene scene;
  scene.exchange.response.status = 200;
  begin_response(scene.exchange);
  EXPECT_EQ(scene.response("Date").size(), 29U);
}

TEST(BeginResponse, AChangeOfProtocolHasNoDate) {
  Scene scene;
  scene.exchange.response.status = 101;
  begin_response(scene.exchange);
  EXPECT_EQ(scene.response("Date"), "-");
}

class Marks final : public Filter {
 public:
  explicit Marks(std::string_view mark) : mark_(mark) {}
  Hooks hooks() const noexcept override { return {.request = false, .response = true, .finish = false}; }
  void on_response(Exchange& exchange) const override { exchange.response.fields.append("X-Mark", mark_); }

 private:
  std::string_view mark_;
};

TEST(BeginResponse, RunsTheHooksInTheChainsOrderBeforeTheHeadIsMade) {
  Scene scene;
  const Marks first("1"), second("2");
  const std::array<const Filter*, 2> marks = {&first, &second};
  const Chain chain{.on_request = {}, .on_response = marks, .on_finish = {}};
  scene.exchange.chain = &chain;
  scene.exchange.response.status = 200;
  const std::string wire = scene.wire(send_answer(scene.exchange));
  const auto at = wire.find("X-Mark: 1\r\n");
  ASSERT_NE(at, std::string::npos) << wire;
  EXPECT_TRUE(wire.substr(at).contains("X-Mark: 2\r\n"));
}

TEST(RequestId, IsMadeOnceAndFromTheTimeOfTheRequest) {
  Scene scene;
  ensure_request_id(scene.exchange);
  const std::string id(scene.exchange.request_id);
  EXPECT_EQ(id.substr(0, 13), "019ca6b1-d893") << "2026-02-28T23:59:59.123 in milliseconds";
  EXPECT_EQ(id[14], '7');
  ensure_request_id(scene.exchange);
  EXPECT_EQ(scene.exchange.request_id, id);
}

TEST(Phase, Words) {
  EXPECT_EQ(text(Phase::pre_auth), "pre_auth");
  EXPECT_EQ(text(Phase::post_execution), "post_execution");
}

}  // namespace
}  // namespace weir::pipeline
