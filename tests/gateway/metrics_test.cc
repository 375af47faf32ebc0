// Counting, adding up, and the text that Prometheus reads.
#include "gateway/metrics.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <sstream>

namespace weir::gateway {
namespace {

std::uint64_t total(const Histogram& histogram) {
  return std::accumulate(histogram.buckets.begin(), histogram.buckets.end(), std::uint64_t{0});
}

TEST(Histogram, ABoundaryBelongsToItsBucket) {
  Histogram histogram;
  histogram.record(5'000);  // "le" is less or equal
  EXPECT_EQ(histogram.buckets[0], 1u);
  histogram.record(5'001);
  EXPECT_EQ(histogram.buckets[1], 1u);
  histogram.record(10'000'000);
  EXPECT_EQ(histogram.buckets[13], 1u);
  histogram.record(10'000'001);
  EXPECT_EQ(histogram.buckets[14], 1u) << "beyond the last";
  EXPECT_EQ(histogram.count, 4u);
  EXPECT_EQ(histogram.sum_us, 20'010'002u);
}

TEST(Histogram, AddsUp) {
  Histogram a, b;
  a.record(1);
  b.record(1);
  b.record(200'000);
  a.add(b);
  EXPECT_EQ(a.count, 3u);
  EXPECT_EQ(a.sum_us, 200'002u);
  EXPECT_EQ(a.buckets[0], 2u);
  EXPECT_EQ(total(a), 3u);
}

TEST(RouteMetrics, ToldApartByMethodAndStatus) {
  RouteMetrics route;
  route.record(http::Method::get, 200, Reason::ok, 10);
  route.record(http::Method::get, 200, Reason::ok, 10);
  route.record(http::Method::post, 200, Reason::ok, 10);
  route.record(http::Method::get, 502, Reason::upstream_refused, 10);
  ASSERT_EQ(route.series.size(), 3u);
  EXPECT_EQ(route.series[0].duration.count, 2u);
  EXPECT_EQ(route.reasons[static_cast<std::size_t>(Reason::ok)], 3u);
  EXPECT_EQ(route.reasons[static_cast<std::size_t>(Reason::upstream_refused)], 1u);
}

TEST(RouteMetrics, AServiceThatMakesUpStatusesDoesNotFillOurMemory) {
  RouteMetrics route, other;
  for (int status = 100; status < 900; ++status) route.record(http::Method::get, status, Reason::ok, 10);
  EXPECT_EQ(route.series.size(), RouteMetrics::kSeriesPerRoute + 1);
  EXPECT_EQ(route.series.back().status, 0);
  std::uint64_t all = 0;
  for (const auto& series : route.series) all += series.duration.count;
  EXPECT_EQ(all, 800u) << "counted all the same";
  for (int status = 899; status >= 100; --status) other.record(http::Method::put, status, Reason::ok, 10);
  route.add(other);
  EXPECT_LE(route.series.size(), RouteMetrics::kSeriesPerRoute + 1);
  all = 0;
  for (const auto& series : route.series) all += series.duration.count;
  EXPECT_EQ(all, 1'600u);
}

TEST(Metrics, TheSumOfTheWorkersIsWhatEachCounted) {
  Metrics sum, one, two;
  one.routes["a"].record(http::Method::get, 200, Reason::ok, 10);
  one.routes["a"].bytes_in = 3;
  one.upstreams["u"].opened = 1;
  one.connections_open = 5;
  one.active = 1;
  two.routes["a"].record(http::Method::get, 200, Reason::ok, 10);
  two.routes["a"].bytes_in = 4;
  two.routes["b"].canary = 2;
  two.upstreams["u"].opened = 2;
  two.upstreams["u"].idle = 7;
  two.connections_open = 6;
  two.tls_failed = 1;
  sum.add(one);
  sum.add(two);
  EXPECT_EQ(sum.routes["a"].series.at(0).duration.count, 2u);
  EXPECT_EQ(sum.routes["a"].bytes_in, 7u);
  EXPECT_EQ(sum.routes["b"].canary, 2u);
  EXPECT_EQ(sum.upstreams["u"].opened, 3u);
  EXPECT_EQ(sum.upstreams["u"].idle, 7u);
  EXPECT_EQ(sum.connections_open, 11u);
  EXPECT_EQ(sum.active, 1u);
  EXPECT_EQ(sum.tls_failed, 1u);
}

// ---- the text

bool has_line(const std::string& text, std::string_view line) {
  return ("\n" + text).find("\n" + std::string(line) + "\n") != std::string::npos;
}

Metrics some() {
  Metrics out;
  RouteMetrics& users = out.routes["users"];
  users.record(http::Method::get, 200, Reason::ok, 4'000);
  users.record(http::Method::get, 200, Reason::ok, 60'000);
  users.record(http::Method::other, 502, Reason::upstream_refused, 20'000'000);
  users.bytes_out = 1'234'567'890'123;
  out.routes[std::string(kNoRoute)].record(http::Method::post, 404, Reason::no_route, 1);
  out.upstreams["users"].reused = 2;
  out.upstreams["users"].first_byte.record(3'000);
  out.connections_accepted = 9;
  return out;
}

TEST(Exposition, HistogramsAreCumulative) {
  const std::string text = exposition(some(), {});
  const std::string labels = R"(http_route="users",http_request_method="GET",http_response_status_code="200")";
  const std::string name = "http_server_request_duration_seconds";
  EXPECT_TRUE(has_line(text, "# TYPE " + name + " histogram"));
  EXPECT_TRUE(has_line(text, name + "_bucket{" + labels + R"(,le="0.005"} 1)"));
  EXPECT_TRUE(has_line(text, name + "_bucket{" + labels + R"(,le="0.05"} 1)"));
  EXPECT_TRUE(has_line(text, name + "_bucket{" + labels + R"(,le="0.075"} 2)"));
  EXPECT_TRUE(has_line(text, name + "_bucket{" + labels + R"(,le="+Inf"} 2)"));
  EXPECT_TRUE(has_line(text, name + "_count{" + labels + "} 2"));
  EXPECT_TRUE(has_line(text, name + "_sum{" + labels + "} 0.064"));
  const std::string other = R"(http_route="users",http_request_method="_OTHER",http_response_status_code="502")";
  EXPECT_TRUE(has_line(text, name + "_bucket{" + other + R"(,le="10"} 0)"));
  EXPECT_TRUE(has_line(text, name + "_bucket{" + other + R"(,le="+Inf"} 1)"));
}

TEST(Exposition, CountersByReasonAndWholeNumbers) {
  InstanceFacts facts;
  facts.version = "1.2.3";
  facts.revision = 17;
  facts.reloads_failed = 4;
  const std::string text = exposition(some(), facts);
  EXPECT_TRUE(has_line(text, R"(weir_requests_total{route="users",reason="ok"} 2)"));
  EXPECT_TRUE(has_line(text, R"(weir_requests_total{route="users",reason="upstream_refused"} 1)"));
  EXPECT_TRUE(has_line(text, R"(weir_requests_total{route="_none",reason="no_route"} 1)"));
  EXPECT_TRUE(has_line(text, R"(weir_response_body_bytes_total{route="users"} 1234567890123)"));
  EXPECT_TRUE(has_line(text, R"(weir_upstream_connections_reused_total{upstream="users"} 2)"));
  EXPECT_TRUE(has_line(text, R"(weir_build_info{version="1.2.3"} 1)"));
  EXPECT_TRUE(has_line(text, "weir_config_revision 17"));
  EXPECT_TRUE(has_line(text, R"(weir_config_reloads_total{result="failed"} 4)"));
  EXPECT_TRUE(has_line(text, "weir_connections_accepted_total 9"));
}

TEST(Exposition, LabelsAreEscaped) {
  Metrics metrics;
  metrics.routes["a\"b\\c\nd"].bytes_in = 1;
  EXPECT_TRUE(has_line(exposition(metrics, {}), R"(weir_request_body_bytes_total{route="a\"b\\c\nd"} 1)"));
}

// What a scraper insists on: each metric described once, before its samples, and no sample twice.
TEST(Exposition, EveryMetricIsDescribedOnceAndNoSampleComesTwice) {
  const std::string text = exposition(some(), {});
  ASSERT_TRUE(text.ends_with('\n'));
  std::set<std::string> described, samples;
  std::string current;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    ASSERT_FALSE(line.empty());
    if (line.starts_with("# HELP ")) {
      current = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(described.insert(current).second) << current;
      continue;
    }
    if (line.starts_with("# TYPE ")) {
      EXPECT_EQ(line.substr(7, line.find(' ', 7) - 7), current);
      continue;
    }
    const std::string sample = line.substr(0, line.rfind(' '));
    EXPECT_TRUE(samples.insert(sample).second) << sample;
    EXPECT_TRUE(sample.starts_with(current)) << sample << " below " << current;
  }
  EXPECT_GT(samples.size(), 50u);
}

TEST(Exposition, IsTheSameEachTime) {
  Metrics a, b;
  for (const char* id : {"x", "y", "z", "m"}) a.routes[id].bytes_in = 1;
  for (const char* id : {"m", "z", "y", "x"}) b.routes[id].bytes_in = 1;
  EXPECT_EQ(exposition(a, {}), exposition(b, {}));
}

}  // namespace
}  // namespace weir::gateway
