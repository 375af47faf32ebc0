// Measures what a local limit takes to decide, by the store alone: one key, 100,000 keys in turn, and one key that
// two threads fight over. Prints a table; no network, no file. By hand:
//   clang++-19 -std=c++23 -O2 -Isrc bench/limit_decision.cc -include src/base/precompiled.h \
//     src/limits/*.cc src/base/file/whole_file.cc src/base/{random,rate}.cc -lpthread
#include <chrono>
#include <cstdio>
#include <string>
#include <thread>
#include <vector>

#include "limits/local_store.h"

using namespace weir;

namespace {

double decide(limits::LocalStore& store, const std::vector<std::string>& keys, int rounds) {
  ports::RateLimit limit;
  limit.name = "consumer:100/s";
  const Gcra bucket = *Gcra::make(1'000'000'000, 1'000'000, 1'000'000);
  std::uint64_t allowed = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < rounds; ++i) {
    ports::RateAsk ask{.limit = &limit,
                       .bucket = &bucket,
                       .scope = "orders",
                       .key = keys[static_cast<std::size_t>(i) % keys.size()]};
    store.take({&ask, 1});
    allowed += ask.decision.allowed ? 1 : 0;
  }
  const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - begun;
  if (allowed == 0) std::puts("nothing was allowed");
  return took.count() / rounds;
}

}  // namespace

int main() {
  limits::LocalStore store;
  const std::vector<std::string> one{"c01a20d8b-a736-7266-ab68-20f8941b7ed4"};
  std::vector<std::string> many;
  for (int i = 0; i < 100'000; ++i) many.push_back("c01a20d8b-a736-7266-ab68-" + std::to_string(i));
  decide(store, one, 100'000);
  std::printf("one key       %6.1f ns\n", decide(store, one, 5'000'000));
  decide(store, many, 200'000);
  std::printf("100,000 keys  %6.1f ns\n", decide(store, many, 5'000'000));
  std::printf("2 threads on one key");
  double other = 0;
  std::thread thread([&] { other = decide(store, one, 3'000'000); });
  const double mine = decide(store, one, 3'000'000);
  thread.join();
  std::printf(" %6.1f %6.1f ns\n", mine, other);
}
