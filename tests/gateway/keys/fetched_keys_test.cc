#include "gateway/keys/fetched_keys.h"

#include <gtest/gtest.h>

#include "gateway/keys/key_fetch.h"
#include "pipeline/key_source.h"

namespace weir::gateway {
namespace {

std::shared_ptr<const jose::KeySet> some_keys() {
  return *jose::KeySet::from_secret(std::string(32, 'x'), {jose::Algorithm::hs256});
}

io::Task<void> wait(FetchedKeys* keys, io::TimePoint deadline, int* ended) {
  co_await keys->renewed(7, deadline);
  ++*ended;
}

TEST(FetchedKeys, AnUpdateWakesWhoWaits) {
  io::Loop loop;
  std::vector<std::uint64_t> asked;
  FetchedKeys keys(loop, [&](std::uint64_t source, std::uint64_t seen) {
    asked.push_back(source);
    EXPECT_EQ(seen, 0u);
  });
  EXPECT_EQ(keys.find(7), nullptr);
  EXPECT_TRUE(keys.ask(7));
  EXPECT_TRUE(keys.ask(7));  // under way: the keeper is told once
  EXPECT_EQ(asked, std::vector<std::uint64_t>{7});
  int ended = 0;
  io::TaskGroup group;
  group.spawn(wait(&keys, loop.now() + std::chrono::hours(1), &ended));
  group.spawn(wait(&keys, loop.now() + std::chrono::hours(1), &ended));
  EXPECT_FALSE(keys.ended());
  keys.update({.source = 7, .keys = some_keys(), .quiet_until = loop.now() + std::chrono::seconds(30), .number = 1});
  EXPECT_EQ(ended, 2);
  EXPECT_NE(keys.find(7), nullptr);
  EXPECT_EQ(keys.find(8), nullptr);
  EXPECT_FALSE(keys.ask(7));  // too soon
  EXPECT_EQ(asked.size(), 1u);
  EXPECT_TRUE(keys.ended());
}

TEST(FetchedKeys, NobodyWaitsForAKeeperThatIsSilent) {
  io::Loop loop;
  FetchedKeys keys(loop, [](std::uint64_t, std::uint64_t) {});
  keys.ask(7);
  int ended = 0;
  io::TaskGroup group;
  group.spawn(wait(&keys, loop.now() + std::chrono::milliseconds(20), &ended));
  for (int turn = 0; turn < 100 && ended == 0; ++turn) loop.turn(std::chrono::milliseconds(10));
  EXPECT_EQ(ended, 1);
  EXPECT_TRUE(keys.ended());
}

TEST(FetchedKeys, TheEndLetsEverybodyGo) {
  io::Loop loop;
  FetchedKeys keys(loop, [](std::uint64_t, std::uint64_t) {});
  keys.ask(7);
  int ended = 0;
  io::TaskGroup group;
  group.spawn(wait(&keys, loop.now() + std::chrono::hours(1), &ended));
  keys.end();
  EXPECT_EQ(ended, 1);
  EXPECT_FALSE(keys.ask(7));
}

TEST(KeyFetch, FreshnessWithinBounds) {
  const auto seconds = [](std::string_view value) { return freshness(value).count(); };
  EXPECT_EQ(seconds(""), 600);
  EXPECT_EQ(seconds("public"), 600);
  EXPECT_EQ(seconds("public, max-age=900"), 900);
  EXPECT_EQ(seconds("max-age=0"), 60);
  EXPECT_EQ(seconds("max-age=-5"), 60);
  EXPECT_EQ(seconds("max-age=99999999999999999999999"), 3600);
  EXPECT_EQ(seconds("max-age=86400"), 3600);
  EXPECT_EQ(seconds("max-age=x"), 600);
  EXPECT_EQ(seconds("no-store, max-age=900"), 60);
}

TEST(KeyUrl, OnlyWhatIsSafe) {
  const auto plain = pipeline::parse_key_url("https://id.Example.com/jwks?x=1", false);
  ASSERT_TRUE(plain.has_value());
  EXPECT_EQ(plain->host, "id.example.com");
  EXPECT_EQ(plain->port, 443);
  EXPECT_EQ(plain->target, "/jwks?x=1");
  EXPECT_EQ(pipeline::parse_key_url("https://[::1]:8443", false)->host, "::1");
  EXPECT_EQ(pipeline::parse_key_url("https://h.test:8443?a", false)->target, "/?a");
  EXPECT_TRUE(pipeline::parse_key_url("http://h.test/", true).has_value());
  for (const char* url :
       {"http://h.test/", "ftp://h.test/", "https://", "https:///x", "https://a@h.test/", "https://h.test/#x",
        "https://h.test/ x", "https://h.test\\x", "https://h.test:0/", "file:///etc/passwd", "//h.test"})
    EXPECT_FALSE(pipeline::parse_key_url(url, false).has_value()) << url;
  EXPECT_EQ(pipeline::discovery_url("https://id/realm/"), "https://id/realm/.well-known/openid-configuration");
}

}  // namespace
}  // namespace weir::gateway
