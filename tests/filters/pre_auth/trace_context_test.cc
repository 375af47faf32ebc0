#include <gtest/gtest.h>

#include "filters/pre_auth/specs.h"
#include "filters/pre_auth/traceparent.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

constexpr std::string_view kTrace = "4bf92f3577b34da6a3ce929d0e0e4736";
constexpr std::string_view kParent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

std::string flags_of(const Scene& scene) { return scene.request("traceparent").substr(53); }
bool continued(const Scene& scene) { return scene.exchange.trace_id == kTrace; }

void expect_well_formed(const Scene& scene) {
  const std::string value = scene.request("traceparent");
  ASSERT_EQ(value.size(), 55u) << value;
  EXPECT_TRUE(parse_traceparent(value).has_value()) << value;
  EXPECT_EQ(value.substr(3, 32), scene.exchange.trace_id);
  EXPECT_EQ(value.substr(36, 16), scene.exchange.span_id);
}

TEST(TraceContext, ContinuesATraceWithASpanOfItsOwn) {
  Scene scene;
  scene.header("traceparent", kParent);
  EXPECT_TRUE(passes(made(trace_context_spec())->on_request(scene.exchange)));
  expect_well_formed(scene);
  EXPECT_TRUE(continued(scene));
  EXPECT_NE(scene.exchange.span_id, "00f067aa0ba902b7");
  EXPECT_EQ(flags_of(scene), "01");
}

TEST(TraceContext, BeginsATraceWithRandomAndSampledFlags) {
  Scene scene, other;
  made(trace_context_spec())->on_request(scene.exchange);
  made(trace_context_spec(), R"({"sample": 0})")->on_request(other.exchange);
  expect_well_formed(scene);
  EXPECT_EQ(flags_of(scene), "03");
  EXPECT_EQ(flags_of(other), "02");
  EXPECT_NE(scene.exchange.trace_id, other.exchange.trace_id);
}

TEST(TraceContext, SamplesTheShareAskedFor) {
  const auto filter = made(trace_context_spec(), R"({"sample": 0.25})");
  int sampled = 0;
  for (int i = 0; i < 4000; ++i) {
    Scene scene;
    filter->on_request(scene.exchange);
    sampled += flags_of(scene) == "03";
  }
  EXPECT_NEAR(sampled, 1000, 165) << "six standard deviations";
}

TEST(TraceContext, KeepsTheCallersDecisionNotToSample) {
  Scene scene;
  scene.header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-00");
  made(trace_context_spec())->on_request(scene.exchange);
  EXPECT_EQ(flags_of(scene), "00");
}

TEST(TraceContext, TrustsOnlyProxiesIfToldTo) {
  for (const bool trusted : {false, true}) {
    Scene scene;
    scene.exchange.peer_trusted = trusted;
    scene.header("traceparent", kParent).header("tracestate", "a=1");
    made(trace_context_spec(), R"({"trust": "trusted_proxies"})")->on_request(scene.exchange);
    EXPECT_EQ(continued(scene), trusted);
    EXPECT_EQ(scene.request("tracestate"), trusted ? "a=1" : "-");
  }
}

TEST(TraceContext, TwoParentsAreNone) {
  Scene scene;
  scene.header("traceparent", kParent).header("traceparent", kParent).header("tracestate", "a=1");
  made(trace_context_spec())->on_request(scene.exchange);
  expect_well_formed(scene);
  EXPECT_FALSE(continued(scene));
  EXPECT_EQ(scene.request("tracestate"), "-");
}

TEST(TraceContext, StateOfAllFieldsGoesOnAsOne) {
  Scene scene;
  scene.header("traceparent", kParent)
      .header("tracestate", "a=1 , b=2")
      .header("Tracestate", "")
      .header("tracestate", "c=3");
  made(trace_context_spec())->on_request(scene.exchange);
  EXPECT_EQ(scene.request("tracestate"), "a=1,b=2,c=3");
}

