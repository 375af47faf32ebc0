// The directory against a hand-written resolver, with time as a number.
#include "upstream/directory.h"

#include <gtest/gtest.h>

#include <map>
#include <thread>

namespace weir::upstream {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class FakeResolver final : public ports::NameResolver {
 public:
  void resolve(std::string name, Done done) override {
    ++asked[name];
    open.emplace_back(std::move(name), std::move(done));
  }

  void answer(std::string_view name, std::vector<std::string_view> addresses, seconds ttl = seconds(30)) {
    ports::Addresses out{{}, ttl};
    for (const std::string_view address : addresses) out.addresses.push_back(*IpAddress::parse(address));
    answer(name, Result<ports::Addresses>(std::move(out)));
  }
  void refuse(std::string_view name, std::string_view why) { answer(name, fail(Reason::upstream_no_address, why)); }

  // The oldest open question for that name.
  void answer(std::string_view name, Result<ports::Addresses> result) {
    for (auto question = open.begin(); question != open.end(); ++question) {
      if (question->first != name) continue;
      Done done = std::move(question->second);
      open.erase(question);
      done(std::move(result));
      return;
    }
    ADD_FAILURE() << "nobody asked for " << name;
  }

  std::map<std::string, int, std::less<>> asked;
  std::vector<std::pair<std::string, Done>> open;
};

class DirectoryTest : public ::testing::Test {
 protected:
  DirectoryTest() {
    directory.subscribe([this](std::string_view name, std::span<const IpAddress> addresses) {
      told.push_back(std::string(name) + " = " + text(addresses));
    });
  }

  static std::string text(std::span<const IpAddress> addresses) {
    std::string out;
    for (const IpAddress& address : addresses) out += (out.empty() ? "" : " ") + address.to_string();
    return out;
  }
  std::string known(std::string_view name) { return text(directory.addresses(name)); }
  io::Duration until_next() { return directory.poll(now) - now; }

