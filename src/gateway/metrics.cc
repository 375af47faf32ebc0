#include "gateway/metrics.h"

namespace weir::gateway {

void Histogram::record(std::uint64_t us) noexcept {
  double seconds = static_cast<double>(us) * 1e-6;
  std::size_t i = 0;
  while (i < kDurationBuckets.size() && seconds > kDurationBuckets[i]) ++i;
  ++buckets[i];
  ++count;
  sum_us += us;
}

void Histogram::add(const Histogram& other) noexcept {
  for (std::size_t i = 0; i < buckets.size(); ++i) buckets[i] += other.buckets[i];
  count += other.count;
  sum_us += other.sum_us;
}

namespace {

RouteMetrics::Series& series_for(std::vector<RouteMetrics::Series>& all, http::Method method, std::uint16_t status) {
  for (auto& each : all)
    if (each.method == method && each.status == status) return each;
  if (all.size() < RouteMetrics::kSeriesPerRoute) return all.emplace_back(method, status);
  if (all.back().status != 0) all.push_back({http::Method::other, 0, {}});
  return all.back();
}

}  // namespace

void RouteMetrics::record(http::Method method, int status, Reason reason, std::uint64_t us) noexcept {
  series_for(series, method, static_cast<std::uint16_t>(status)).duration.record(us);
  ++reasons[static_cast<std::size_t>(reason)];
}

void RouteMetrics::add(const RouteMetrics& other) {
  for (const auto& each : other.series) series_for(series, each.method, each.status).duration.add(each.duration);
  for (std::size_t i = 0; i < reasons.size(); ++i) reasons[i] += other.reasons[i];
  bytes_in += other.bytes_in;
  bytes_out += other.bytes_out;
  canary += other.canary;
}

void UpstreamMetrics::add(const UpstreamMetrics& other) noexcept {
  first_byte.add(other.first_byte);
  opened += other.opened;
  reused += other.reused;
  failed += other.failed;
  idle += other.idle;
}

void LimitMetrics::add(const LimitMetrics& other) noexcept {
  allowed += other.allowed;
  refused += other.refused;
  degraded += other.degraded;
}

void AskMetrics::add(const AskMetrics& other) noexcept {
  hits += other.hits;
  negative_hits += other.negative_hits;
  asked += other.asked;
  joined += other.joined;
  refused += other.refused;
  failures += other.failures;
  breakers_open += other.breakers_open;
}

void Metrics::add(const Metrics& other) {
  for (const auto& [endpoint, one] : other.asked) asked[endpoint].add(one);
  for (std::size_t i = 0; i < api_keys.outcomes.size(); ++i) api_keys.outcomes[i] += other.api_keys.outcomes[i];
  api_keys.malformed += other.api_keys.malformed;
  tokens_forged += other.tokens_forged;
  for (const auto& [name, limit] : other.limits) limits[name].add(limit);
  rates.degraded = rates.degraded || other.rates.degraded;
  rates.wrong_type += other.rates.wrong_type;
  rates.leased += other.rates.leased;
  rates.given_back += other.rates.given_back;
  for (const auto& [id, route] : other.routes) routes[id].add(route);
  for (const auto& [name, upstream] : other.upstreams) upstreams[name].add(upstream);
  overhead.add(other.overhead);
  active += other.active;
  connections_accepted += other.connections_accepted;
  connections_open += other.connections_open;
  connections_refused += other.connections_refused;
  tls_failed += other.tls_failed;
  proxy_protocol_failed += other.proxy_protocol_failed;
}

}  // namespace weir::gateway
