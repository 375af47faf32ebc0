// Both sides of the config channel over a real Redis, for their tests: a control plane's, a gateway's, and whoever
// else reaches Redis.
#pragma once

#include <gtest/gtest.h>

#include "adapters/redis/config/channel.h"
#include "adapters/redis/config/publisher.h"
#include "tests/adapters/redis/server.h"

namespace weir::adapters::redis {

using namespace std::chrono_literals;
using State = ports::Receipt::State;

inline constexpr io::Duration kEvery = 200ms;

inline ports::Receipt receipt(std::string instance, State state, std::uint64_t revision, std::string reason = {}) {
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
    Publisher(Bench& on, const Bench::Settings& settings, const revision::PublicKey& key)
        : bench(on),
          side(on.loop, std::make_shared<Bench::Settings>(settings), nullptr, key,
               {.receipt =
                    [this](const ports::Receipt& receipt, std::int64_t seen_ms) {
                      receipts.push_back(receipt);
                      seen.push_back(seen_ms);
                    },
                .gone = [this](const std::string& instance) { gone.push_back(instance); },
                .looked =
                    [this](std::uint64_t head, bool is_signed) {
                      looked = head;
                      looked_signed = is_signed;
                    },
                .complain = [this](const std::string& sentence) { complaint = sentence; },
                .warn = [this](const std::string& sentence) { warnings.push_back(sentence); }},
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
    std::vector<std::string> warnings;
    std::uint64_t looked = 0;
    bool looked_signed = false;
    ConfigPublisher side;
  };

  // A gateway's.
  struct Gateway {
    Gateway(Bench& on, const Bench::Settings& settings, const revision::PublicKey& key, revision::Signed have,
            io::Duration every)
        : bench(on), side(on.loop, std::make_shared<Bench::Settings>(settings), nullptr, every) {
      side.follow(
          std::move(have),
          {.arrived =
               [this, key](revision::Signed one) {
                 arrived.push_back(one);
                 if (takes && revision::verify(one, key)) side.have(std::move(one));
               },
           .broken = [this](std::uint64_t number, std::string why) { broken.emplace_back(number, std::move(why)); },
           .complain = [this](const std::string& sentence) { complaints.push_back(sentence); },
           .settled = [this](std::uint64_t) { ++settled; },
           .is_signed = [key](const revision::Signed& one) { return revision::verify(one, key).has_value(); }});
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
    int settled = 0;
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
    auto out = std::make_unique<Publisher>(bench, Bench::to(server), key.public_key());
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
    return std::make_unique<Gateway>(bench, Bench::to(server), key.public_key(), std::move(have), every);
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
  // What a stranger, or another control plane, writes: nobody is told.
  void write(std::uint64_t number, std::string_view digest, std::string_view bytes) {
    bench.call({"SET", document_key(number), bytes});
    head(std::to_string(number), digest);
  }
  void write(const revision::Signed& one) { write(one.number, one.digest, revision::encode(one)); }
  void head(std::string_view number, std::string_view digest) {
    bench.call({"HSET", kConfigHead, "number", number, "digest", digest});
  }
  std::string head() { return std::string(bench.call({"HGET", kConfigHead, "number"})->text()); }
  bool holds(const revision::Signed& one) {
    return head() == std::to_string(one.number) && get(document_key(one.number)) == revision::encode(one);
  }
  std::string get(std::string_view name) { return std::string(bench.call({"GET", name})->text()); }

  const revision::SigningKey key = revision::SigningKey::generate(), stranger = revision::SigningKey::generate();
  Server server;
  Bench bench{Bench::to(server)};
};

}  // namespace weir::adapters::redis
