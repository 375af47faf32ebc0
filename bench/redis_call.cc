// Measures the Redis client alone, on one loop against one server: this thread's CPU time, and the wall time, of an
// EVALSHA that takes a token, at several depths of the pipeline. Prints a table. Usage: redis_call PORT
#include <time.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "adapters/redis/client.h"

namespace {

using namespace weir;
using namespace weir::adapters::redis;
using namespace std::chrono_literals;

constexpr int kCalls = 200'000;

const Script kScript(R"(
local now = redis.call('TIME')
local at = redis.call('INCRBY', KEYS[1], ARGV[1])
return {1, at, tonumber(now[1])})");

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) / 1e9;
}

io::Task<void> caller(Client& client, int calls, bool script, int& failed) {
  for (int i = 0; i < calls; ++i) {
    const std::string_view arguments[] = {"1", "100", "200"};
    const Answer answer = script
                              ? co_await client.call(kScript, "weir:bench", arguments, client.loop().refresh() + 1s)
                              : co_await client.call({"GET", "weir:bench"}, client.loop().refresh() + 1s);
    if (!answer || answer->is_error()) ++failed;
  }
}

void measure(io::Loop& loop, Client& client, int depth, bool script) {
  io::TaskGroup group;
  int failed = 0;
  const Counters before = client.counters();
  const double cpu = cpu_seconds();
  const io::TimePoint began = io::Clock::now();
  for (int i = 0; i < depth; ++i) group.spawn(caller(client, kCalls / depth, script, failed));
  while (group.running() != 0) loop.turn(1s);
  const double wall = std::chrono::duration<double>(io::Clock::now() - began).count();
  const double calls = static_cast<double>(client.counters().calls - before.calls);
  std::printf("%-8s %5d %12.2f %12.2f %10.1f %8d\n", script ? "EVALSHA" : "GET", depth,
              (cpu_seconds() - cpu) * 1e6 / calls, wall * 1e6 / calls,
              calls / static_cast<double>(client.counters().writes - before.writes), failed);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return 2;
  auto settings = std::make_shared<ports::RedisSettings>();
  settings->places = {{"127.0.0.1", static_cast<std::uint16_t>(std::atoi(arguments[1]))}};
  settings->command_timeout = 1000ms;
  io::Loop loop;
  Client client(loop, settings, nullptr);
  std::printf("%-8s %5s %12s %12s %10s %8s\n", "command", "depth", "CPU us/call", "wall us/call", "per write",
              "failed");
  for (const bool script : {false, true}) {
    for (const int depth : {1, 8, 64, 256}) measure(loop, client, depth, script);
  }
  client.end();
  while (!client.ended()) loop.turn(10ms);
}