TEST(TraceContext, StateWithoutParentGoesNowhere) {
  Scene scene;
  scene.header("tracestate", "a=1");
  made(trace_context_spec())->on_request(scene.exchange);
  EXPECT_EQ(scene.request("tracestate"), "-");
}

TEST(Traceparent, Valid) {
  const auto parsed = parse_traceparent(kParent);
  ASSERT_TRUE(parsed.has_value());
  EXPECT_EQ(parsed->trace_id, kTrace);
  EXPECT_EQ(parsed->flags, 1);
  // Bits of later levels are not passed on.
  EXPECT_EQ(parse_traceparent("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-ff")->flags, 3);
  // A later version: the first four fields, whatever follows a dash.
  EXPECT_TRUE(parse_traceparent("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"));
  EXPECT_TRUE(parse_traceparent("cc-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-what the future brings"));
}

TEST(Traceparent, Invalid) {
  for (const std::string_view bad : {
           "",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",      // no flags
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-1",    // short
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-011",  // long
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-",  // version 00 has four fields
           "01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01.",  // no dash
           "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",   // no version
           "0g-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",  // upper case
           "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
           "00_4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736_00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7_01",
           "00-4bf92f3577b34da6a3ce929d0e0e473.-00f067aa0ba902b7-01",
           "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-0x",
       }) {
    EXPECT_FALSE(parse_traceparent(bad)) << bad;
  }
}

std::string state(const std::vector<std::string>& values) {
  http::Fields fields;
  for (const std::string& value : values) fields.append("tracestate", value);
  Arena arena;
  return std::string(join_tracestate(fields, arena));
}

TEST(Tracestate, MembersAreChecked) {
  EXPECT_EQ(state({"rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"}), "rojo=00f067aa0ba902b7,congo=t61rcWkgMzE");
  EXPECT_EQ(state({"0tenant@sys/te_m-x*=a b:c!"}), "0tenant@sys/te_m-x*=a b:c!");
  for (const std::string_view bad : {"a", "a=", "=1", "A=1", "a=1=2", "a=1,b", "_a=1", "a =1", "a=\xc3\xa9"}) {
    EXPECT_EQ(state({std::string(bad)}), "") << bad;
    EXPECT_EQ(state({"good=1", std::string(bad)}), "") << "one bad member spoils the list: " << bad;
  }
  EXPECT_EQ(state({std::string(257, 'k') + "=1"}), "");
  EXPECT_EQ(state({"k=" + std::string(257, 'v')}), "");
  EXPECT_EQ(state({"k=" + std::string(256, 'v')}).size(), 258u);
  EXPECT_EQ(state({"", ",", " "}), "");
}

TEST(Tracestate, AtMostThirtyTwoMembers) {
  std::string list = "k0=v";
  for (int i = 1; i < 32; ++i) list += ",k" + std::to_string(i) + "=v";
  EXPECT_EQ(state({list}), list);
  EXPECT_EQ(state({list, "one=more"}), "");
}

TEST(Tracestate, LongListsLoseLargeMembersFirstThenTheLast) {
  const std::string large = "large=" + std::string(200, 'x');
  std::string small = "s0=" + std::string(100, 'y');
  for (int i = 1; i < 4; ++i) small += ",s" + std::to_string(i) + "=" + std::string(100, 'y');  // 415 bytes
  EXPECT_EQ(state({large, small}), small);
  EXPECT_EQ(state({small + "," + small}), small) << "eight small ones do not fit into 512 bytes, four do";
}

TEST(TraceContext, Mistakes) {
  EXPECT_EQ(mistakes(trace_context_spec(), R"({"sample": 2})"), "sample: must be between 0 and 1, found 2");
  EXPECT_EQ(mistakes(trace_context_spec(), R"({"trust": "never"})"),
            "trust: unknown word \"never\"; one of: always, trusted_proxies");
}

}  // namespace
}  // namespace weir::filters
