// Both sides of the config channel over a real Redis.
#include <gtest/gtest.h>

#include "adapters/redis/config_channel.h"
#include "adapters/redis/config_publisher.h"
#include "adapters/redis/slot.h"
#include "tests/adapters/redis/server.h"

namespace weir::adapters::redis {
namespace {

using namespace std::chrono_literals;
using State = ports::Receipt::State;

constexpr io::Duration kEvery = 200ms;

ports::Receipt receipt(std::string instance, State state, std::uint64_t revision, std::string reason = {}) {
  return {.instance = std::move(instance),
          .host = "host.example",
          .version = "1.2.3",
          .state = state,
          .revision = revision,
          .in_use = revision - (state == State::refused ? 1 : 0),
          .reason = std::move(reason),
          .at_ms = 1'790'000'000'000};
}

class ConfigChannelTest : public ::testing::Test {
 protected:
  // A control plane's side, on the bench's loop.
  struct Publisher {
    explicit Publisher(Bench& on, const Bench::Settings& settings)
        : bench(on),
          side(on.loop, std::make_shared<Bench::Settings>(settings), nullptr,
               {.receipt =
                    [this](const ports::Receipt& receipt, std::int64_t seen_ms) {
                      receipts.push_back(receipt);
                      seen.push_back(seen_ms);
                    },
                .gone = [this](const std::string& instance) { gone.push_back(instance); },
                .complain = [this](const std::string& sentence) { complaint = sentence; }},
               kEvery) {}
    ~Publisher() {
      side.end();
      bench.until([&] { return side.ended(); });
    }
    std::string announce(const revision::Signed& now, const revision::Signed* before = nullptr) {
      std::optional<std::expected<void, std::string>> out;
      bench.group.spawn(keep(side.announce(now, before), out));
      bench.until([&] { return out.has_value(); });
      return *out ? "" : out->error();
    }
    static io::Task<void> keep(io::Task<std::expected<void, std::string>> task,
                               std::optional<std::expected<void, std::string>>& out) {
      out = co_await task;
    }
    Bench& bench;
    std::vector<ports::Receipt> receipts;
    std::vector<std::int64_t> seen;
    std::vector<std::string> gone;
    std::string complaint;
    ConfigPublisher side;
  };

  // A gateway's.
  struct Gateway {
    Gateway(Bench& on, const Bench::Settings& settings, revision::Signed have, io::Duration every)
        : bench(on), side(on.loop, std::make_shared<Bench::Settings>(settings), nullptr, every) {
      side.follow(
          std::move(have),
          {.arrived =
               [this](revision::Signed one) {
                 arrived.push_back(one);
                 if (takes) side.have(std::move(one));
               },
           .broken = [this](std::uint64_t number, std::string why) { broken.emplace_back(number, std::move(why)); },
           .complain = [this](const std::string& sentence) { complaints.push_back(sentence); }});
    }
    ~Gateway() {
      side.end();
      bench.until([&] { return side.ended(); });
    }
    std::uint64_t newest() const { return arrived.empty() ? 0 : arrived.back().number; }
    bool reaches(std::uint64_t number, io::Duration within = 20s) {
      return bench.until([&] { return newest() == number; }, within);
    }
    Bench& bench;
    bool takes = true;
    std::vector<revision::Signed> arrived;
    std::vector<std::pair<std::uint64_t, std::string>> broken;
    std::vector<std::string> complaints;
    ConfigChannel side;
  };