  FakeResolver resolver;
  int woken = 0;
  Directory directory{resolver, [this] { ++woken; }};
  std::vector<std::string> told;
  io::TimePoint now = io::TimePoint(std::chrono::hours(1));
};

TEST_F(DirectoryTest, LearnsSortedAddressesAndTells) {
  EXPECT_TRUE(directory.watch("users.internal"));
  EXPECT_EQ(directory.poll(now), io::kNever);
  EXPECT_EQ(directory.counts().unresolved, 1u);
  resolver.answer("users.internal", {"2001:db8::1", "10.0.0.9", "10.0.0.10", "10.0.0.9"});
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(known("users.internal"), "") << "answers are taken by poll() only";
  EXPECT_EQ(until_next(), seconds(30));
  EXPECT_EQ(known("Users.INTERNAL"), "10.0.0.9 10.0.0.10 2001:db8::1");
  EXPECT_EQ(told, std::vector<std::string>{"users.internal = 10.0.0.9 10.0.0.10 2001:db8::1"});
  EXPECT_EQ(directory.counts().unresolved, 0u);
}

TEST_F(DirectoryTest, TellsOnlyChanges) {
  directory.watch("a");
  directory.poll(now);
  resolver.answer("a", {"10.0.0.1", "10.0.0.2"});
  directory.poll(now);
  now += seconds(30);
  directory.poll(now);
  resolver.answer("a", {"10.0.0.2", "10.0.0.1"});
  directory.poll(now);
  EXPECT_EQ(told.size(), 1u);
  now += seconds(30);
  directory.poll(now);
  resolver.answer("a", {"10.0.0.3"});
  directory.poll(now);
  EXPECT_EQ(told.back(), "a = 10.0.0.3");
  EXPECT_EQ(directory.counts().changes, 2u);
}

TEST_F(DirectoryTest, HoldsTheTtlBetweenFloorAndCeiling) {
  const std::pair<seconds, seconds> cases[] = {{seconds(0), kTtlFloor},       {seconds(1), kTtlFloor},
                                               {seconds(7), seconds(7)},      {seconds(300), seconds(300)},
                                               {seconds(86400), kTtlCeiling}, {seconds(INT32_MAX), kTtlCeiling}};
  directory.watch("a");
  for (const auto& [ttl, expected] : cases) {
    directory.poll(now);
    resolver.answer("a", {"10.0.0.1"}, ttl);
    ASSERT_EQ(until_next(), expected) << ttl.count();
    now += expected - milliseconds(1);
    directory.poll(now);
    EXPECT_TRUE(resolver.open.empty()) << "asked too early";
    now += milliseconds(1);
    directory.poll(now);
    EXPECT_EQ(resolver.open.size(), 1u);
  }
}

TEST_F(DirectoryTest, NoFailureEmptiesASet) {
  directory.watch("a");
  directory.poll(now);
  resolver.answer("a", {"10.0.0.1"});
  now += until_next();
  const std::vector<Result<ports::Addresses>> failures = {
      fail(Reason::upstream_no_address, "no such name"), fail(Reason::upstream_no_address, "the name server failed"),
      Result<ports::Addresses>(ports::Addresses{}), fail(Reason::upstream_no_address)};
  for (const auto& failure : failures) {
    directory.poll(now);
    resolver.answer("a", failure);
    now += until_next();
    EXPECT_EQ(known("a"), "10.0.0.1");
    EXPECT_NE(directory.last_error("a"), "");
    EXPECT_EQ(directory.counts().stale, 1u);
  }
  EXPECT_EQ(directory.counts().failures, failures.size());
  EXPECT_EQ(told.size(), 1u);
  directory.poll(now);
  resolver.answer("a", {"10.0.0.1"});
  directory.poll(now);
  EXPECT_EQ(directory.counts().stale, 0u);
  EXPECT_EQ(directory.last_error("a"), "");
}

TEST_F(DirectoryTest, RetriesSoonerThanTheFloorThenAtIt) {
  directory.watch("a");
  directory.poll(now);
  for (const int expected : {1, 2, 4, 5, 5}) {
    resolver.refuse("a", "no such name");
    EXPECT_EQ(until_next(), seconds(expected));
    now += seconds(expected);
    directory.poll(now);
  }
  resolver.answer("a", {"10.0.0.1"});
  now += until_next();
  directory.poll(now);
  resolver.refuse("a", "no such name");
  EXPECT_EQ(until_next(), kFirstRetry) << "an answer ends the backoff";
}

TEST_F(DirectoryTest, KeepsTheSame64OfTenThousand) {
  directory.watch("many");
  const auto many = [](int first) {
    ports::Addresses out{{}, seconds(5)};
    for (int i = 0; i < 10'000; ++i) {
      const int n = (i + first) % 10'000;
      out.addresses.push_back(IpAddress::v4(10, 0, static_cast<std::uint8_t>(n / 256), static_cast<std::uint8_t>(n)));
    }
    return out;
  };
  directory.poll(now);
  resolver.answer("many", many(0));
  now += until_next();
  EXPECT_EQ(directory.addresses("many").size(), kAddressesPerName);
  directory.poll(now);
  resolver.answer("many", many(5'000));
  directory.poll(now);
  EXPECT_EQ(told.size(), 1u) << "another order is no change";
}

TEST_F(DirectoryTest, LiteralsAreNotWatched) {
  for (const char* literal : {"127.0.0.1", "::1", "2001:db8::1"}) EXPECT_FALSE(directory.watch(literal));
  EXPECT_EQ(directory.poll(now), io::kNever);
  EXPECT_TRUE(resolver.asked.empty());
  EXPECT_EQ(directory.counts().watched, 0u);
}

TEST_F(DirectoryTest, AReloadKeepsWhatBothConfigurationsUse) {
  directory.watch("kept");
  directory.watch("gone");
  directory.poll(now);
  resolver.answer("kept", {"10.0.0.1"});
  resolver.answer("gone", {"10.0.0.2"});
  directory.poll(now);
  directory.watch("KEPT");
  directory.unwatch("kept");
  directory.unwatch("gone");
  directory.unwatch("never watched");
  EXPECT_EQ(known("kept"), "10.0.0.1");
  EXPECT_EQ(known("gone"), "");
  EXPECT_EQ(directory.counts().watched, 1u);
  now += seconds(60);
  directory.poll(now);
  EXPECT_EQ(resolver.asked["gone"], 1);
  EXPECT_EQ(resolver.asked["kept"], 2);
}

TEST_F(DirectoryTest, AnAnswerToAnEarlierWatchIsNotTaken) {
  directory.watch("a");
  directory.poll(now);
  directory.unwatch("a");
  directory.watch("a");
  directory.poll(now);
  ASSERT_EQ(resolver.open.size(), 2u);
  resolver.answer("a", {"10.0.0.1"});
  directory.poll(now);
  EXPECT_EQ(known("a"), "");
  resolver.answer("a", {"10.0.0.2"});
  directory.poll(now);
  EXPECT_EQ(known("a"), "10.0.0.2");
}

TEST_F(DirectoryTest, OneQuestionPerNameAtATime) {
  directory.watch("a");
  for (int i = 0; i < 100; ++i) {
    now += seconds(60);
    directory.poll(now);
  }
  EXPECT_EQ(resolver.asked["a"], 1);
}

TEST(Directory, TakesAnswersFromAnotherThreadAndAfterItsEnd) {
  FakeResolver resolver;
  {
    Directory directory(resolver);
    directory.watch("a");
    directory.watch("b");
    directory.poll(io::TimePoint{});
    std::thread([&] { resolver.answer("a", {"10.0.0.1"}); }).join();
    directory.poll(io::TimePoint{});
    EXPECT_EQ(directory.addresses("a").size(), 1u);
  }
  resolver.answer("b", {"10.0.0.2"});
  EXPECT_TRUE(resolver.open.empty());
}

}  // namespace
}  // namespace weir::upstream
