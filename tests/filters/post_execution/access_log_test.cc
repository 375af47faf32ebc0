#include <gtest/gtest.h>

#include "base/json/json.h"
#include "filters/post_execution/access_record.h"
#include "filters/post_execution/specs.h"
#include "filters/post_execution/timestamp.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

using std::chrono::microseconds;

std::string record(Scene& scene, std::string_view config = "{}") {
  made(access_log_spec(), config)->on_finish(scene.exchange);
  EXPECT_EQ(scene.log.records.size(), 1u);
  return scene.log.records.empty() ? "" : scene.log.records[0];
}

// A member of the record as canonical JSON; "" if it is missing.
std::string member(Scene& scene, std::string_view name, std::string_view config = "{}") {
  const std::string line = record(scene, config);
  const auto json = parse_json(line);
  EXPECT_TRUE(json.has_value()) << line;
  const Json* found = json ? json->find(name) : nullptr;
  return found != nullptr ? to_canonical(*found) : "";
}

TEST(AccessLog, ProxiedRequestInFull) {
  Scene scene("POST", "/orders/7", "x=1&token=t0p");
  pipeline::Exchange& exchange = scene.matched().exchange;
  const SocketAddress peer(IpAddress::v4(10, 0, 0, 1), 4711);
  exchange.request_id = "id-1";
  exchange.peer = &peer;
  exchange.tls_version = "TLSv1.3";
  exchange.upstream_name = "orders";
  exchange.upstream_address = "127.0.0.1:9002";
  exchange.upstream_status = 502;
  exchange.upstream_attempts = 2;
  exchange.canary = exchange.upstream_reused = true;
  exchange.reason = Reason::upstream_closed;
  exchange.detail = "before the head";
  exchange.auth.identity.consumer = "alice";
  exchange.trace_id = "4bf92f3577b34da6a3ce929d0e0e4736";
  exchange.upstream_started = exchange.started + microseconds(100);
  exchange.upstream_first_byte = exchange.started + microseconds(350);
  scene.header("User-Agent", "curl/8").header("Referer", "https://a.example/b?secret=1#c");
  RecordFormat format;
  RecordLine line;
  exchange.ended = exchange.started + microseconds(1234);
  append_record(line, exchange, format);
  EXPECT_EQ(
      line.view(),
      "{\"ts\":\"2026-02-28T23:59:59.123456Z\",\"request_id\":\"id-1\",\"revision\":3,\"client\":\"192.0.2.7\","
      "\"peer\":\"10.0.0.1:4711\",\"tls\":\"TLSv1.3\",\"host\":\"shop.example.com\",\"method\":\"POST\","
      "\"path\":\"/orders/7\",\"query\":\"x=1&token=REDACTED\",\"version\":\"1.1\",\"status\":502,"
      "\"reason\":\"upstream_closed\",\"detail\":\"before the head\",\"route\":\"order\",\"upstream\":\"orders\","
      "\"upstream_address\":\"127.0.0.1:9002\",\"upstream_status\":502,\"attempts\":2,\"canary\":true,"
      "\"reused\":true,\"bytes_in\":0,\"bytes_out\":0,\"duration_us\":1234,\"upstream_us\":250,"
      "\"consumer\":\"alice\",\"trace_id\":\"4bf92f3577b34da6a3ce929d0e0e4736\",\"user_agent\":\"curl/8\","
      "\"referer\":\"https://a.example/b\"}");
}

TEST(AccessLog, RequestThatCouldNotBeRead) {
  Scene scene("", "");
  scene.exchange.host = {};
  scene.exchange.started = {};
  pipeline::refuse(scene.exchange, {Reason::bad_request, "a bare CR"});
  const std::string line = record(scene);
  EXPECT_TRUE(parse_json(line).has_value()) << line;
  EXPECT_EQ(line,
            "{\"ts\":\"2026-02-28T23:59:59.123456Z\",\"request_id\":\"" + std::string(scene.exchange.request_id) +
                "\",\"revision\":3,\"client\":\"192.0.2.7\",\"status\":400,\"reason\":\"bad_request\",\"detail\":"
                "\"a bare CR\",\"bytes_in\":0,\"bytes_out\":0}");
}

TEST(AccessLog, StatusAndBytesAreWhatWentOut) {
  Scene scene;
  scene.exchange.response.status = 200;
  scene.exchange.answer = "twelve bytes";
  scene.wire(pipeline::send_answer(scene.exchange));
  scene.exchange.reason = Reason::upstream_closed;  // noted when the client had its 200 already
  scene.exchange.ended = scene.exchange.started + std::chrono::microseconds(5);
  const auto json = parse_json(record(scene));
  EXPECT_EQ(json->find("status")->as_integer(), 200);
  EXPECT_EQ(json->find("reason")->as_string(), "upstream_closed");
  EXPECT_EQ(json->find("bytes_out")->as_integer(), 12);
  EXPECT_EQ(json->find("duration_us")->as_integer(), 5);
}

