// What a worker counts, and how it is told to Prometheus. Each worker has its own Metrics and nobody else touches it:
// a scrape asks every worker for a copy, adds the copies and writes the text. No lock, no atomic, no cost on a
// request but a few additions. Labels are bounded: routes by the config, statuses and methods by kSeriesPerRoute.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "http/message/message.h"
#include "http/server.h"
#include "ports/credential_store.h"
#include "ports/rate_store.h"

namespace weir::gateway {

// Buckets as OpenTelemetry semantic conventions give them for http.server.request.duration, in seconds.
inline constexpr std::array<double, 14> kDurationBuckets{0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25,
                                                         0.5,   0.75, 1,     2.5,  5,     7.5, 10};

struct Histogram {
  std::array<std::uint64_t, kDurationBuckets.size() + 1> buckets{};
  std::uint64_t count = 0;
  std::uint64_t sum_us = 0;
  void record(std::uint64_t us) noexcept;
  void add(const Histogram& other) noexcept;
};

// One route's: told apart by method and status; and by reason where it is not ok.
struct RouteMetrics {
  struct Series {
    http::Method method = http::Method::other;
    std::uint16_t status = 0;  // 0: the responses beyond kSeriesPerRoute
    Histogram duration;
  };
  // A service answers with a dozen statuses at most; one that answers with hundreds must not fill our memory.
  static constexpr std::size_t kSeriesPerRoute = 32;

  std::vector<Series> series;
  std::array<std::uint32_t, kReasonCount> reasons{};
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  std::uint64_t canary = 0;

  void record(http::Method method, int status, Reason reason, std::uint64_t us) noexcept;
  void add(const RouteMetrics& other);
};

struct UpstreamMetrics {
  Histogram first_byte;
  std::uint64_t opened = 0;
  std::uint64_t reused = 0;
  std::uint64_t failed = 0;
  std::uint64_t idle = 0;
  void add(const UpstreamMetrics& other) noexcept;
};

struct LimitMetrics {
  std::uint64_t allowed = 0;
  std::uint64_t refused = 0;
  std::uint64_t degraded = 0;  // of both, decided without the store that should have
  void add(const LimitMetrics& other) noexcept;
};

// Of one endpoint that is asked who calls (pipeline/kept.h).
struct AskMetrics {
  std::uint64_t hits = 0;
  std::uint64_t negative_hits = 0;
  std::uint64_t asked = 0;
  std::uint64_t joined = 0;
  std::uint64_t refused = 0;
  std::uint64_t failures = 0;
  std::uint64_t breakers_open = 0;  // each worker has one
  void add(const AskMetrics& other) noexcept;
};

// Of one worker, or the sum over all.
struct Metrics {
  // By route id; requests that no route took are under kNoRoute. unordered_map: its values stay where they are.
  std::unordered_map<std::string, RouteMetrics> routes;
  std::unordered_map<std::string, UpstreamMetrics> upstreams;
  std::unordered_map<std::string, LimitMetrics> limits;  // by the limit's name
  ports::RateCounters rates;
  std::unordered_map<std::string, AskMetrics> asked;  // by endpoint
  ports::CredentialStore::Counters api_keys;
  std::uint64_t tokens_forged = 0;
  Histogram overhead;  // duration less the wait for the upstream's first byte
  std::uint64_t active = 0;
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_open = 0;
  std::uint64_t connections_refused = 0;
  std::uint64_t tls_failed = 0;
  std::uint64_t proxy_protocol_failed = 0;
  void add(const Metrics& other);
};

inline constexpr std::string_view kNoRoute = "_none";

// Of one source of issuers' keys (gateway/keys/key_keeper.h).
struct KeySourceFacts {
  std::string source;  // the issuer or the URL: as many as the config has
  std::uint64_t fetches = 0;
  std::uint64_t failures = 0;
  std::size_t keys = 0;
  std::size_t skipped = 0;  // of the set in use
  double age = -1;          // seconds since that set was fetched; -1: there is none
};

// API keys in use, by state.
struct KeyFacts {
  std::uint64_t live = 0, disabled = 0, revoked = 0, expired = 0;
};

// What is not counted per worker.
struct InstanceFacts {
  std::string_view version;
  std::uint64_t revision = 0;
  std::uint64_t reloads_ok = 0;
  std::uint64_t reloads_failed = 0;
  double config_applied_at = 0;  // seconds since the epoch
  double started_at = 0;
  std::uint64_t names_watched = 0;
  std::uint64_t names_stale = 0;
  std::uint64_t log_dropped = 0;
  std::vector<KeySourceFacts> key_sources;
  KeyFacts api_keys;
  std::uint64_t limits_evicted = 0;
  std::uint64_t instances = 1;  // live ones, as far as this one knows
};

// Text format 0.0.4, as Prometheus has scraped it since 2014.
std::string exposition(const Metrics& sum, const InstanceFacts& facts);

}  // namespace weir::gateway
