// What `redis` of a document becomes, and which mistakes in it are told.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "base/json/json.h"
#include "ports/redis_settings.h"
#include "snapshot/compile/compile.h"
#include "snapshot/schema/redis_url.h"
#include "tests/io/authority.h"
#include "tests/snapshot/fake_filters.h"
#include "tests/snapshot/snapshot_summary.h"

namespace weir::snapshot {
namespace {

using namespace std::chrono_literals;
using Place = ports::RedisSettings::Place;

class CompileRedis : public testing::Test {
 protected:
  std::expected<std::shared_ptr<const Snapshot>, Problems> compiled(const std::string& redis) {
    const auto document = parse_json(R"({"listeners": [{"address": "127.0.0.1:0"}],
      "upstreams": [{"name": "a", "targets": [{"address": "127.0.0.1:1"}]}],
      "routes": [{"route_id": "a", "path_pattern": "/", "upstream_url": "http://a"}], "redis": )" +
                                     redis + "}");
    return compile(document.value(), {.filters = fake::table(), .base_dir = authority.folder().string()});
  }
  ports::RedisSettings settings(const std::string& redis) {
    const auto out = compiled(redis);
    EXPECT_TRUE(out) << summary(out);
    return out ? *(*out)->redis : ports::RedisSettings();
  }
  std::string problem(const std::string& redis) {
    const auto out = compiled(redis);
    EXPECT_FALSE(out) << redis;
    return out ? "" : describe(out.error().front(), "f");
  }
  io::Authority authority;
};

TEST_F(CompileRedis, AUrlIsOneServer) {
  const auto plain = settings(R"({"url": "redis://redis.internal"})");
  EXPECT_EQ(plain.kind, ports::RedisSettings::Kind::standalone);
  EXPECT_EQ(plain.places, (std::vector<Place>{{"redis.internal", 6379}}));
  EXPECT_EQ(plain.tls, nullptr);
  EXPECT_EQ(plain.command_timeout, 2ms);
  EXPECT_EQ(plain.connect_timeout, 500ms);
  EXPECT_EQ(settings(R"({"url": "redis://[::1]:7000/3"})").places, (std::vector<Place>{{"::1", 7000}}));
  EXPECT_EQ(settings(R"({"url": "redis://[::1]:7000/3"})").database, 3);
  EXPECT_EQ(settings(R"({"url": "unix:/run/redis.sock", "database": 4})").places,
            (std::vector<Place>{{"", 0, "/run/redis.sock"}}));
}

TEST_F(CompileRedis, TlsIsInTheScheme) {
  authority.issue("a", {.names = {"a.example"}});
  const auto secure =
      settings(R"({"url": "rediss://r", "tls": {"ca_file": "ca.crt", "server_name": "redis.example"}})");
  EXPECT_NE(secure.tls, nullptr);
  EXPECT_FALSE(secure.same_as(settings(R"({"url": "rediss://r", "tls": {"ca_file": "ca.crt"}})")));
  EXPECT_TRUE(secure.same_as(
      settings(R"({"url": "rediss://r", "tls": {"ca_file": "ca.crt", "server_name": "redis.example"}})")));
  EXPECT_NE(problem(R"({"url": "redis://r", "tls": {"ca_file": "ca.crt"}})").find("rediss://"), std::string::npos);
  EXPECT_NE(problem(R"({"url": "rediss://r", "tls": {"cert_file": "a.crt"}})").find("redis.tls.cert_file"),
            std::string::npos);
}

TEST_F(CompileRedis, SentinelsAndClusters) {
  const auto sentinel = settings(R"({"sentinel": {"master": "m", "addresses": ["a:26379", "10.0.0.1:26379"]}})");
  EXPECT_EQ(sentinel.kind, ports::RedisSettings::Kind::sentinel);
  EXPECT_EQ(sentinel.master_name, "m");
  EXPECT_EQ(sentinel.places, (std::vector<Place>{{"a", 26379}, {"10.0.0.1", 26379}}));
  const auto cluster = settings(R"({"cluster": {"addresses": ["a:7000"]}})");
  EXPECT_EQ(cluster.kind, ports::RedisSettings::Kind::cluster);
  EXPECT_NE(problem(R"({"cluster": {"addresses": ["a:7000"]}, "database": 1})").find("only database 0"),
            std::string::npos);
  EXPECT_NE(problem("{}").find("needs one of url, sentinel and cluster"), std::string::npos);
  EXPECT_NE(problem(R"({"url": "redis://a", "cluster": {"addresses": ["a:1"]}})").find("needs one of"),
            std::string::npos);
}

TEST_F(CompileRedis, PasswordsComeFromTheEnvironmentOrAFile) {
  ::setenv("WEIR_TEST_REDIS_PASSWORD", "from env", 1);
  ::unsetenv("WEIR_TEST_NOT_SET");
  std::ofstream(authority.folder() / "password") << "from file\n";
  EXPECT_EQ(settings(R"({"url": "redis://a", "username": "u", "password_env": "WEIR_TEST_REDIS_PASSWORD"})").password,
            "from env");
  const auto by_file = compiled(R"({"url": "redis://a", "password_file": "password"})");
  ASSERT_TRUE(by_file) << summary(by_file);
  EXPECT_EQ((*by_file)->redis->password, "from file");
  EXPECT_EQ((*by_file)->files.back(), (authority.folder() / "password").string()) << "it is watched";
  EXPECT_NE(problem(R"({"url": "redis://a", "password_env": "WEIR_TEST_NOT_SET"})").find("is not set"),
            std::string::npos);
  EXPECT_NE(problem(R"({"url": "redis://a", "password_file": "missing"})").find("cannot read"), std::string::npos);
  EXPECT_NE(problem(R"({"url": "redis://a", "username": "u"})").find("needs a password"), std::string::npos);
  EXPECT_EQ(settings(R"({"sentinel": {"master": "m", "addresses": ["a:1"], "password_file": "password"}})")
                .sentinel_password,
            "from file");
}

TEST(RedisUrl, RefusesWhatItDoesNotUnderstand) {
  for (const std::string_view text :
       {"", "http://a", "redis://", "redis://:6379", "redis://a:0", "redis://a:99999", "redis://a/x", "redis://a/-1",
        "redis://a/16384", "redis://u:p@a", "redis://a b", "unix:relative", "redis:/a", "redis://1.2.3"}) {
    std::string why;
    EXPECT_FALSE(parse_redis_url(text, why)) << text;
    EXPECT_FALSE(why.empty()) << text;
  }
}

}  // namespace
}  // namespace weir::snapshot
