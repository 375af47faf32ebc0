// Ways in: TLS, ACL users, databases, Unix sockets, names, servers that know no HELLO; and pub/sub.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "adapters/redis/subscriber.h"
#include "tests/adapters/redis/server.h"
#include "tests/io/authority.h"

namespace weir::adapters::redis {
namespace {

using namespace std::chrono_literals;

std::string why_not(Bench& bench) {
  bench.until([&] { return !bench.client->available(); }, 5s);
  return bench.client->last_error();
}

std::shared_ptr<const io::TlsClientContext> trusting(const io::Authority& authority, std::string server_name = {},
                                                     std::optional<io::CertificateFiles> certificate = {}) {
  auto made = io::TlsClientContext::make({.server_name = std::move(server_name),
                                          .ca_file = (authority.folder() / "ca.crt").string(),
                                          .certificate = std::move(certificate)});
  EXPECT_TRUE(made.has_value());
  return *made;
}

class Tls : public testing::Test {
 protected:
  Tls() {
    authority.issue("server", {.names = {"redis.example"}});
    authority.issue("client", {.names = {"weir.example"}});
  }
  std::unique_ptr<Server> start(const std::string& clients) {
    const std::string folder = authority.folder().string() + "/";
    tls_port = free_port();
    return std::make_unique<Server>(std::vector<std::string>{
        "--tls-port", std::to_string(tls_port), "--tls-cert-file", folder + "server.crt", "--tls-key-file",
        folder + "server.key", "--tls-ca-cert-file", folder + "ca.crt", "--tls-auth-clients", clients});
  }
  Bench::Settings settings(std::shared_ptr<const io::TlsClientContext> context) const {
    Bench::Settings out;
    out.places = {{"127.0.0.1", tls_port}};
    out.command_timeout = 200ms;
    out.connect_timeout = 2s;  // a handshake under a sanitizer
    out.tls = std::move(context);
    return out;
  }
  io::Authority authority;
  std::uint16_t tls_port = 0;
};

TEST_F(Tls, SpeaksToAServerThatProvesItsName) {
  const auto server = start("no");
  Bench bench(settings(trusting(authority, "redis.example")));
  ASSERT_TRUE(bench.connected());
  const std::string large(300'000, 'x');
  EXPECT_EQ(bench.call({"SET", "a", large})->text(), "OK");
  EXPECT_EQ(bench.call({"GET", "a"})->text(), large);
}

TEST_F(Tls, RefusesOneThatProvesAnother) {
  const auto server = start("no");
  Bench bench(settings(trusting(authority, "other.example")));
  ASSERT_TRUE(bench.until([&] { return bench.client->last_error().find("TLS: ") != std::string::npos; }, 5s))
      << bench.client->last_error();
  EXPECT_FALSE(bench.client->available());
}

TEST_F(Tls, PresentsACertificateWhereOneIsAskedFor) {
  const auto server = start("yes");
  const std::string folder = authority.folder().string() + "/";
  Bench bench(settings(
      trusting(authority, "redis.example", io::CertificateFiles{folder + "client.crt", folder + "client.key"})));
  EXPECT_TRUE(bench.connected()) << bench.client->last_error();
  Bench without(settings(trusting(authority, "redis.example")));
  EXPECT_NE(why_not(without), "");
}

TEST(Acl, AUserMayDoWhatItMay) {
  Server server({"--requirepass", "other", "--user", "weir", "on", ">secr\u00e9t", "~weir:*", "+@all", "-flushall"});
  auto settings = Bench::to(server);
  settings.username = "weir";
  settings.password = "secr\u00e9t";
  settings.database = 3;
  Bench bench(settings);
  ASSERT_TRUE(bench.connected()) << bench.client->last_error();
  EXPECT_EQ(bench.call({"SET", "weir:a", "1"})->text(), "OK");
  EXPECT_EQ(bench.call({"SET", "a", "1"})->error_code(), "NOPERM");
  EXPECT_EQ(bench.call({"FLUSHALL"})->error_code(), "NOPERM");
  const Answer info = bench.call({"CLIENT", "INFO"});
  EXPECT_NE(info->text().find(" db=3 "), std::string::npos) << info->text();
  EXPECT_NE(info->text().find(" name=weir "), std::string::npos);
  EXPECT_NE(info->text().find(" resp=3"), std::string::npos);

  settings.password = "wrong";
  Bench wrong(settings);
  EXPECT_TRUE(wrong.until([&] { return wrong.client->last_error().find("WRONGPASS") != std::string::npos; }, 5s))
      << wrong.client->last_error();
  EXPECT_EQ(wrong.client->last_error().find("wrong"), std::string::npos) << "no secret in what is told";
  settings.username.clear();
  settings.password.clear();
  Bench nobody(settings);
  EXPECT_TRUE(nobody.until([&] { return nobody.client->last_error().find("NOAUTH") != std::string::npos; }, 5s))
      << nobody.client->last_error();
}

TEST(Acl, AUserThatMayOnlyRunScriptsIsEnough) {
  Server server({"--user", "weir", "on", ">x", "~weir:*", "+evalsha", "+eval", "+incr", "--user", "default", "off"});
  auto settings = Bench::to(server);
  settings.username = "weir";
  settings.password = "x";
  Bench bench(settings);
  const Script script("return redis.call('INCR', KEYS[1])");
  ASSERT_TRUE(bench.until([&] {
    const Answer answer = bench.call(script, "weir:n", {});
    return answer && !answer->is_error();
  })) << bench.client->last_error();
}

// The rights that docs/redis.md asks for are enough for all that the client and scripts like ours do.
TEST(Acl, TheRightsOfTheDocumentationAreEnough) {
  std::ifstream page(WEIR_SOURCE_DIR "/docs/redis.md");
  std::vector<std::string> options{"--user"};
  for (std::string line; std::getline(page, line) && options.size() == 1;) {
    if (!line.starts_with("user weir ")) continue;
    std::istringstream words(line.substr(5));
    for (std::string word; words >> word;) options.push_back(word);
  }
  ASSERT_GT(options.size(), 5u) << "no line that begins with user weir";
  Server server(options);
  auto settings = Bench::to(server);
  settings.username = "weir";
  settings.password = "SECRET";
  settings.database = 1;
  Bench bench(settings);
  ASSERT_TRUE(bench.connected()) << bench.client->last_error();
  const Script script(
      "redis.call('SET', KEYS[1], redis.call('TIME')[1], 'PX', 1000) return redis.call('GET', KEYS[1])");
  EXPECT_GT(bench.call(script, "weir:n", {})->integer(), 1'000'000);
  EXPECT_EQ(bench.call({"ROLE"})->size(), 3u) << "else a replica could be taken for the master";
  EXPECT_EQ(bench.call({"CLUSTER", "SLOTS"})->error_code(), "ERR") << "allowed, though this is no cluster";
  EXPECT_EQ(bench.call({"PUBLISH", "weir:keys", "x"})->integer(), 0);
  for (const std::string_view command : {"FLUSHALL", "KEYS", "SHUTDOWN", "DEBUG"})
    EXPECT_EQ(bench.call({command, "x"})->error_code(), "NOPERM") << command;
  EXPECT_EQ(bench.call({"GET", "others"})->error_code(), "NOPERM");
  EXPECT_EQ(bench.call({"PUBLISH", "others", "x"})->error_code(), "NOPERM");
}

TEST(OldServer, IsGreetedTheOldWay) {
  Server server({"--requirepass", "secret", "--rename-command", "HELLO", ""});
  auto settings = Bench::to(server);
  settings.password = "secret";
  settings.database = 2;
  Bench bench(settings);
  ASSERT_TRUE(bench.connected()) << bench.client->last_error();
  const Answer info = bench.call({"CLIENT", "INFO"});
  EXPECT_NE(info->text().find(" db=2 "), std::string::npos) << info->text();
  EXPECT_NE(info->text().find(" name=weir "), std::string::npos);
  EXPECT_NE(info->text().find(" resp=2"), std::string::npos);
  bench.call({"HSET", "h", "a", "1"});
  EXPECT_EQ(bench.call({"HGETALL", "h"})->size(), 2u);
}

TEST(Place, MayBeAUnixSocket) {
  Server server;
  auto settings = Bench::to(server);
  settings.places = {{"", 0, server.socket}};
  Bench bench(settings);
  EXPECT_TRUE(bench.connected()) << bench.client->last_error();
}

TEST(Place, ByIoUringToo) {
  Server server;
  Bench bench(Bench::to(server), nullptr, io::Loop::Backend::io_uring);
  if (!bench.loop.by_ring()) GTEST_SKIP() << "this kernel, or this container, does not allow io_uring";
  ASSERT_TRUE(bench.connected());
  const std::string large(300'000, 'x');
  EXPECT_EQ(bench.call({"SET", "a", large})->text(), "OK");
  EXPECT_EQ(bench.call({"GET", "a"})->text(), large);
  server.signal(SIGSTOP);
  const io::TimePoint began = io::Clock::now();
  EXPECT_EQ(bench.call({"GET", "a"}, 5ms).error().kind, Failure::Kind::timed_out);
  EXPECT_LT(io::Clock::now() - began, 500ms);
  server.signal(SIGCONT);
}

// Answers from a thread of its own, as the real one does.
class Names final : public ports::NameResolver {
 public:
  void resolve(std::string name, Done done) override {
    ++asked;
    std::thread([name = std::move(name), done = std::move(done)]() mutable {
      if (name != "redis.test") return done(fail(Reason::upstream_no_address, "there is no such name"));
      done(ports::Addresses{{IpAddress::v4(127, 0, 0, 2), IpAddress::v4(127, 0, 0, 1)}, std::chrono::seconds(1)});
    }).detach();
  }
  std::atomic<int> asked{0};
};

TEST(Place, MayBeANameWhoseAddressesAreTriedInTurn) {
  Server server;  // listens on 127.0.0.1 only
  Names names;
  auto settings = Bench::to(server);
  settings.places[0].host = "redis.test";
  Bench bench(settings, &names);
  EXPECT_TRUE(bench.connected()) << bench.client->last_error();
  EXPECT_GE(names.asked, 2);
  settings.places[0].host = "nowhere.test";
  Bench lost(settings, &names);
  EXPECT_NE(why_not(lost).find("nowhere.test: there is no such name"), std::string::npos)
      << lost.client->last_error();
}

class Pubsub : public testing::Test {
 protected:
  void listen(Bench& bench, const Bench::Settings& settings) {
    subscriber.emplace(bench.loop, std::make_shared<Bench::Settings>(settings), nullptr,
                       std::vector<std::string>{"one", "two"},
                       Subscriber::Handlers{[this](std::string_view channel, std::string_view message) {
                                              got.push_back(std::string(channel) + "=" + std::string(message));
                                            },
                                            [this] { ++listening; },
                                            [this](std::string_view text) {
                                              ++lost;
                                              why = text;
                                            }});
  }
  void end(Bench& bench) {
    subscriber->end();
    EXPECT_TRUE(bench.until([&] { return subscriber->ended(); }));
    subscriber.reset();
  }
  std::optional<Subscriber> subscriber;
  std::vector<std::string> got;
  int listening = 0, lost = 0;
  std::string why;
};

TEST_F(Pubsub, TellsMessagesAndGaps) {
  Server server({"--requirepass", "secret"});
  auto settings = Bench::to(server);
  settings.password = "secret";
  Bench bench(settings);
  ASSERT_TRUE(bench.connected());
  listen(bench, settings);
  ASSERT_TRUE(bench.until([&] { return listening == 1; }));
  EXPECT_TRUE(subscriber->listening());
  bench.call({"PUBLISH", "one", "a"});
  bench.call({"PUBLISH", "two", "b"});
  bench.call({"PUBLISH", "three", "c"});
  ASSERT_TRUE(bench.until([&] { return got.size() == 2; }));
  EXPECT_EQ(got, (std::vector<std::string>{"one=a", "two=b"}));
  server.kill();
  ASSERT_TRUE(bench.until([&] { return lost >= 1; }));
  EXPECT_FALSE(subscriber->listening());
  server.start();
  ASSERT_TRUE(bench.until([&] { return listening == 2; })) << "it subscribes again, and says so";
  ASSERT_TRUE(bench.connected());
  bench.call({"PUBLISH", "two", "d"});
  EXPECT_TRUE(bench.until([&] { return got.size() == 3; }));
  end(bench);
}

TEST_F(Pubsub, ByTheOldProtocolToo) {
  Server server({"--rename-command", "HELLO", ""});
  Bench bench(Bench::to(server));
  ASSERT_TRUE(bench.connected());
  listen(bench, Bench::to(server));
  ASSERT_TRUE(bench.until([&] { return listening == 1; }));
  bench.call({"PUBLISH", "one", "a"});
  EXPECT_TRUE(bench.until([&] { return got.size() == 1; }));
  end(bench);
}

TEST_F(Pubsub, AUserThatMayNotListenIsTold) {
  Server server({"--user", "weir", "on", ">x", "~*", "+@all", "resetchannels"});
  auto settings = Bench::to(server);
  settings.username = "weir";
  settings.password = "x";
  Bench bench(settings);
  listen(bench, settings);
  EXPECT_TRUE(bench.until([&] { return why.find("NOPERM") != std::string::npos; })) << why;
  EXPECT_EQ(listening, 0);
  end(bench);
}

}  // namespace
}  // namespace weir::adapters::redis
