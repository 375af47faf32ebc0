// Real clusters and sentinels: who is asked, and what a move, a redirection or a failover costs.
#include <thread>

#include "adapters/redis/slot.h"
#include "tests/adapters/redis/server.h"

namespace weir::adapters::redis {
namespace {

using namespace std::chrono_literals;

int run_quietly(const std::string& command) { return std::system((command + " >/dev/null 2>&1").c_str()); }

std::string cli(std::uint16_t port, const std::string& words) {
  std::string out;
  FILE* pipe = ::popen(("redis-cli -p " + std::to_string(port) + " " + words).c_str(), "r");
  char bytes[4096];
  for (std::size_t got; (got = std::fread(bytes, 1, sizeof bytes, pipe)) > 0;) out.append(bytes, got);
  ::pclose(pipe);
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

template <class Condition>
bool eventually(Condition holds, io::Duration limit = 20s) {
  for (const io::TimePoint end = io::Clock::now() + limit; io::Clock::now() < end; std::this_thread::sleep_for(20ms))
    if (holds()) return true;
  return false;
}

std::unique_ptr<Server> node(std::vector<std::string> more = {}) {
  std::vector<std::string> options{
      "--cluster-enabled", "yes", "--cluster-node-timeout", "1000", "--cluster-port", std::to_string(free_port())};
  options.insert(options.end(), more.begin(), more.end());
  return std::make_unique<Server>(options);
}

class ClusterTest : public testing::Test {
 protected:
  void make(int masters, int replicas) {
    std::string addresses;
    for (int i = 0; i < masters * (1 + replicas); ++i) {
      // Without replicas nothing is gained when one that a busy machine keeps waiting is taken for dead.
      nodes.push_back(replicas == 0 ? node({"--cluster-node-timeout", "15000"}) : node());
      addresses += " 127.0.0.1:" + std::to_string(nodes.back()->port);
    }
    for (auto& each : nodes) ASSERT_TRUE(eventually([&] { return cli(each->port, "PING 2>&1") == "PONG"; }));
    ASSERT_EQ(run_quietly("redis-cli --cluster create" + addresses + " --cluster-replicas " +
                          std::to_string(replicas) + " --cluster-yes"),
              0);
    ASSERT_TRUE(eventually([&] {
      for (auto& each : nodes)
        if (cli(each->port, "CLUSTER INFO").find("cluster_state:ok") == std::string::npos ||
            cli(each->port, "INFO replication").find("master_link_status:down") != std::string::npos)
          return false;
      return true;
    }));
    Bench::Settings settings;
    settings.kind = Bench::Settings::Kind::cluster;
    // The first is nobody: others must be asked.
    settings.places = {{"127.0.0.1", free_port()}, {"127.0.0.1", nodes[0]->port}, {"127.0.0.1", nodes[1]->port}};
    settings.command_timeout = 200ms;
    bench.emplace(std::move(settings));
    ASSERT_TRUE(bench->until([&] { return bench->client->available(); }));
  }

  Answer set(const std::string& key, const std::string& value) { return bench->call({"SET", key, value}); }
  Server& owner(const std::string& key) {
    const std::string answer = cli(nodes[0]->port, "SET " + key + " 0");
    for (auto& each : nodes)
      if (answer.find(":" + std::to_string(each->port)) != std::string::npos) return *each;
    return *nodes[0];
  }

  std::vector<std::unique_ptr<Server>> nodes;
  std::optional<Bench> bench;
};

TEST_F(ClusterTest, AsksWhoHasTheKey) {
  make(3, 0);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(set("key" + std::to_string(i), std::to_string(i))->text(), "OK");
  EXPECT_EQ(bench->client->counters().redirects, 0u) << "the map says it";
  int sum = 0;
  for (auto& each : nodes) {
    const int here = std::stoi(cli(each->port, "DBSIZE"));
    EXPECT_GT(here, 10);
    sum += here;
  }
  EXPECT_EQ(sum, 100);
  const Script script("return redis.call('INCR', KEYS[1])");
  for (int i = 0; i < 30; ++i) EXPECT_EQ(bench->call(script, "n" + std::to_string(i), {})->integer(), 1);
  EXPECT_LE(bench->client->counters().scripts, 3u) << "once for each node";
}

TEST_F(ClusterTest, FollowsASlotThatMoves) {
  make(3, 0);
  const std::string slot = std::to_string(slot_of("foo"));
  Server& from = owner("foo");
  Server& to = *nodes[&from == nodes[0].get() ? 1 : 0];
  ASSERT_EQ(set("foo", "1")->text(), "OK");
  const std::string from_id = cli(from.port, "CLUSTER MYID"), to_id = cli(to.port, "CLUSTER MYID");
  cli(to.port, "CLUSTER SETSLOT " + slot + " IMPORTING " + from_id);
  cli(from.port, "CLUSTER SETSLOT " + slot + " MIGRATING " + to_id);
  cli(from.port, "MIGRATE 127.0.0.1 " + std::to_string(to.port) + " foo 0 1000");
  const std::uint64_t before = bench->client->counters().redirects;
  EXPECT_EQ(bench->call({"GET", "foo"})->text(), "1") << "ASK";
  EXPECT_EQ(bench->call({"GET", "foo"})->text(), "1") << "ASK is for one command: it is redirected again";
  EXPECT_EQ(bench->client->counters().redirects, before + 2);
  for (auto& each : nodes) cli(each->port, "CLUSTER SETSLOT " + slot + " NODE " + to_id);
  EXPECT_EQ(bench->call({"GET", "foo"})->text(), "1") << "MOVED";
  const std::uint64_t moved = bench->client->counters().redirects;
  EXPECT_EQ(moved, before + 3);
  EXPECT_EQ(bench->call({"GET", "foo"})->text(), "1");
  EXPECT_EQ(bench->client->counters().redirects, moved) << "it has learned";
}

TEST_F(ClusterTest, AFailoverIsFollowedAndTheOthersGoOn) {
  make(3, 1);
  Server& dead = owner("foo");
  std::string other = "a";
  while (&owner(other) == &dead) other += "a";
  dead.kill();
  ASSERT_TRUE(bench->until([&] { return !bench->client->available_for("foo"); }));
  EXPECT_TRUE(bench->client->available_for(other));
  const io::TimePoint began = io::Clock::now();
  EXPECT_FALSE(bench->call({"GET", "foo"}).has_value());
  EXPECT_LT(io::Clock::now() - began, 500ms) << "the dead one costs no time";
  EXPECT_TRUE(bench->until([&] { return set("foo", "2").has_value(); }, 20s)) << bench->client->last_error();
  EXPECT_EQ(bench->call({"GET", "foo"})->text(), "2");
}

class SentinelTest : public testing::Test {
 protected:
  void SetUp() override {
    master = std::make_unique<Server>();
    replica = std::make_unique<Server>(
        std::vector<std::string>{"--replicaof", "127.0.0.1 " + port(*master), "--repl-diskless-sync-delay", "0"});
    ASSERT_TRUE(eventually([&] {
      return cli(replica->port, "INFO replication 2>&1").find("master_link_status:up") != std::string::npos;
    }));
    Bench::Settings settings;
    settings.kind = Bench::Settings::Kind::sentinel;
    settings.master_name = "weir";
    settings.places = {{"127.0.0.1", free_port()}};  // nobody: the others must be asked
    for (int i = 0; i < 3; ++i) {
      char directory[] = "/tmp/weir-sentinel-XXXXXX";
      ASSERT_NE(::mkdtemp(directory), nullptr);
      directories.emplace_back(directory);
      const std::uint16_t at = free_port();
      settings.places.push_back({"127.0.0.1", at});
      std::ofstream(directories.back() + "/s.conf")
          << "port " << at << "\nbind 127.0.0.1\ndir " << directory
          << "\nlogfile log\nsentinel monitor weir 127.0.0.1 " << master->port
          << " 2\nsentinel down-after-milliseconds weir 1500\nsentinel failover-timeout weir 2000\n";
      sentinels.push_back(spawn_sentinel(directories.back() + "/s.conf"));
      ports.push_back(at);
    }
    for (const std::uint16_t at : ports) {
      ASSERT_TRUE(eventually([&] {
        const std::string facts = cli(at, "SENTINEL MASTER weir 2>&1");
        return facts.find("num-slaves\n1") != std::string::npos &&
               facts.find("num-other-sentinels\n2") != std::string::npos;
      }));
    }
    settings.command_timeout = 200ms;
    bench.emplace(std::move(settings));
  }
  void TearDown() override {
    bench.reset();
    for (const pid_t pid : sentinels) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
    for (const std::string& directory : directories) std::filesystem::remove_all(directory);
  }
  static std::string port(const Server& server) { return std::to_string(server.port); }
  static pid_t spawn_sentinel(const std::string& file) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execl(redis_program(), "redis-sentinel", file.c_str(), "--sentinel", nullptr);
      ::_exit(127);
    }
    return pid;
  }

