// Measures the router alone, single-threaded: build time and the latency of one lookup over 2,000 routes, and the
// first route of 50,000 against the last. Prints a table and exits 1 when a figure misses its promise
// (docs/benchmarks.md). No network.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>
#include <string>
#include <vector>

#include "snapshot/router/router.h"

namespace {

using weir::http::Fields;
using weir::snapshot::Lookup;
using weir::snapshot::Match;
using weir::snapshot::RouteKey;
using weir::snapshot::Router;
using Clock = std::chrono::steady_clock;

// The mix of an ordinary config: exact paths, captures at two depths and globs, one in four under a host of its own.
RouteKey make_route(std::size_t i) {
  const std::string n = std::to_string(i);
  RouteKey key;
  key.id = "route-" + n;
  const std::string service = "/api/v" + std::to_string(i % 3) + "/service-" + n;
  const std::string tails[] = {"/items", "/items/{id}", "/items/{id}/parts/{part}", "/**"};
  key.path_pattern = service + tails[i / 4 % 4];
  if (i % 4 == 0) key.hosts = {"tenant-" + std::to_string(i % 100) + ".example.com"};
  if (i % 3 == 0) key.methods = {"GET", "POST"};
  return key;
}

struct Sample {
  std::string host;
  std::string path;
};

Sample make_request(const RouteKey& key, std::size_t i) {
  Sample out;
  out.host = key.hosts.empty() ? "www.example.org" : key.hosts[0];
  for (std::size_t at = 0; at < key.path_pattern.size(); ++at) {
    if (key.path_pattern[at] == '{' || key.path_pattern[at] == '*') {
      out.path += "value-" + std::to_string(i);
      at = std::min(key.path_pattern.find_first_of("/", at), key.path_pattern.size()) - 1;
    } else {
      out.path += key.path_pattern[at];
    }
  }
  return out;
}

double micros_since(Clock::time_point start) {
  return std::chrono::duration<double, std::micro>(Clock::now() - start).count();
}

struct World {
  explicit World(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) keys.push_back(make_route(i));
    for (std::size_t i = 0; i < count; ++i) requests.push_back(make_request(keys[i], i));
    const auto start = Clock::now();
    auto built = Router::build(keys);
    build_ms = micros_since(start) / 1000;
    if (!built) {
      std::fprintf(stderr, "not built: %s\n", built.error()[0].message.c_str());
      std::exit(2);
    }
    router = std::move(*built);
  }

  // Counts lookups that went astray, so that the compiler keeps them and a wrong router cannot look fast.
  void look_up(std::size_t i) {
    const Match match = router.match({requests[i].host, requests[i].path, "GET", {}, fields});
    wrong += match.route == static_cast<std::int32_t>(i) ? 0 : 1;
  }

  std::vector<RouteKey> keys;
  std::vector<Sample> requests;
  Router router;
  Fields fields;
  double build_ms = 0;
  std::size_t wrong = 0;
};

double percentile(std::vector<double>& sorted, double share) {
  return sorted[static_cast<std::size_t>(share * static_cast<double>(sorted.size() - 1))];
}

// Every lookup timed by itself, in random order; the clock's own cost (some 20 ns) is in the figures.
std::vector<double> time_each(World& world, std::size_t rounds) {
  std::mt19937 random(1);
  std::uniform_int_distribution<std::size_t> pick(0, world.keys.size() - 1);
  std::vector<double> out;
  for (std::size_t i = 0; i < rounds; ++i) {
    const std::size_t route = pick(random);
    const auto start = Clock::now();
    world.look_up(route);
    out.push_back(micros_since(start) * 1000);
  }
  std::ranges::sort(out);
  return out;
}

// Nanoseconds per lookup of one route, the median of short slices.
double time_one(World& world, std::size_t route, std::vector<double>& slices) {
  constexpr std::size_t kSlice = 2000;
  const auto start = Clock::now();
  for (std::size_t i = 0; i < kSlice; ++i) world.look_up(route);
  slices.push_back(micros_since(start) * 1000 / kSlice);
  return slices.back();
}

}  // namespace

int main() {
  World small(2000);
  std::vector<double> each = time_each(small, 1'000'000);
  const double p99 = percentile(each, 0.99);
  std::printf("2,000 routes:  build %.1f ms, lookup p50 %.0f ns, p99 %.0f ns, p99.9 %.0f ns\n", small.build_ms,
              percentile(each, 0.5), p99, percentile(each, 0.999));

  World large(50'000);
  std::vector<double> first;
  std::vector<double> last;
  // Routes 1 and 49,985 have the same shape: no host, the same pattern, so that only their place differs.
  for (int i = 0; i < 500; ++i) {
    time_one(large, 1, first);
    time_one(large, 49'985, last);
  }
  std::ranges::sort(first);
  std::ranges::sort(last);
  const double ratio = percentile(last, 0.5) / percentile(first, 0.5);
  std::vector<double> each_large = time_each(large, 1'000'000);
  std::printf(
      "50,000 routes: build %.1f ms, first %.1f ns, last %.1f ns (ratio %.3f), lookup p50 %.0f ns, p99 %.0f ns\n",
      large.build_ms, percentile(first, 0.5), percentile(last, 0.5), ratio, percentile(each_large, 0.5),
      percentile(each_large, 0.99));

  const bool kept = small.wrong + large.wrong == 0 && small.build_ms <= 300 && p99 <= 1000 && ratio <= 1.2;
  std::printf("promises (build <= 300 ms, p99 <= 1,000 ns, ratio <= 1.2): %s\n", kept ? "kept" : "MISSED");
  return kept ? 0 : 1;
}
