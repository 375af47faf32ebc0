// What passes from one side of the gateway to the other: whose word a field is, and who may send it.
#include "http/message/forwarding.h"

#include <gtest/gtest.h>

#include <string>

namespace weir::http {
namespace {

using Given = std::vector<std::pair<std::string_view, std::string_view>>;

IpAddress ip(std::string_view text) { return *IpAddress::parse(text); }

Fields fields(const Given& given) {
  Fields out;
  for (const auto& [name, value] : given) out.append(name, value);
  return out;
}

// The names that are there, in order.
std::string names(const Fields& fields) {
  std::string out;
  for (const Field& field : fields) out.append(out.empty() ? "" : " ").append(field.name);
  return out;
}

// The values of one name, joined by " | "; "-" without any.
std::string all(const Fields& fields, std::string_view name) {
  std::string out;
  for (const Field& field : fields)
    if (equal_ignoring_case(field.name, name)) out.append(out.empty() ? "" : " | ").append(field.value);
  return out.empty() ? "-" : out;
}

// ---- hop-by-hop fields

std::string stripped(const Given& given, bool upgrade = false) {
  RequestHead request;
  request.upgrade = upgrade;
  request.fields = fields(given);
  strip_request(request);
  return names(request.fields);
}

TEST(StripRequest, TakesOutWhatConcernsOneConnection) {
  EXPECT_EQ(stripped({{"Host", "a"},
                      {"Connection", "close"},
                      {"Keep-Alive", "timeout=5"},
                      {"Proxy-Connection", "keep-alive"},
                      {"TE", "trailers"},
                      {"Trailer", "X-Sum"},
                      {"Transfer-Encoding", "chunked"},
                      {"Upgrade", "websocket"},
                      {"HTTP2-Settings", "AAMAAABkAARAAAAAAAIAAAAA"},
                      {"Proxy-Authorization", "Basic eA=="},
                      {"proxy-authenticate", "Basic"},
                      {"Accept", "*/*"}}),
            "Host Accept");
}

TEST(StripRequest, TakesOutWhatConnectionNominates) {
  EXPECT_EQ(stripped({{"Connection", "close, X-Hop ,, x-OTHER"},
                      {"x-hop", "1"},
                      {"X-Hop", "2"},
                      {"Connection", "X-Third"},
                      {"X-Other", "3"},
                      {"X-Third", "4"},
                      {"X-Hop-Not", "5"}}),
            "X-Hop-Not");
}

TEST(StripRequest, WhatPolicyReliesOnIsNotLostByNominatingIt) {
  EXPECT_EQ(stripped({{"Connection",
                       "Authorization, Cookie, Host, Content-Type, Content-Length, Forwarded, X-Forwarded-For, "
                       "X-Forwarded-Proto, X-Real-IP, Origin, Via"},
                      {"Connection", "X-Forwarded-Anything, Traceparent, X-Request-Id, Cache-Control"},
                      {"Authorization", "a"},
                      {"Cookie", "b"},
                      {"Host", "c"},
                      {"Content-Type", "d"},
                      {"Content-Length", "0"},
                      {"Forwarded", "for=1.2.3.4"},
                      {"X-Forwarded-For", "1.2.3.4"},
                      {"X-Forwarded-Proto", "https"},
                      {"X-Real-IP", "1.2.3.4"},
                      {"Origin", "https://a"},
                      {"Via", "1.1 a"},
                      {"X-Forwarded-Anything", "e"},
                      {"Traceparent", "f"},
                      {"X-Request-Id", "g"},
                      {"Cache-Control", "h"}}),
            "Authorization Cookie Host Content-Type Content-Length Forwarded X-Forwarded-For X-Forwarded-Proto "
            "X-Real-IP Origin Via X-Forwarded-Anything Traceparent X-Request-Id Cache-Control");
}

TEST(StripRequest, IdentityIsTheGatewaysToSay) {
  EXPECT_EQ(stripped({{"X-User-Id", "root"},
                      {"x-user-ID", "root"},
                      {"X-Consumer-Name", "admin"},
                      {"X-Consumer-Groups", "all"},
                      {"x-auth-request-email", "a@b"},
                      {"X-Credential-Identifier", "k"},
                      {"X-Anonymous-Consumer", "false"},
                      {"X-User-Agent", "kept"},
                      {"X-Users-Id", "kept"},
                      {"X-Authority", "kept"},
                      {"User-Id", "kept"}}),
            "X-User-Agent X-Users-Id X-Authority User-Id");
}

TEST(StripRequest, UpgradeStaysOnlyForOneThatIsAskedForAndIsNotHttp2) {
  RequestHead request;
  request.upgrade = true;
  request.fields = fields({{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Key", "k"}});
  strip_request(request);
  EXPECT_TRUE(request.upgrade);
  EXPECT_EQ(names(request.fields), "Upgrade Sec-WebSocket-Key");

  request.fields = fields({{"Connection", "Upgrade, HTTP2-Settings"}, {"Upgrade", "H2C"}, {"HTTP2-Settings", "AA"}});
  strip_request(request);
  EXPECT_FALSE(request.upgrade) << "it would carry requests past every filter";
  EXPECT_EQ(names(request.fields), "");

  EXPECT_EQ(stripped({{"Upgrade", "websocket"}}, false), "") << "Connection did not say so";
}

TEST(StripResponse, TakesOutWhatConcernsOneConnection) {
  ResponseHead response;
  response.status = 200;
  response.fields = fields({{"Connection", "X-Hop"},
                            {"X-Hop", "1"},
                            {"Keep-Alive", "timeout=5"},
                            {"Transfer-Encoding", "chunked"},
                            {"Trailer", "X-Sum"},
                            {"Upgrade", "h2c"},
                            {"Proxy-Authenticate", "Basic"},
                            {"Content-Type", "text/plain"},
                            {"Set-Cookie", "a=b"},
                            {"Set-Cookie", "c=d"},
                            {"X-User-Id", "7"}});
  strip_response(response);
  EXPECT_EQ(names(response.fields), "Content-Type Set-Cookie Set-Cookie X-User-Id");
}

TEST(StripResponse, UpgradeStaysOnASwitch) {
  ResponseHead response;
  response.status = 101;
  response.fields = fields({{"Connection", "upgrade"}, {"Upgrade", "websocket"}});
  strip_response(response);
  EXPECT_EQ(names(response.fields), "Upgrade");
}

// ---- who the client is

const CidrSet& trusted() {
  static const CidrSet kTrusted({*Cidr::parse("10.0.0.0/8"), *Cidr::parse("fd00::/8")});
  return kTrusted;
}

std::string client(const Given& given, std::string_view peer = "10.0.0.1") {
  RequestHead request;
  request.fields = fields(given);
  return client_address(request, ip(peer), trusted().contains(ip(peer)), trusted()).to_string();
}

TEST(ClientAddress, IsThePeerWithoutAnybodysWord) {
  EXPECT_EQ(client({}), "10.0.0.1");
  EXPECT_EQ(client({{"X-Forwarded-For", ""}}), "10.0.0.1");
  EXPECT_EQ(client({{"X-Real-IP", "1.2.3.4"}}), "10.0.0.1");
}

TEST(ClientAddress, NobodyWhoIsNotTrustedIsBelieved) {
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4"}, {"Forwarded", "for=1.2.3.4"}}, "192.0.2.9"), "192.0.2.9");
}

TEST(ClientAddress, IsTheFirstFromTheRightThatIsNotTrusted) {
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4"}}), "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6, 1.2.3.4, 10.9.9.9"}}), "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6,1.2.3.4 ,\t10.9.9.9, 10.8.8.8"}}), "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6"}, {"X-Forwarded-For", "1.2.3.4"}, {"x-forwarded-for", "10.2.2.2"}}),
            "1.2.3.4")
      << "several fields are one list";
}

TEST(ClientAddress, OfTrustedOnesOnlyIsTheLeftmost) {
  EXPECT_EQ(client({{"X-Forwarded-For", "10.1.1.1, 10.2.2.2"}}), "10.1.1.1");
}

TEST(ClientAddress, WhatStandsLeftOfRubbishIsNobodysWord) {
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6, unknown, 10.2.2.2"}}), "10.2.2.2");
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6, unknown"}}), "10.0.0.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6, 1.2.3.4.5, 1.2.3.4, 10.2.2.2"}}), "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "6.6.6.6, localhost"}}), "10.0.0.1");
  EXPECT_EQ(client({{"Forwarded", "for=6.6.6.6, for=_hidden, for=10.2.2.2"}}), "10.2.2.2");
  EXPECT_EQ(client({{"Forwarded", "for=6.6.6.6, proto=https"}}), "10.0.0.1");
}

