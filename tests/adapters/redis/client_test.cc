// The client against a real server.
#include "adapters/redis/client.h"

#include "tests/adapters/redis/server.h"

namespace weir::adapters::redis {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(Client, SetsAndGets) {
  Server server;
  Bench bench(Bench::to(server));
  ASSERT_TRUE(bench.connected());
  EXPECT_TRUE(bench.client->available());
  EXPECT_EQ(bench.call({"SET", "a", "one"})->text(), "OK");
  EXPECT_EQ(bench.call({"GET", "a"})->text(), "one");
  EXPECT_TRUE(bench.call({"GET", "b"})->is_null());
  EXPECT_EQ(bench.call({"INCR", "n"})->integer(), 1);
  const Answer wrong = bench.call({"INCR", "a"});
  ASSERT_TRUE(wrong.has_value());
  EXPECT_EQ(wrong->error_code(), "ERR");
}

TEST(Client, ManyCallsOfOneTurnLeaveInOneWriteAndGetTheirOwnReplies) {
  Server server;
  Bench bench(Bench::to(server));
  ASSERT_TRUE(bench.connected());
  const std::uint64_t before = bench.client->counters().writes;
  int right = 0;
  for (int i = 0; i < 1000; ++i) {
    bench.group.spawn([](Bench& b, int number, int& count) -> io::Task<void> {
      const std::string text = std::to_string(number);
      const Answer answer = co_await b.client->call({"ECHO", text}, b.loop.refresh() + seconds(2));
      if (answer && answer->text() == text) ++count;
    }(bench, i, right));
  }
  EXPECT_TRUE(bench.until([&] { return bench.group.running() == 0; }));
  EXPECT_EQ(right, 1000);
  EXPECT_EQ(bench.client->counters().writes - before, 1u);
}

TEST(Client, AScriptIsSentInFullOnlyWhenItIsNotKnown) {
  Server server;
  Bench bench(Bench::to(server));
  ASSERT_TRUE(bench.connected());
  const Script script("return {redis.call('INCRBY', KEYS[1], ARGV[1]), 7}");
  EXPECT_EQ((*bench.call(script, "k", {"5"}))[0].integer(), 5);
  EXPECT_EQ((*bench.call(script, "k", {"5"}))[0].integer(), 10);
  EXPECT_EQ(bench.client->counters().scripts, 1u);
  bench.call({"SCRIPT", "FLUSH"});
  EXPECT_EQ((*bench.call(script, "k", {"5"}))[1].integer(), 7);
  EXPECT_EQ(bench.client->counters().scripts, 2u);
}

}  // namespace
}  // namespace weir::adapters::redis
