// The text that Prometheus reads, from metrics.h's sums. Names follow OpenTelemetry where it has one; `weir_` else.
#include <fmt/format.h>

#include <algorithm>

#include "gateway/metrics.h"

namespace weir::gateway {
namespace {

using Out = std::string;

std::string escaped(std::string_view label) {
  std::string out;
  for (char c : label) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

std::string_view method_text(http::Method method) {
  using enum http::Method;
  switch (method) {
    case get:
      return "GET";
    case head:
      return "HEAD";
    case post:
      return "POST";
    case put:
      return "PUT";
    case delete_:
      return "DELETE";
    case patch:
      return "PATCH";
    case options:
      return "OPTIONS";
    case trace:
      return "TRACE";
    case connect:
      return "CONNECT";
    default:
      return "_OTHER";
  }
}

template <class... Args>
void line(Out& out, fmt::format_string<Args...> format, Args&&... args) {
  fmt::format_to(std::back_inserter(out), format, std::forward<Args>(args)...);
  out += '\n';
}

void about(Out& out, std::string_view name, std::string_view type, std::string_view help) {
  line(out, "# HELP {} {}", name, help);
  line(out, "# TYPE {} {}", name, type);
}

void single(Out& out, std::string_view name, std::string_view type, std::string_view help, double value) {
  about(out, name, type, help);
  line(out, "{} {}", name, value);
}

void histogram(Out& out, std::string_view name, const std::string& labels, const Histogram& h) {
  std::uint64_t below = 0;
  std::string_view comma = labels.empty() ? "" : ",";
  for (std::size_t i = 0; i < kDurationBuckets.size(); ++i) {
    below += h.buckets[i];
    line(out, "{}_bucket{{{}{}le=\"{}\"}} {}", name, labels, comma, kDurationBuckets[i], below);
  }
  line(out, "{}_bucket{{{}{}le=\"+Inf\"}} {}", name, labels, comma, h.count);
  std::string braces = labels.empty() ? "" : "{" + labels + "}";
  line(out, "{}_sum{} {}", name, braces, static_cast<double>(h.sum_us) * 1e-6);
  line(out, "{}_count{} {}", name, braces, h.count);
}

// The same order at every scrape, so that two of them can be compared by eye.
template <class Map>
auto sorted(const Map& map) {
  std::vector<const typename Map::value_type*> out;
  for (const auto& each : map) out.push_back(&each);
  std::sort(out.begin(), out.end(), [](auto* a, auto* b) { return a->first < b->first; });
  return out;
}

void routes(Out& out, const Metrics& sum) {
  auto all = sorted(sum.routes);
  about(out, "http_server_request_duration_seconds", "histogram",
        "From the request's head to the end of the response.");
  for (const auto* each : all)
    for (const auto& series : each->second.series) {
      std::string status = series.status ? std::to_string(series.status) : "_other";
      histogram(out, "http_server_request_duration_seconds",
                fmt::format("http_route=\"{}\",http_request_method=\"{}\",http_response_status_code=\"{}\"",
                            escaped(each->first), method_text(series.method), status),
                series.duration);
    }
  about(out, "weir_requests_total", "counter",
        "Requests by route and by how they ended (docs/filters/access_log.md has the reasons).");
  for (const auto* each : all)
    for (int i = 0; i < kReasonCount; ++i)
      if (auto count = each->second.reasons[static_cast<std::size_t>(i)])
        line(out, "weir_requests_total{{route=\"{}\",reason=\"{}\"}} {}", escaped(each->first),
             info(static_cast<Reason>(i)).word, count);
  about(out, "weir_request_body_bytes_total", "counter", "Request bodies received.");
  for (const auto* each : all)
    line(out, "weir_request_body_bytes_total{{route=\"{}\"}} {}", escaped(each->first), each->second.bytes_in);
  about(out, "weir_response_body_bytes_total", "counter", "Response bodies sent.");
  for (const auto* each : all)
    line(out, "weir_response_body_bytes_total{{route=\"{}\"}} {}", escaped(each->first), each->second.bytes_out);
  about(out, "weir_canary_requests_total", "counter", "Requests that went to the canary upstream.");
  for (const auto* each : all)
    if (each->second.canary)
      line(out, "weir_canary_requests_total{{route=\"{}\"}} {}", escaped(each->first), each->second.canary);
}

void upstreams(Out& out, const Metrics& sum) {
  auto all = sorted(sum.upstreams);
  about(out, "weir_upstream_first_byte_seconds", "histogram", "From choosing a target to the head of its response.");
  for (const auto* each : all)
    histogram(out, "weir_upstream_first_byte_seconds", fmt::format("upstream=\"{}\"", escaped(each->first)),
              each->second.first_byte);
  auto counter = [&](std::string_view name, std::string_view type, std::string_view help, auto member) {
    about(out, name, type, help);
    for (const auto* each : all)
      line(out, "{}{{upstream=\"{}\"}} {}", name, escaped(each->first), each->second.*member);
  };
  counter("weir_upstream_connections_opened_total", "counter", "Connections opened.", &UpstreamMetrics::opened);
  counter("weir_upstream_connections_reused_total", "counter", "Requests sent on a pooled connection.",
          &UpstreamMetrics::reused);
  counter("weir_upstream_connections_failed_total", "counter", "Connects and handshakes that failed.",
          &UpstreamMetrics::failed);
  counter("weir_upstream_connections_idle", "gauge", "Connections waiting in the pools.", &UpstreamMetrics::idle);
}

void limits(Out& out, const Metrics& sum, const InstanceFacts& facts) {
  auto all = sorted(sum.limits);
  about(out, "weir_ratelimit_decisions_total", "counter",
        "Decisions of each limit: what it let through and what not.");
  for (const auto* each : all) {
    const std::string name = escaped(each->first);
    line(out, "weir_ratelimit_decisions_total{{limit=\"{}\",result=\"allowed\"}} {}", name, each->second.allowed);
    line(out, "weir_ratelimit_decisions_total{{limit=\"{}\",result=\"refused\"}} {}", name, each->second.refused);
  }
  about(out, "weir_ratelimit_degraded_decisions_total", "counter",
        "Of these, decided here because the shared store could not be asked.");
  for (const auto* each : all)
    line(out, "weir_ratelimit_degraded_decisions_total{{limit=\"{}\"}} {}", escaped(each->first),
         each->second.degraded);
  single(out, "weir_ratelimit_degraded", "gauge", "1 while limits kept in Redis are decided here.",
         sum.rates.degraded ? 1 : 0);
  single(out, "weir_ratelimit_wrong_type_total", "counter",
         "Keys in Redis that held something else and were deleted.", static_cast<double>(sum.rates.wrong_type));
  single(out, "weir_ratelimit_leased_total", "counter", "Tokens leased from Redis.",
         static_cast<double>(sum.rates.leased));
  single(out, "weir_ratelimit_given_back_total", "counter", "Leased tokens given back unused.",
         static_cast<double>(sum.rates.given_back));
  single(out, "weir_ratelimit_evicted_total", "counter", "Buckets and quotas dropped for want of room.",
         static_cast<double>(facts.limits_evicted));
  single(out, "weir_instances", "gauge", "Live instances that share limits, as far as this one knows.",
         static_cast<double>(facts.instances));
}

void api_keys(Out& out, const Metrics& sum, const InstanceFacts& facts) {
  about(out, "weir_api_keys", "gauge", "API keys that this instance knows, by state.");
  const KeyFacts& keys = facts.api_keys;
  const auto state = [&](std::string_view name, std::uint64_t count) {
    line(out, "weir_api_keys{{state=\"{}\"}} {}", name, count);
  };
  state("live", keys.live);
  state("disabled", keys.disabled);
  state("revoked", keys.revoked);
  state("expired", keys.expired);
  about(out, "weir_api_key_lookups_total", "counter", "API keys that were presented, by what became of them.");
  constexpr std::string_view kWords[] = {"good",     "unknown", "wrong",      "expired",
                                         "disabled", "revoked", "unavailable"};  // by Outcome
  for (std::size_t i = 0; i < sum.api_keys.outcomes.size(); ++i)
    line(out, "weir_api_key_lookups_total{{result=\"{}\"}} {}", kWords[i], sum.api_keys.outcomes[i]);
  line(out, "weir_api_key_lookups_total{{result=\"malformed\"}} {}", sum.api_keys.malformed);
}

void introspection(Out& out, const Metrics& sum) {
  const auto all = sorted(sum.asked);
  if (all.empty()) return;
  about(out, "weir_introspection_lookups_total", "counter",
        "Opaque tokens by how it was known what they are: kept answers, questions, others' questions.");
  for (const auto* each : all) {
    const auto result = [&](std::string_view word, std::uint64_t count) {
      line(out, "weir_introspection_lookups_total{{endpoint=\"{}\",result=\"{}\"}} {}", escaped(each->first), word,
           count);
    };
    result("hit", each->second.hits);
    result("negative_hit", each->second.negative_hits);
    result("asked", each->second.asked);
    result("joined", each->second.joined);
    result("refused", each->second.refused);
  }
  about(out, "weir_introspection_failures_total", "counter", "Questions that brought no answer that can be used.");
  for (const auto* each : all)
    line(out, "weir_introspection_failures_total{{endpoint=\"{}\"}} {}", escaped(each->first), each->second.failures);
  about(out, "weir_introspection_breakers_open", "gauge", "Workers that leave the endpoint alone just now.");
  for (const auto* each : all)
    line(out, "weir_introspection_breakers_open{{endpoint=\"{}\"}} {}", escaped(each->first),
         each->second.breakers_open);
}

void issuers(Out& out, const InstanceFacts& facts) {
  if (facts.key_sources.empty()) return;
  const auto each = [&](std::string_view name, std::string_view type, std::string_view help, auto value) {
    about(out, name, type, help);
    for (const KeySourceFacts& source : facts.key_sources)
      line(out, "{}{{source=\"{}\"}} {}", name, escaped(source.source), value(source));
  };
  each("weir_jwks_fetches_total", "counter", "Times an issuer's keys were fetched, or tried to.",
       [](const KeySourceFacts& source) { return source.fetches; });
  each("weir_jwks_fetch_failures_total", "counter", "Of these, how many brought no usable keys.",
       [](const KeySourceFacts& source) { return source.failures; });
  each("weir_jwks_keys", "gauge", "Keys in use.", [](const KeySourceFacts& source) { return source.keys; });
  each("weir_jwks_keys_skipped", "gauge", "Keys of the set in use that are left out as bad.",
       [](const KeySourceFacts& source) { return source.skipped; });
  each("weir_jwks_age_seconds", "gauge", "Since the set in use was fetched; -1: there is none.",
       [](const KeySourceFacts& source) { return source.age; });
}

}  // namespace

std::string exposition(const Metrics& sum, const InstanceFacts& facts) {
  Out out;
  out.reserve(4096 + sum.routes.size() * 2048);
  about(out, "weir_build_info", "gauge", "Always 1; the version is a label.");
  line(out, "weir_build_info{{version=\"{}\"}} 1", facts.version);
  single(out, "process_start_time_seconds", "gauge", "When the process started.", facts.started_at);
  single(out, "weir_config_revision", "gauge", "The revision of the config in use.",
         static_cast<double>(facts.revision));
  single(out, "weir_config_applied_time_seconds", "gauge", "When it was applied.", facts.config_applied_at);
  about(out, "weir_config_reloads_total", "counter", "Reloads by result.");
  line(out, "weir_config_reloads_total{{result=\"ok\"}} {}", facts.reloads_ok);
  line(out, "weir_config_reloads_total{{result=\"failed\"}} {}", facts.reloads_failed);
  single(out, "http_server_active_requests", "gauge", "Requests being served.", static_cast<double>(sum.active));
  single(out, "weir_connections_open", "gauge", "Client connections.", static_cast<double>(sum.connections_open));
  single(out, "weir_connections_accepted_total", "counter", "Client connections accepted.",
         static_cast<double>(sum.connections_accepted));
  single(out, "weir_connections_refused_total", "counter", "Client connections closed for want of room.",
         static_cast<double>(sum.connections_refused));
  single(out, "weir_tls_handshakes_failed_total", "counter", "TLS handshakes with clients that failed.",
         static_cast<double>(sum.tls_failed));
  single(out, "weir_proxy_protocol_failed_total", "counter", "Connections without an acceptable PROXY header.",
         static_cast<double>(sum.proxy_protocol_failed));
  single(out, "weir_log_lost_total", "counter", "Access-log records that could not be written.",
         static_cast<double>(facts.log_dropped));
  single(out, "weir_dns_names", "gauge", "Upstream host names kept resolved.",
         static_cast<double>(facts.names_watched));
  single(out, "weir_dns_names_stale", "gauge", "Of these, whose last resolution failed.",
         static_cast<double>(facts.names_stale));
  about(out, "weir_overhead_seconds", "histogram", "Request duration less the wait for the upstream.");
  histogram(out, "weir_overhead_seconds", "", sum.overhead);
  routes(out, sum);
  upstreams(out, sum);
  issuers(out, facts);
  api_keys(out, sum, facts);
  introspection(out, sum);
  single(out, "weir_token_cache_forged_total", "counter",
         "Shared verified tokens that were not believed: somebody else wrote them.",
         static_cast<double>(sum.tokens_forged));
  limits(out, sum, facts);
  return out;
}

}  // namespace weir::gateway