TEST(ClientAddress, ReadsPortsBracketsAndQuotes) {
  EXPECT_EQ(client({{"X-Forwarded-For", "1.2.3.4:5678"}}), "1.2.3.4");
  EXPECT_EQ(client({{"X-Forwarded-For", "2001:db8::7"}}), "2001:db8::7");
  EXPECT_EQ(client({{"X-Forwarded-For", "[2001:db8::7]:443"}}), "2001:db8::7");
  EXPECT_EQ(client({{"X-Forwarded-For", "::ffff:10.1.1.1, ::ffff:1.2.3.4, fd00::1"}}), "1.2.3.4");
  EXPECT_EQ(client({{"Forwarded", R"(for="[2001:db8::7]:443";proto=https)"}}), "2001:db8::7");
  EXPECT_EQ(client({{"Forwarded", R"(by=10.0.0.1; FOR="1.2.3.4:80", for=10.2.2.2)"}}), "1.2.3.4");
}

TEST(ClientAddress, XForwardedForWinsOverForwarded) {
  EXPECT_EQ(client({{"Forwarded", "for=6.6.6.6"}, {"X-Forwarded-For", "1.2.3.4"}}), "1.2.3.4");
}

// ---- what the next hop is told

struct Told {
  Arena arena;
  Fields fields;
  std::string operator()(std::string_view name) const { return all(fields, name); }
};