  // Two hundred routes, so that a delta is shorter than the whole.
  revision::Signed make(std::uint64_t number) const {
    std::string text = R"({"routes":[)";
    for (int i = 100; i < 300; ++i) text += R"({"route_id":"route-)" + std::to_string(i) + R"("},)";
    text += R"({"route_id":"z","x":)" + std::to_string(number) + "}]}";
    return key.sign(number, text, 1'790'000'000);
  }
  std::unique_ptr<Publisher> publisher() {
    auto out = std::make_unique<Publisher>(bench, Bench::to(server));
    std::optional<std::expected<ConfigHead, std::string>> head;
    const auto ask = [](ConfigPublisher& side, auto& into) -> io::Task<void> { into = co_await side.head(); };
    EXPECT_TRUE(bench.until([&] {
      head.reset();
      bench.group.spawn(ask(out->side, head));
      return bench.until([&] { return head.has_value(); }) && head->has_value();
    }));
    EXPECT_TRUE(bench.connected());
    return out;
  }
  std::unique_ptr<Gateway> gateway(revision::Signed have = {}, io::Duration every = kEvery) {
    return std::make_unique<Gateway>(bench, Bench::to(server), std::move(have), every);
  }
  void publish(Publisher& to, std::uint64_t first, std::uint64_t last) {
    for (std::uint64_t number = first; number <= last; ++number) {
      const revision::Signed now = make(number), before = make(number - 1);
      ASSERT_EQ(to.announce(now, number == 1 ? nullptr : &before), "");
    }
  }
  void let_pass(io::Duration time) {
    bench.until([] { return false; }, time);
  }
  std::string get(std::string_view name) { return std::string(bench.call({"GET", name})->text()); }

  const revision::SigningKey key = revision::SigningKey::generate();
  Server server;
  Bench bench{Bench::to(server)};
};

TEST_F(ConfigChannelTest, APublishedRevisionArrivesByItsMessage) {
  const auto control = publisher();
  const auto follower = gateway({}, 1h);  // which looks at the start, when it has subscribed, and never again
  ASSERT_TRUE(bench.until([&] { return !follower->complaints.empty(); }));
  EXPECT_NE(follower->complaints.back().find("Redis has no revision"), std::string::npos);
  for (const std::uint64_t number : {1, 2, 3}) {
    publish(*control, number, number);
    ASSERT_TRUE(follower->reaches(number));
    EXPECT_EQ(revision::encode(follower->arrived.back()), revision::encode(make(number)));
  }
  EXPECT_EQ(follower->arrived.size(), 3u);
  EXPECT_EQ(follower->complaints.back(), "");
}

TEST_F(ConfigChannelTest, ADeltaIsEnough) {
  const auto control = publisher();
  publish(*control, 1, 4);
  for (const int number : {1, 2, 3, 4}) bench.call({"DEL", document_key(static_cast<std::uint64_t>(number))});
  EXPECT_LT(get(delta_key(4)).size(), 600u);
  const auto follower = gateway(make(1));
  ASSERT_TRUE(follower->reaches(4));
  EXPECT_EQ(revision::encode(follower->arrived[0]), revision::encode(make(4)));
  EXPECT_EQ(follower->arrived.size(), 1u);
}

TEST_F(ConfigChannelTest, WhereDeltasDoNotLeadTheDocumentIsFetched) {
  const auto control = publisher();
  publish(*control, 1, 8);
  const auto far = gateway(make(1));  // more than five away
  ASSERT_TRUE(far->reaches(8));
  bench.call({"SET", delta_key(8), "torn"});
  const auto near = gateway(make(7));
  ASSERT_TRUE(near->reaches(8));
  const auto other = gateway(key.sign(7, "{}", 1));  // from another history
  ASSERT_TRUE(other->reaches(8));
  EXPECT_EQ(revision::encode(other->arrived[0]), revision::encode(make(8)));
}

TEST_F(ConfigChannelTest, NumbersMayBeLeftOut) {
  const auto control = publisher();
  publish(*control, 1, 1);
  const revision::Signed two = make(1), four = make(4);
  ASSERT_EQ(control->announce(four, &two), "");
  bench.call({"DEL", document_key(4)});
  const auto follower = gateway(make(1));
  ASSERT_TRUE(follower->reaches(4));
}

TEST_F(ConfigChannelTest, ALostMessageIsMadeGoodByALook) {
  const auto control = publisher();
  publish(*control, 1, 1);
  const auto follower = gateway();
  ASSERT_TRUE(follower->reaches(1));
  const revision::Signed two = make(2);
  bench.call({"SET", document_key(2), revision::encode(two)});
  bench.call({"HSET", kConfigHead, "number", "2", "digest", two.digest});  // and nobody is told
  EXPECT_TRUE(follower->reaches(2, 5s));
}

TEST_F(ConfigChannelTest, WhatCannotBeReadIsBrokenOnce) {
  const auto control = publisher();
  publish(*control, 1, 1);
  const auto follower = gateway();
  ASSERT_TRUE(follower->reaches(1));
  bench.call({"SET", document_key(2), "no revision"});
  bench.call({"HSET", kConfigHead, "number", "2", "digest", std::string(64, 'a')});
  ASSERT_TRUE(bench.until([&] { return !follower->broken.empty(); }));
  EXPECT_EQ(follower->broken[0].first, 2u);
  EXPECT_NE(follower->broken[0].second.find("this is no revision"), std::string::npos);
  bench.call({"SET", document_key(3), revision::encode(make(1))});
  bench.call({"HSET", kConfigHead, "number", "3", "digest", make(1).digest});
  ASSERT_TRUE(bench.until([&] { return follower->broken.size() == 2; }));
  EXPECT_NE(follower->broken[1].second.find("another document under the number 3"), std::string::npos);
  let_pass(5 * kEvery);
  EXPECT_EQ(follower->broken.size(), 2u);
  publish(*control, 4, 4);
  EXPECT_TRUE(follower->reaches(4));
}

TEST_F(ConfigChannelTest, TheHeadIsNeverLowered) {
  const auto control = publisher();
  publish(*control, 1, 3);
  const auto older = publisher();
  EXPECT_NE(older->announce(make(2)).find("Redis has revision 3, which is newer"), std::string::npos);
  EXPECT_NE(older->announce(key.sign(3, "{}", 1)).find("another revision 3"), std::string::npos);
  EXPECT_EQ(bench.call({"HGET", kConfigHead, "number"})->text(), "3");
  EXPECT_EQ(bench.call({"HGET", kConfigHead, "digest"})->text(), make(3).digest);
  EXPECT_EQ(get(document_key(3)), revision::encode(make(3)));
}

TEST_F(ConfigChannelTest, AHeadThatFallsIsNotFollowed) {
  const auto follower = gateway(make(5));
  const auto control = publisher();
  publish(*control, 3, 3);
  ASSERT_TRUE(bench.until([&] {
    return !follower->complaints.empty() && follower->complaints.back().find("older") != std::string::npos;
  }));
  publish(*control, 6, 6);
  EXPECT_TRUE(follower->reaches(6));
  EXPECT_EQ(follower->arrived.size(), 1u);
}

TEST_F(ConfigChannelTest, WhatRedisHasLostIsPutBack) {
  const auto control = publisher();
  publish(*control, 1, 2);
  const auto follower = gateway();
  ASSERT_TRUE(follower->reaches(2));
  bench.call({"FLUSHALL"});
  ASSERT_TRUE(bench.until([&] { return get(document_key(2)) == revision::encode(make(2)); }, 5s));
  bench.call({"SET", document_key(2), "half of"});
  ASSERT_TRUE(bench.until([&] { return get(document_key(2)) == revision::encode(make(2)); }, 5s));
  const auto later = gateway();
  EXPECT_TRUE(later->reaches(2));
  EXPECT_EQ(follower->arrived.size(), 1u);  // it has it
  EXPECT_EQ(control->complaint, "");
}

TEST_F(ConfigChannelTest, TheNewestOfTheStoreIsKeptThere) {
  const auto control = publisher();
  control->side.keep(make(9));
  control->side.keep(make(8));
  const auto follower = gateway();
  EXPECT_TRUE(follower->reaches(9));
}

TEST_F(ConfigChannelTest, TenStay) {
  const auto control = publisher();
  publish(*control, 1, 15);
  EXPECT_EQ(bench.call({"ZCARD", kConfigNumbers})->integer(), 10);
  EXPECT_EQ(bench.call({"EXISTS", document_key(5)})->integer(), 0);
  EXPECT_EQ(bench.call({"EXISTS", delta_key(5)})->integer(), 0);
  EXPECT_EQ(bench.call({"EXISTS", document_key(6)})->integer(), 1);
  EXPECT_EQ(bench.call({"DBSIZE"})->integer(), 10 + 10 + 2);
}

TEST_F(ConfigChannelTest, RedisThatWasAwayIsMadeUpFor) {
  const auto control = publisher();
  publish(*control, 1, 1);
  const auto follower = gateway();
  ASSERT_TRUE(follower->reaches(1));
  server.kill();
  ASSERT_TRUE(bench.until([&] { return !control->complaint.empty(); }));
  EXPECT_NE(control->announce(make(2)).find("revision 2 is not announced yet"), std::string::npos);
  ASSERT_TRUE(bench.until([&] { return !follower->complaints.empty() && !follower->complaints.back().empty(); }));
  server.start();  // empty
  EXPECT_TRUE(follower->reaches(2));
  EXPECT_TRUE(bench.until([&] { return control->complaint.empty() && follower->complaints.back().empty(); }));
}

TEST_F(ConfigChannelTest, RedisThatStoodStillIsMadeUpFor) {
  const auto control = publisher();
  publish(*control, 1, 1);
  const auto follower = gateway();
  ASSERT_TRUE(follower->reaches(1));
  server.signal(SIGSTOP);
  ASSERT_TRUE(bench.until([&] { return !follower->complaints.empty() && !control->complaint.empty(); }));
  control->side.keep(make(2));
  server.signal(SIGCONT);
  EXPECT_TRUE(follower->reaches(2, 3s));
  EXPECT_TRUE(bench.until([&] { return control->complaint.empty() && follower->complaints.back().empty(); }, 3s));
}

// R13: of many gateways all have a change within 5 s of its publication.
TEST_F(ConfigChannelTest, AHundredGatewaysFollow) {
  const auto control = publisher();
  publish(*control, 1, 1);
  std::vector<std::unique_ptr<Gateway>> gateways;
  for (int i = 0; i < 100; ++i)
    gateways.push_back(std::make_unique<Gateway>(bench, Bench::to(server), revision::Signed(), 2s));
  const auto all_at = [&](std::uint64_t number) {
    return std::ranges::all_of(gateways, [&](const auto& each) { return each->newest() == number; });
  };
  ASSERT_TRUE(bench.until([&] { return all_at(1); }));
  publish(*control, 2, 2);
  EXPECT_TRUE(bench.until([&] { return all_at(2); }, 5s));
  for (std::size_t i = 0; i < gateways.size(); ++i)
    gateways[i]->side.report(receipt(std::to_string(i), State::applied, 2));
  EXPECT_TRUE(bench.until([&] { return control->receipts.size() >= 100; }, 5s));
  for (auto& each : gateways) each->side.end();  // side by side
}

TEST_F(ConfigChannelTest, ADocumentOfTwentyMegabytesPasses) {
  const auto control = publisher();
  const auto follower = gateway();
  std::string text = R"({"consumers":[)";
  for (int i = 100'000; text.size() < 20u << 20; ++i)
    text += R"({"name":"consumer-)" + std::to_string(i) + R"(","tags":["team:payments"]},)";
  text += R"({"name":"z"}]})";
  const revision::Signed first = key.sign(1, text, 1);
  ASSERT_EQ(control->announce(first), "");
  ASSERT_TRUE(follower->reaches(1));
  text.replace(text.size() - 12, 12, R"({"name":"zz"}]})");
  const revision::Signed second = key.sign(2, text, 1);
  ASSERT_EQ(control->announce(second, &first), "");
  EXPECT_LT(get(delta_key(2)).size(), 1000u);
  ASSERT_TRUE(follower->reaches(2));
  EXPECT_TRUE(revision::verify(follower->arrived[1], key.public_key()));
}

TEST_F(ConfigChannelTest, OneThatNoGatewayCouldReadIsNotSent) {
  const auto control = publisher();
  const revision::Signed huge = key.sign(1, std::string(64u << 20, 'a'), 1);
  EXPECT_NE(control->announce(huge).find("revision 1 is longer than 63 MB"), std::string::npos);
  EXPECT_EQ(bench.call({"DBSIZE"})->integer(), 0);
}

TEST_F(ConfigChannelTest, ToAClusterAllKeysAreOneSlot) {
  Server node({"--cluster-enabled", "yes", "--cluster-port", std::to_string(free_port())});
  {
    Bench plain(Bench::to(node));
    ASSERT_TRUE(plain.connected());
    ASSERT_EQ(plain.call({"CLUSTER", "ADDSLOTSRANGE", "0", "16383"})->text(), "OK");
    ASSERT_TRUE(plain.until(
        [&] { return plain.call({"CLUSTER", "INFO"})->text().find("cluster_state:ok") != std::string_view::npos; }));
  }
  Bench::Settings settings = Bench::to(node);
  settings.kind = Bench::Settings::Kind::cluster;
  Publisher control(bench, settings);
  control.side.keep(make(1));
  Gateway follower(bench, settings, {}, kEvery);
  ASSERT_TRUE(follower.reaches(1));
  for (std::uint64_t number = 2; number <= 12; ++number) {
    const revision::Signed now = make(number), before = make(number - 1);
    ASSERT_EQ(control.announce(now, &before), "");
  }
  ASSERT_TRUE(follower.reaches(12));
  follower.side.report(receipt("a", State::applied, 12));
  EXPECT_TRUE(bench.until([&] { return !control.receipts.empty(); }));
  for (std::uint64_t number = 1; number <= 12; ++number)
    EXPECT_EQ(slot_of(document_key(number)), slot_of(kConfigHead));
  EXPECT_EQ(slot_of(delta_key(1)), slot_of(kConfigNumbers));
}

TEST_F(ConfigChannelTest, ReceiptsAreHeardAndHeardAgain) {
  const auto control = publisher();
  const auto follower = gateway();
  follower->side.report(receipt("a", State::refused, 7, "routes[0]: no such upstream \"é\""));
  ASSERT_TRUE(bench.until([&] { return !control->receipts.empty(); }));
  const ports::Receipt& got = control->receipts[0];
  EXPECT_EQ(got.instance, "a");
  EXPECT_EQ(got.host, "host.example");
  EXPECT_EQ(got.version, "1.2.3");
  EXPECT_EQ(got.state, State::refused);
  EXPECT_EQ(got.revision, 7u);
  EXPECT_EQ(got.in_use, 6u);
  EXPECT_EQ(got.reason, "routes[0]: no such upstream \"é\"");
  EXPECT_EQ(got.at_ms, 1'790'000'000'000);
  const std::size_t before = control->receipts.size();
  ASSERT_TRUE(bench.until([&] { return control->receipts.size() >= before + 2; }, 6s));  // signs of life
  EXPECT_GT(control->seen.back(), control->seen.front());
  follower->side.report(receipt("a", State::applied, 8));
  ASSERT_TRUE(bench.until([&] { return control->receipts.back().state == State::applied; }, 1s));
}

TEST_F(ConfigChannelTest, ReceiptsThatWereNotHeardAreFound) {
  ASSERT_TRUE(bench.connected());
  const std::int64_t now_ms = bench.loop.wall_us(bench.loop.refresh()) / 1000;
  bench.call({"HSET", kConfigInstances, "quiet", to_text({receipt("quiet", State::applied, 3), now_ms - 60'000})});
  bench.call({"HSET", kConfigInstances, "dead", to_text({receipt("dead", State::applied, 3), now_ms - 3'700'000})});
  bench.call({"HSET", kConfigInstances, "odd", "{}"});
  bench.call({"HSET", kConfigInstances, "other", to_text({receipt("quiet", State::applied, 9), now_ms})});
  const auto control = publisher();
  ASSERT_TRUE(bench.until([&] { return control->gone.size() == 1; }));
  EXPECT_EQ(control->gone[0], "dead");
  EXPECT_EQ(bench.call({"HEXISTS", kConfigInstances, "dead"})->integer(), 0);
  ASSERT_EQ(control->receipts.size(), 2u);
  const std::size_t quiet = control->receipts[0].instance == "quiet" ? 0 : 1;
  EXPECT_EQ(control->receipts[quiet].revision, 3u);
  EXPECT_NEAR(static_cast<double>(control->seen[quiet] - now_ms), -60'000, 5'000);
  let_pass(5 * kEvery);
  EXPECT_EQ(control->receipts.size(), 2u);  // no new sign of life
  bench.call({"HSET", kConfigInstances, "quiet", to_text({receipt("quiet", State::applied, 4), now_ms})});
  ASSERT_TRUE(bench.until([&] { return control->receipts.size() == 3; }, 5s));  // by the look
  EXPECT_EQ(control->receipts[2].revision, 4u);
  EXPECT_GE(control->seen[2], now_ms);
}

TEST_F(ConfigChannelTest, AReceiptThatCannotBeSentIsComplainedOf) {
  ASSERT_TRUE(bench.connected());
  const auto follower = gateway();
  bench.call({"SET", kConfigInstances, "in the way"});
  follower->side.report(receipt("a", State::applied, 1));
  const auto complained = [&](std::string_view of) {
    return bench.until(
        [&] { return !follower->complaints.empty() && follower->complaints.back().find(of) != std::string::npos; });
  };
  ASSERT_TRUE(bench.until([&] { return bench.call({"DEL", kConfigHead})->integer() == 0; }));
  ASSERT_TRUE(complained("Redis has no revision"));
  const auto control = publisher();
  publish(*control, 1, 1);
  ASSERT_TRUE(complained("the receipt cannot be sent: Redis answers: WRONGTYPE"));
  bench.call({"DEL", kConfigInstances});
  EXPECT_TRUE(bench.until([&] { return follower->complaints.back().empty(); }));
}

TEST(ConfigReceipt, ReadsBackAndRefusesWhatIsNone) {
  const Beat beat{receipt("a", State::starting, 0), 5};
  const auto back = beat_from(to_text(beat));
  ASSERT_TRUE(back);
  EXPECT_EQ(to_text(*back), to_text(beat));
  for (const std::string_view text : {"", "[]", "{}", R"({"instance":"a","state":"new"})", R"({"state":"applied"})",
                                      R"({"instance":"","state":"applied"})"})
    EXPECT_FALSE(beat_from(text)) << text;
  const auto odd = beat_from(R"({"instance":"a","state":"applied","revision":-5,"more":1})");
  ASSERT_TRUE(odd);
  EXPECT_EQ(odd->receipt.revision, 0u);
}

}  // namespace
}  // namespace weir::adapters::redis