TEST(AccessLog, WhatAClientSendsStaysInItsString) {
  Scene scene("GET", "/");
  scene.header("User-Agent", "\"},{\"x\":\"\x1b[31m\t\xff\\");
  EXPECT_EQ(member(scene, "user_agent"), to_canonical(Json("\"},{\"x\":\"\x1b[31m\t\xef\xbf\xbd\\")));
  for (const char c : scene.log.records[0]) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
}

TEST(AccessLog, LongTextsAreCut) {
  const std::string agent(5000, 'a');
  Scene scene;
  scene.header("User-Agent", agent);
  EXPECT_EQ(member(scene, "user_agent").size(), 1024u + 2);
}

std::string query(const char* text, std::string_view config = "{}") {
  Scene scene("GET", "/", text);
  return member(scene, "query", config);
}

TEST(AccessLog, Query) {
  EXPECT_EQ(query(nullptr), "");
  EXPECT_EQ(query(""), "\"\"");
  EXPECT_EQ(query("a=1&b"), "\"a=1&b\"");
  EXPECT_EQ(query("q=\"\\"), to_canonical(Json("q=\"\\")));
  EXPECT_EQ(query("a=1&ToKeN=x&%6bey=y&token&code=&a=2"), "\"a=1&ToKeN=REDACTED&%6bey=REDACTED&token&code=&a=2\"");
  EXPECT_EQ(query("access_token=x"), "\"access_token=REDACTED\"");
  EXPECT_EQ(query("a=1&pin=7", R"({"secret_parameters": ["PIN"]})"), "\"a=1&pin=REDACTED\"");
  EXPECT_EQ(query("a=1&b&c=3", R"({"query": "redact"})"), "\"a=REDACTED&b&c=REDACTED\"");
  EXPECT_EQ(query("a=1", R"({"query": "drop"})"), "");
}

TEST(AccessLog, PathAsReceivedLosesItsQuery) {
  Scene scene("GET", "/a%2fb?token=secret");
  EXPECT_EQ(member(scene, "path"), "\"/a%2fb\"");
}

TEST(AccessLog, HeadersAskedFor) {
  Scene scene;
  scene.header("Accept", "text/html").header("X-A", "\"");
  scene.exchange.response.fields.append("X-B", "2");
  const auto json =
      parse_json(record(scene, R"({"request_headers": ["X-A", "x-none", "Accept"], "response_headers": ["X-B"]})"));
  ASSERT_TRUE(json.has_value());
  EXPECT_EQ(to_canonical(*json->find("request_headers")), R"({"accept":"text/html","x-a":"\""})");
  EXPECT_EQ(to_canonical(*json->find("response_headers")), R"({"x-b":"2"})");
}

TEST(AccessLog, AddressesOfEveryKind) {
  Scene six;
  const SocketAddress peer(*IpAddress::parse("2001:db8::1"), 80);
  six.exchange.peer = &peer;
  six.exchange.client = *IpAddress::parse("2001:db8::2");
  EXPECT_EQ(member(six, "peer"), "\"[2001:db8::1]:80\"");
  Scene local;
  const SocketAddress socket = *SocketAddress::parse("unix:/run/weir.sock");
  local.exchange.peer = &socket;
  EXPECT_EQ(member(local, "peer"), "\"/run/weir.sock\"");
}

TEST(AccessLog, NoSinkNoRecord) {
  Scene scene;
  scene.lease.access_log = nullptr;
  made(access_log_spec())->on_finish(scene.exchange);
  EXPECT_TRUE(scene.log.records.empty());
}

TEST(RecordLine, EveryLengthAndItsEscapes) {
  std::string text;
  for (int length = 0; length < 300; ++length) {
    RecordLine line;
    line.literal("[");
    line.json(text);
    line.bytes(text);
    EXPECT_EQ(line.view(), "[\"" + text + "\"" + text);
    RecordLine escaped;
    escaped.json(text + "\n\xff\"");
    EXPECT_EQ(escaped.view(), "\"" + text + "\\n\\ufffd\\\"\"");
    text.push_back(static_cast<char>('a' + length % 26));
  }
}

TEST(Timestamp, Utc) {
  const auto at = [](std::int64_t us) { return std::string(timestamp(us)); };
  EXPECT_EQ(at(0), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(at(1), "1970-01-01T00:00:00.000001Z");
  EXPECT_EQ(at(951'827'696'000'000), "2000-02-29T12:34:56.000000Z");
  EXPECT_EQ(at(951'827'696'999'999), "2000-02-29T12:34:56.999999Z");
  EXPECT_EQ(at(253'402'300'799'000'000), "9999-12-31T23:59:59.000000Z");
}

TEST(AccessLog, Mistakes) {
  EXPECT_EQ(mistakes(access_log_spec(), R"({"request_headers": ["X-A", "authorization"]})"),
            "request_headers[1]: \"authorization\" carries secrets and is never logged");
  EXPECT_EQ(mistakes(access_log_spec(), R"({"response_headers": ["Set-Cookie"]})"),
            "response_headers[0]: \"Set-Cookie\" carries secrets and is never logged");
  EXPECT_EQ(mistakes(access_log_spec(), R"({"query": "hide"})"),
            "query: unknown word \"hide\"; one of: keep, redact, drop");
}

}  // namespace
}  // namespace weir::filters