std::unique_ptr<Told> told(const Given& given, const Forwarded& from, Version version = Version::http11) {
  auto out = std::make_unique<Told>();
  out->fields = fields(given);
  add_forwarded(out->fields, from, version, out->arena);
  return out;
}

TEST(AddForwarded, APeerWithoutAnAddressIsUnknown) {
  const auto next = told({}, {.peer = IpAddress(), .host = "a"});
  EXPECT_EQ(next->fields.value(FieldName::x_forwarded_for), "unknown");
  EXPECT_EQ(next->fields.value(FieldName::forwarded), "for=unknown;host=a;proto=http");
}

TEST(AddForwarded, BeginsTheChainForWhoIsNotTrusted) {
  const auto next = told({{"X-Forwarded-For", "6.6.6.6"},
                          {"Forwarded", "for=6.6.6.6;proto=https"},
                          {"X-Forwarded-Proto", "https"},
                          {"X-Forwarded-Host", "evil.example"},
                          {"X-Forwarded-Port", "1"},
                          {"X-Forwarded-Prefix", "/x"},
                          {"X-Real-IP", "6.6.6.6"},
                          {"Accept", "*/*"}},
                         {.peer = ip("192.0.2.9"), .host = "shop.example.com:8080"});
  EXPECT_EQ((*next)("X-Forwarded-For"), "192.0.2.9");
  EXPECT_EQ((*next)("X-Forwarded-Proto"), "http");
  EXPECT_EQ((*next)("X-Forwarded-Host"), "shop.example.com:8080");
  EXPECT_EQ((*next)("X-Forwarded-Prefix"), "-");
  EXPECT_EQ((*next)("X-Real-IP"), "-");
  EXPECT_EQ((*next)("Forwarded"), R"(for=192.0.2.9;host="shop.example.com:8080";proto=http)");
  EXPECT_EQ((*next)("Via"), "1.1 weir");
  EXPECT_EQ((*next)("Accept"), "*/*");
}

TEST(AddForwarded, GoesOnWithTheChainOfWhoIs) {
  const auto next = told({{"X-Forwarded-For", "1.2.3.4"},
                          {"X-Forwarded-For", "10.3.3.3"},
                          {"Forwarded", "for=1.2.3.4"},
                          {"X-Forwarded-Proto", "https"},
                          {"X-Forwarded-Host", "shop.example.com"},
                          {"X-Forwarded-Prefix", "/x"},
                          {"X-Real-IP", "1.2.3.4"},
                          {"Via", "1.0 edge"},
                          {"Via", "2 cdn (x)"}},
                         {.peer = ip("10.0.0.1"), .peer_trusted = true, .host = "internal"}, Version::http10);
  EXPECT_EQ((*next)("X-Forwarded-For"), "1.2.3.4, 10.3.3.3, 10.0.0.1");
  EXPECT_EQ((*next)("Forwarded"), "for=1.2.3.4, for=10.0.0.1;host=internal;proto=http");
  EXPECT_EQ((*next)("X-Forwarded-Proto"), "https");
  EXPECT_EQ((*next)("X-Forwarded-Host"), "shop.example.com");
  EXPECT_EQ((*next)("X-Forwarded-Prefix"), "/x");
  EXPECT_EQ((*next)("X-Real-IP"), "1.2.3.4");
  EXPECT_EQ((*next)("Via"), "1.0 edge, 2 cdn (x), 1.0 weir");
}

TEST(AddForwarded, ATrustedPeerThatSaysNothingIsSpokenFor) {
  const auto next = told({}, {.peer = ip("10.0.0.1"), .peer_trusted = true, .secure = true, .host = "a.example"});
  EXPECT_EQ((*next)("X-Forwarded-For"), "10.0.0.1");
  EXPECT_EQ((*next)("X-Forwarded-Proto"), "https");
  EXPECT_EQ((*next)("X-Forwarded-Host"), "a.example");
  EXPECT_EQ((*next)("Forwarded"), "for=10.0.0.1;host=a.example;proto=https");
}

TEST(AddForwarded, QuotesIpv6AndSaysNothingOfAHostThatIsNone) {
  const auto next = told({}, {.peer = ip("2001:db8::7"), .secure = true, .host = {}});
  EXPECT_EQ((*next)("X-Forwarded-For"), "2001:db8::7");
  EXPECT_EQ((*next)("X-Forwarded-Host"), "-");
  EXPECT_EQ((*next)("Forwarded"), R"(for="[2001:db8::7]";proto=https)");
  const auto literal = told({}, {.peer = ip("1.2.3.4"), .host = "[2001:db8::1]"});
  EXPECT_EQ((*literal)("Forwarded"), R"(for=1.2.3.4;host="[2001:db8::1]";proto=http)");
}

TEST(AddForwarded, ViaOfAnyoneIsKept) {
  const auto next = told({{"Via", "1.1 weir"}}, {.peer = ip("192.0.2.9"), .host = {}});
  EXPECT_EQ((*next)("Via"), "1.1 weir, 1.1 weir") << "the loop guard counts these";
}

}  // namespace
}  // namespace weir::http
