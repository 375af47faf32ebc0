#include <gtest/gtest.h>

#include "filters/transformation/specs.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

TEST(Headers, RemoveThenRenameThenSetThenAdd) {
  Scene scene;
  scene.header("X-Gone", "1")
      .header("x-gone", "2")
      .header("X-Old", "a")
      .header("X-Old", "b")
      .header("X-Set", "theirs");
  const auto filter = made(headers_spec(), R"({"request": {
    "add": {"X-New": "c", "X-Many": ["1", "2"]}, "set": {"X-Set": "ours", "X-Gone": "back"},
    "rename": {"X-Old": "X-New"}, "remove": ["X-GONE"]}})");
  EXPECT_FALSE(filter->hooks().response);
  EXPECT_TRUE(passes(filter->on_request(scene.exchange)));
  EXPECT_EQ(scene.request("X-Gone"), "back");
  EXPECT_EQ(scene.request("X-Old"), "-");
  EXPECT_EQ(scene.request("X-New"), "a | b | c");
  EXPECT_EQ(scene.request("X-Set"), "ours");
  EXPECT_EQ(scene.request("X-Many"), "1 | 2");
}

TEST(Headers, ResponseWithItsStatus) {
  Scene scene;
  scene.exchange.response.status = 503;
  scene.exchange.response.fields.append("Server", "upstream/1.0");
  const auto filter =
      made(headers_spec(), R"({"response": {"remove": ["Server"], "set": {"X-Status": "${status} ${header.x-a}"}}})");
  EXPECT_FALSE(filter->hooks().request);
  scene.header("X-A", "from the request");
  filter->on_response(scene.exchange);
  EXPECT_EQ(scene.response("Server"), "-");
  EXPECT_EQ(scene.response("X-Status"), "503 from the request");
}

TEST(Headers, AnEmptyValueRemovesWhatAClientSent) {
  Scene scene;
  scene.header("X-Tenant", "spoofed").header("X-More", "theirs");
  made(headers_spec(), R"({"request": {"set": {"X-Tenant": "${consumer}"}, "add": {"X-More": "${consumer}"}}})")
      ->on_request(scene.exchange);
  EXPECT_EQ(scene.request("X-Tenant"), "-");
  EXPECT_EQ(scene.request("X-More"), "theirs");
}

TEST(Headers, KnownFieldsKeepTheirNumbers) {
  Scene scene;
  made(headers_spec(), R"({"request": {"add": {"user-agent": "weir"}, "rename": {"X-A": "Origin"}}})")
      ->on_request(scene.exchange);
  EXPECT_EQ(scene.exchange.request.fields.value(http::FieldName::user_agent), "weir");
}

TEST(Headers, TellsItsCaptures) {
  const auto filter = made(headers_spec(), R"({"request": {"set": {"X-A": "${path.a}"}},
    "response": {"add": {"X-B": ["${path.b}"]}}})");
  EXPECT_EQ(filter->captures_used(), (std::vector<std::string_view>{"a", "b"}));
}

TEST(Headers, RefusesWhatFramesOrBelongsToWeir) {
  EXPECT_EQ(mistakes(headers_spec(), R"({"request": {"set": {"Content-Length": "1"}}})"),
            "request.set[\"Content-Length\"]: \"Content-Length\" says where the message ends; Weir writes it");
  EXPECT_EQ(mistakes(headers_spec(), R"({"request": {"set": {"host": "a"}}})"),
            "request.set.host: \"host\" is not set here; use the filter rewrite with \"host\"");
  EXPECT_EQ(mistakes(headers_spec(), R"({"request": {"rename": {"X-A": "Transfer-Encoding"}}})"),
            "request.rename[\"X-A\"]: \"Transfer-Encoding\" says where the message ends; Weir writes it");
  EXPECT_EQ(mistakes(headers_spec(), R"({"response": {"remove": ["Connection"]}})"),
            "response.remove[0]: \"Connection\" belongs to one connection and is never passed on");
  EXPECT_EQ(mistakes(headers_spec(), R"({"request": {"add": {"X-Forwarded-For": "1.2.3.4"}}})"),
            "request.add[\"X-Forwarded-For\"]: \"X-Forwarded-For\" is written by Weir itself, after all filters");
  EXPECT_EQ(mistakes(headers_spec(), R"({"response": {"set": {"Host": "a"}}})"), "");
}

TEST(Headers, Mistakes) {
  EXPECT_EQ(mistakes(headers_spec(), "{}"), "changes nothing: \"request\" and \"response\" are empty");
  EXPECT_EQ(mistakes(headers_spec(), R"({"request": {"set": {"X-A": "${pth}"}}})"),
            "request.set[\"X-A\"]: unknown variable \"${pth}\"; did you mean \"path\"?");
  EXPECT_EQ(mistakes(headers_spec(), R"({"request": {"add": {"X-A": ["ok", "${status}"]}}})"),
            "request.add[\"X-A\"][1]: \"${status}\" is known only in a response");
  EXPECT_EQ(mistakes(headers_spec(), R"({"request": {"set": {"X-A": "a\r\nX-B: b"}}})"),
            "request.set[\"X-A\"]: must not have control characters");
  EXPECT_EQ(mistakes(headers_spec(), R"({"request": {"set": {":path": "a"}}})"),
            "request.set: \":path\" is not a valid name here; a header name has letters, digits and \"-\"");
  EXPECT_EQ(mistakes(headers_spec(), R"({"request": {"remove": ["X_A"]}})"),
            "request.remove[0]: \"X_A\" is not a valid header name; a header name has letters, digits "
            "and \"-\"; \"_\" is refused");
}

}  // namespace
}  // namespace weir::filters
