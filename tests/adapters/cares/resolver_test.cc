// The resolver against a real name server of the test's own, on 127.0.0.1.
#include "adapters/cares/resolver.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <map>
#include <mutex>

#include "tests/adapters/cares/name_server.h"

namespace weir::adapters::cares {
namespace {

using Reply = NameServer::Reply;

// Collects answers from the resolver's thread.
class Answers {
 public:
  ports::NameResolver::Done slot(std::string name) {
    return [this, name = std::move(name)](Result<ports::Addresses> result) {
      const std::lock_guard lock(mutex_);
      answers_.emplace_back(name, std::move(result));
      arrived_.notify_all();
    };
  }
  // Sooner than any timeout of a test's resolver would end a whole run; false: they did not come.
  bool wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    return arrived_.wait_for(lock, std::chrono::seconds(20), [&] { return answers_.size() >= count; });
  }
  std::vector<std::pair<std::string, Result<ports::Addresses>>> take() {
    const std::lock_guard lock(mutex_);
    return std::move(answers_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<std::pair<std::string, Result<ports::Addresses>>> answers_;
};

class ResolverTest : public ::testing::Test {
 protected:
  std::unique_ptr<Resolver> start(Families families = Families::both,
                                  std::chrono::milliseconds timeout = std::chrono::seconds(2)) {
    auto made = Resolver::make({.servers = server.address(), .timeout = timeout, .tries = 2, .families = families});
    EXPECT_TRUE(made.has_value());
    return made ? std::move(*made) : nullptr;
  }

  Result<ports::Addresses> ask(Resolver& resolver, const std::string& name) {
    Answers answers;
    resolver.resolve(name, answers.slot(name));
    if (!answers.wait_for(1)) {
      ADD_FAILURE() << "no answer for " << name;
      std::abort();  // the slot would be called after `answers` is gone
    }
    return std::move(answers.take().front().second);
  }

  std::string text(Result<ports::Addresses> result) {
    if (!result) {
      EXPECT_EQ(result.error().reason, Reason::upstream_no_address);
      return std::string(result.error().detail);
    }
    std::sort(result->addresses.begin(), result->addresses.end());
    std::string out;
    for (const IpAddress& address : result->addresses) out += address.to_string() + " ";
    return out + "for " + std::to_string(result->ttl.count());
  }

  NameServer server;
};

TEST_F(ResolverTest, GivesBothFamiliesAndTheShortestTtl) {
  server.set("users.test", {.addresses = {"10.0.0.1", "10.0.0.2", "2001:db8::1"}, .ttl = 40});
  server.set("alias.test", {.addresses = {"10.0.0.3"}, .ttl = 40, .alias = "real.test", .alias_ttl = 7});
  server.set("zero.test", {.addresses = {"10.0.0.4"}, .ttl = 0});
  const auto resolver = start();
  EXPECT_EQ(text(ask(*resolver, "users.test")), "10.0.0.1 10.0.0.2 2001:db8::1 for 40");
  EXPECT_EQ(text(ask(*resolver, "alias.test")), "10.0.0.3 for 7");
  EXPECT_EQ(text(ask(*resolver, "zero.test")), "10.0.0.4 for 0");
}

TEST_F(ResolverTest, PrefersAndRestrictsFamilies) {
  server.set("both.test", {.addresses = {"10.0.0.1", "2001:db8::1"}});
  server.set("six.test", {.addresses = {"2001:db8::6"}});
  EXPECT_EQ(text(ask(*start(Families::v4_first), "both.test")), "10.0.0.1 for 30");
  EXPECT_EQ(text(ask(*start(Families::v4_first), "six.test")), "2001:db8::6 for 30");
  EXPECT_EQ(text(ask(*start(Families::v4_only), "both.test")), "10.0.0.1 for 30");
  EXPECT_EQ(text(ask(*start(Families::v6_only), "both.test")), "2001:db8::1 for 30");
  EXPECT_EQ(text(ask(*start(Families::v4_only), "six.test")), "the name has no address");
}

TEST_F(ResolverTest, EveryFailureIsAnError) {
  server.set("failing.test", {.reply = Reply::server_failure});
  server.set("empty.test", {});
  server.set("silent.test", {.reply = Reply::silence});
  server.set("garbage.test", {.reply = Reply::garbage});
  const auto resolver = start();
  EXPECT_EQ(text(ask(*resolver, "absent.test")), "no such name");
  EXPECT_EQ(text(ask(*resolver, "failing.test")), "no name server could answer");
  EXPECT_EQ(text(ask(*resolver, "empty.test")), "the name has no address");
  EXPECT_FALSE(ask(*resolver, "a..b"));
  EXPECT_FALSE(ask(*resolver, std::string(300, 'a') + ".test"));
  EXPECT_FALSE(ask(*resolver, ""));
  const auto hasty = start(Families::both, std::chrono::milliseconds(50));
  EXPECT_EQ(text(ask(*hasty, "silent.test")), "the name servers do not answer");
  EXPECT_FALSE(ask(*hasty, "garbage.test"));
}

TEST_F(ResolverTest, ReadsTheHostsFileFirst) {
  const auto resolver = start(Families::v4_first);
  EXPECT_EQ(text(ask(*resolver, "localhost")).substr(0, 14), "127.0.0.1 for ");
  EXPECT_EQ(server.questions(), 0);
}

TEST_F(ResolverTest, AnswersMoreNamesThanItAsksAtATime) {
  std::map<std::string, std::string> expected;
  for (int i = 0; i < 300; ++i) {
    const std::string name = "n" + std::to_string(i) + ".test";
    const std::string address = "10.0.1." + std::to_string(i % 256);
    server.set(name, {.addresses = {address}});
    expected[name] = address + " for 30";
  }
  Answers answers;
  const auto resolver = Resolver::make({.servers = server.address()});
  ASSERT_TRUE(resolver.has_value());
  for (const auto& [name, line] : expected) (*resolver)->resolve(name, answers.slot(name));
  ASSERT_TRUE(answers.wait_for(300));
  for (auto& [name, result] : answers.take()) EXPECT_EQ(text(std::move(result)), expected[name]) << name;
}

TEST_F(ResolverTest, ItsEndAnswersEverything) {
  Answers answers;
  auto resolver = Resolver::make({.servers = server.address(), .timeout = std::chrono::minutes(1)});
  ASSERT_TRUE(resolver.has_value());
  for (int i = 0; i < 100; ++i) {
    const std::string name = "s" + std::to_string(i) + ".test";
    server.set(name, {.reply = Reply::silence});
    (*resolver)->resolve(name, answers.slot(name));
  }
  resolver->reset();
  const auto all = answers.take();
  EXPECT_EQ(all.size(), 100u);
  for (const auto& [name, result] : all) EXPECT_EQ(text(result), "the resolver is shutting down");
}

TEST(Resolver, RefusesServersItCannotRead) {
  for (const char* servers : {"nonsense", "127.0.0.1:99999", "10.0.0.1,here", "127.0.0.1:0", "unix:/dns", ","}) {
    const auto made = Resolver::make({.servers = servers});
    ASSERT_FALSE(made.has_value()) << servers;
    EXPECT_NE(made.error().message.find(servers), std::string::npos);
  }
}

}  // namespace
}  // namespace weir::adapters::cares