  std::unique_ptr<Server> master, replica;
  std::vector<std::string> directories;
  std::vector<pid_t> sentinels;
  std::vector<std::uint16_t> ports;
  std::optional<Bench> bench;
};

TEST_F(SentinelTest, AsksForTheMasterAndFollowsWhenItDies) {
  ASSERT_TRUE(bench->connected());
  EXPECT_EQ(bench->call({"SET", "a", "1"})->text(), "OK");
  EXPECT_EQ(cli(master->port, "GET a"), "1");
  master->kill();
  ASSERT_TRUE(bench->until([&] { return !bench->client->available(); }));
  std::optional<io::TimePoint> promoted;
  EXPECT_TRUE(bench->until(
      [&] {
        if (!promoted && cli(replica->port, "ROLE").starts_with("master")) promoted = io::Clock::now();
        return bench->call({"SET", "b", "2"}).has_value();
      },
      20s));
  EXPECT_EQ(cli(replica->port, "GET b"), "2");
  ASSERT_TRUE(promoted);
  EXPECT_LT(io::Clock::now() - *promoted, 5s) << "the new master is found soon after it is one";
}

TEST_F(SentinelTest, FollowsASwitchOfMastersThatLive) {
  ASSERT_TRUE(bench->connected());
  ASSERT_TRUE(eventually([&] { return cli(ports[0], "SENTINEL FAILOVER weir") == "OK"; })) << "NOGOODSLAVE at first";
  ASSERT_TRUE(eventually([&] { return cli(replica->port, "ROLE").starts_with("master"); }));
  EXPECT_TRUE(bench->until(
      [&] { return bench->call({"SET", "c", "3"}).has_value() && cli(replica->port, "GET c") == "3"; }, 5s));
  EXPECT_TRUE(bench->client->available());
}

}  // namespace
}  // namespace weir::adapters::redis
