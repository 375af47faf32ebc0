// Promise: a developer's object makes no gateway use what is another's: secrets, files, its own machine, groups,
// names.
#include "control/operators/developer.h"

#include "tests/control/desk.h"

namespace weir::control {
namespace {

using Is = Objection::Kind;

std::string introspection(std::string_view more) {
  return R"({"path_pattern": "/r2", "upstream_url": "http://192.0.2.9", "tags": ["team:shop"], "plugin_chain": [)" +
         std::string(more) + "]}";
}
std::string route(std::string_view more) {
  return R"({"path_pattern": "/r", "tags": ["team:shop"], )" + std::string(more) + "}";
}

// Put by a developer of the team shop.
bool fits(Desk& desk, Kind kind, std::string_view name, std::string_view body, AskKeyClaims keys = {}) {
  const Author author = developer("shop");
  Agreed<Changed> out;
  (void)transact(*desk.store, false, [&](StoreWriter& writer) -> Agreed<void> {
    out = Draft(writer, desk.rules, author, keys).put(kind, name, json(body), {Expected::Kind::any});
    if (!out) return std::unexpected(out.error());
    return {};
  });
  if (!out) EXPECT_EQ(out.error().kind, Is::forbidden) << out.error().message;
  return out.has_value();
}

TEST(Developer, WhatStandsBesideASecretOfOthersIsAsItWas) {
  Desk desk;
  const auto filter = [](std::string_view endpoint, std::string_view client, std::string_view secret) {
    return R"({"name": "oauth2_introspection", "config": {"endpoint": ")" + std::string(endpoint) +
           R"(", "client_id": ")" + std::string(client) + R"(", )" + std::string(secret) + "}}";
  };
  const std::string by_name = R"("client_secret_name": "idp")";
  const std::string good = filter("https://idp.example.com/", "weir", by_name);
  desk.set(Kind::secret, "idp", R"({"value": "top"})");
  desk.set(Kind::route, "r2", introspection(good));
  EXPECT_FALSE(fits(desk, Kind::route, "r2", introspection(filter("https://evil.example.com/", "weir", by_name))));
  EXPECT_FALSE(fits(desk, Kind::route, "r2", introspection(filter("https://idp.example.com/", "x", by_name))));
  EXPECT_FALSE(fits(desk, Kind::route, "r2", introspection(good + "," + good))) << "once, not twice";
  EXPECT_FALSE(fits(desk, Kind::route, "r3", introspection(good))) << "nor in another object";
  EXPECT_TRUE(fits(desk, Kind::route, "r2", introspection(R"("request_id", )" + good))) << "what is around it may";
  EXPECT_TRUE(fits(desk, Kind::route, "r2", introspection(R"("request_id")")));
  EXPECT_FALSE(fits(desk, Kind::route, "r2", introspection(good))) << "it is gone";

  for (const std::string secret : {R"("client_secret_env": "IDP")", R"("client_secret_file": "idp.txt")"}) {
    desk.set(Kind::route, "r2", introspection(filter("https://idp.example.com/", "weir", secret)));
    EXPECT_FALSE(fits(desk, Kind::route, "r2", introspection(filter("https://evil.example.com/", "weir", secret))));
  }
}

TEST(Developer, TheTlsOfAnUpstreamWithFilesIsAsItWas) {
  Desk desk;
  const auto upstream = [](std::string_view tls, std::string_view target) {
    return R"({"tags": ["team:shop"], "tls": )" + std::string(tls) + R"(, "targets": [{"address": ")" +
           std::string(target) + R"("}]})";
  };
  desk.set(Kind::upstream, "u", upstream(R"({"ca_file": "ca.pem", "server_name": "a.example.com"})", "192.0.2.1:1"));
  EXPECT_TRUE(fits(desk, Kind::upstream, "u",
                   upstream(R"({"server_name": "a.example.com", "ca_file": "ca.pem"})", "192.0.2.2:1")));
  EXPECT_FALSE(fits(desk, Kind::upstream, "u",
                    upstream(R"({"ca_file": "ca.pem", "server_name": "b.example.com"})", "192.0.2.2:1")));
}

TEST(Developer, TheGatewaysOwnMachineIsThePlatforms) {
  for (const std::string_view own : {"unix:/run/docker.sock",
                                     "127.0.0.1:9081",
                                     "127.8.8.8:1",
                                     "[::1]:80",
                                     "[::ffff:127.0.0.1]:80",
                                     "0.0.0.0:80",
                                     "[::]:80",
                                     "[::127.0.0.1]:80",
                                     "[64:ff9b::a9fe:a9fe]:80",
                                     "169.254.169.254:80",
                                     "[fe80::1]:80",
                                     "localhost:80",
                                     "LocalHost.:80",
                                     "a.localhost:80",
                                     "localhost.localdomain:80",
                                     "ip6-loopback:80",
                                     "0x7f000001:80",
                                     "http://127.0.0.1",
                                     "https://localhost/a:b@c",
                                     "http://[::1]:80/x",
                                     "http://169.254.169.254/latest?x#y"})
    EXPECT_TRUE(is_own_machine(own)) << own;
  for (const std::string_view other :
       {"10.0.0.1:80", "[2001:db8::1]:80", "localhosts:80", "mylocalhost:80", "local.host:80", "http://orders",
        "http://orders/127.0.0.1", "http://169.253.0.1", "[fec0::1]:80", "[64:ff9b::a00:1]:80"})
    EXPECT_FALSE(is_own_machine(other)) << other;

  Desk desk;
  const auto target = [](std::string_view address) {
    return R"({"tags": ["team:shop"], "targets": [{"address": ")" + std::string(address) + R"("}]})";
  };
  EXPECT_FALSE(fits(desk, Kind::upstream, "u", target("unix:/run/docker.sock")));
  EXPECT_FALSE(fits(desk, Kind::upstream, "u", target("127.0.0.1:9081")));
  EXPECT_TRUE(fits(desk, Kind::upstream, "u", target("10.0.0.1:9081")));
  EXPECT_FALSE(fits(desk, Kind::upstream, "u", target("localhost:9081")));
  EXPECT_FALSE(fits(desk, Kind::route, "r", route(R"("upstream_url": "http://127.0.0.1:9081")")));
  EXPECT_FALSE(
      fits(desk, Kind::route, "r",
           route(R"("upstream_url": "http://u", "canary_upstream_url": "http://[::1]", "canary_weight": 1)")));
  EXPECT_FALSE(
      fits(desk, Kind::route, "r", route(R"("upstream_url": "http://u", "plugin_chain": [{"name": "forward_auth",
                             "config": {"uri": "http://169.254.169.254/"}}])")));
  // What the platform gave stays, and nothing more of it.
  desk.set(Kind::route, "r", route(R"("upstream_url": "http://127.0.0.1:9081/a")"));
  EXPECT_TRUE(fits(desk, Kind::route, "r", route(R"("upstream_url": "http://127.0.0.1:9081/a", "priority": 3)")));
  EXPECT_FALSE(fits(desk, Kind::route, "r", route(R"("upstream_url": "http://127.0.0.1:9081/b")")));
}

TEST(Developer, ABlockingRuleIsNotPassedByATag) {
  Desk desk;
  desk.rules.lint["no_auth"] = Severity::block;
  const std::string free = R"({"path_pattern": "/a", "upstream_url": "http://192.0.2.9", "tags": ["team:shop"]})";
  const std::string tagged =
      R"({"path_pattern": "/a", "upstream_url": "http://192.0.2.9", "tags": ["team:shop", "lint-ignore:no_auth"]})";
  EXPECT_FALSE(fits(desk, Kind::route, "a", tagged));
  EXPECT_TRUE(fits(desk, Kind::route, "a", free));
  EXPECT_FALSE(fits(desk, Kind::route, "a", tagged));
  desk.set(Kind::route, "a", tagged);
  EXPECT_FALSE(fits(desk, Kind::route, "a", free)) << "nor is the platform's taken away";
  desk.rules.lint["no_auth"] = Severity::warn;
  EXPECT_TRUE(fits(desk, Kind::route, "a", free));
  EXPECT_TRUE(fits(desk, Kind::route, "a", tagged)) << "what only warns is theirs to say";
}

TEST(Developer, MembershipIsOfGroupsOfTheTeam) {
  Desk desk;
  desk.set(Kind::group, "vip", R"({"tags": ["team:pay"]})");
  desk.set(Kind::group, "buyers", R"({"tags": ["team:shop"]})");
  const auto consumer = [](std::string_view groups) {
    return R"({"tags": ["team:shop"], "groups": )" + std::string(groups) + "}";
  };
  EXPECT_FALSE(fits(desk, Kind::consumer, "c", consumer(R"(["vip"])")));
  EXPECT_FALSE(fits(desk, Kind::consumer, "c", consumer(R"(["nobodys"])")));
  EXPECT_TRUE(fits(desk, Kind::consumer, "c", consumer(R"(["buyers"])")));
  desk.set(Kind::consumer, "c", consumer(R"(["vip"])"));
  EXPECT_TRUE(fits(desk, Kind::consumer, "c", consumer(R"(["buyers", "vip"])"))) << "what the platform gave stays";
}

TEST(Developer, ANameThatMeansSomethingElsewhereIsNotTaken) {
  Desk desk;
  const std::string ours = R"({"tags": ["team:shop"]})";
  desk.set(Kind::route, "pay", R"({"path_pattern": "/pay", "upstream_url": "http://idp.example.com:8080/x",
      "plugin_chain": [{"name": "require_identity", "config": {"groups": {"allow": ["payments-admins"]},
                                                               "consumers": {"allow": ["legacy"]}}}]})");
  desk.set(Kind::consumer, "old", R"({"groups": ["claimed"], "custom_id": "77", "tags": ["team:shop"]})");
  EXPECT_FALSE(fits(desk, Kind::group, "payments-admins", ours)) << "a route lets it in";
  EXPECT_FALSE(fits(desk, Kind::group, "claimed", ours)) << "a consumer has it";
  EXPECT_FALSE(fits(desk, Kind::consumer, "legacy", ours)) << "a route lets it in";
  EXPECT_FALSE(fits(desk, Kind::upstream, "idp.example.com",
                    R"({"tags": ["team:shop"], "targets": [{"address": "192.0.2.1:1"}]})"))
      << "it would get the route's requests";
  EXPECT_FALSE(fits(desk, Kind::consumer, "new", R"({"tags": ["team:shop"], "custom_id": "77"})"));

  const AskKeyClaims keys = [] { return Agreed<KeyClaims>(KeyClaims{{"keyed"}, {"granted"}, {"88"}}); };
  EXPECT_FALSE(fits(desk, Kind::consumer, "keyed", ours, keys));
  EXPECT_FALSE(fits(desk, Kind::group, "granted", ours, keys));
  EXPECT_FALSE(fits(desk, Kind::consumer, "new", R"({"tags": ["team:shop"], "custom_id": "88"})", keys));
  EXPECT_TRUE(fits(desk, Kind::consumer, "new", R"({"tags": ["team:shop"], "custom_id": "99"})", keys));
  EXPECT_TRUE(fits(desk, Kind::group, "fresh", ours, keys));
  // There already and theirs: made anew in nobody's eyes.
  desk.set(Kind::consumer, "keyed", ours);
  EXPECT_TRUE(fits(desk, Kind::consumer, "keyed", R"({"tags": ["team:shop", "x"]})", keys));
}

TEST(Developer, FiltersOfAGroupAreThePlatforms) {
  Desk desk;
  const std::string with =
      R"({"tags": ["team:shop"], "plugin_chain": [{"name": "body_limit", "config": {"max": "1MiB"}}]})";
  EXPECT_FALSE(fits(desk, Kind::group, "g", with));
  EXPECT_TRUE(fits(desk, Kind::group, "g", R"({"tags": ["team:shop"]})"));
  EXPECT_FALSE(fits(desk, Kind::group, "g", with));
  const auto attached = desk.change(developer("shop"), [&](Draft& draft) {
    return draft.attach(Kind::group, "g", "body_limit", json(R"({"max": "1MiB"})"));
  });
  EXPECT_EQ(kind_of_objection(attached), Is::forbidden);
  desk.set(Kind::group, "g", with);
  EXPECT_FALSE(fits(desk, Kind::group, "g", R"({"tags": ["team:shop"]})"));
  const auto removed = desk.change(
      developer("shop"), [](Draft& draft) { return draft.remove(Kind::group, "g", {Expected::Kind::any}); });
  EXPECT_EQ(kind_of_objection(removed), Is::forbidden);
}

TEST(Developer, FiltersOfAConsumerAreThePlatforms) {
  Desk desk;
  // It would stand in place of the limits of every team's routes.
  const std::string with = R"({"tags": ["team:shop"], "plugin_chain": [{"name": "rate_limit", "disabled": true}]})";
  EXPECT_FALSE(fits(desk, Kind::consumer, "c", with));
  EXPECT_TRUE(fits(desk, Kind::consumer, "c", R"({"tags": ["team:shop"]})"));
  const auto attached = desk.change(developer("shop"), [&](Draft& draft) {
    return draft.attach(Kind::consumer, "c", "body_limit", json(R"({"max": "1GiB"})"));
  });
  EXPECT_EQ(kind_of_objection(attached), Is::forbidden);
  desk.set(Kind::consumer, "c", with);
  EXPECT_FALSE(fits(desk, Kind::consumer, "c", R"({"tags": ["team:shop"]})")) << "nor taken away";
  EXPECT_TRUE(fits(desk, Kind::consumer, "c",
                   R"({"tags": ["team:shop", "x"], "plugin_chain": [{"name": "rate_limit", "disabled": true}]})"));
}

TEST(Developer, WhoseTokensAndCertificatesAConsumerTakesIsThePlatforms) {
  Desk desk;
  const auto consumer = [](std::string_view credentials) {
    return R"({"tags": ["team:shop"], "credentials": )" + std::string(credentials) + "}";
  };
  // Every token of the issuer that nobody else names; all that is anybody's becomes theirs.
  const std::string all = consumer(R"({"jwt": [{"issuer": "https://id.example"}]})");
  EXPECT_FALSE(fits(desk, Kind::consumer, "c", all));
  EXPECT_FALSE(fits(desk, Kind::consumer, "c", consumer(R"({"mtls": [{"san": "dns:pay.example"}]})")));
  EXPECT_TRUE(fits(desk, Kind::consumer, "c", consumer("{}")));
  desk.set(Kind::consumer, "c", consumer(R"({"jwt": [{"issuer": "https://id.example", "subject": "shop"}]})"));
  EXPECT_FALSE(fits(desk, Kind::consumer, "c", all));
  EXPECT_TRUE(fits(desk, Kind::consumer, "c",
                   R"({"tags": ["team:shop", "x"], "credentials": {"jwt": [{"issuer": "https://id.example",
                                                                            "subject": "shop"}]}})"))
      << "what the platform gave stays";
}

TEST(Developer, InABatchTheSameHolds) {
  Desk desk;
  desk.set(Kind::group, "vip", R"({"tags": ["team:pay"]})");
  std::vector<Operation> many;
  many.push_back({.kind = Kind::group, .name = "ours", .body = json(R"({"tags": ["team:shop"]})")});
  for (int i = 0; i < 60; ++i)
    many.push_back({.kind = Kind::consumer,
                    .name = "c" + std::to_string(i),
                    .body = json(R"({"tags": ["team:shop"], "groups": ["ours"]})")});
  const auto good = desk.change(developer("shop"), [&](Draft& draft) { return draft.batch(many, false); });
  EXPECT_TRUE(good) << good.error().message;
  many.push_back(
      {.kind = Kind::consumer, .name = "last", .body = json(R"({"tags": ["team:shop"], "groups": ["vip"]})")});
  const auto bad = desk.change(developer("shop"), [&](Draft& draft) { return draft.batch(many, false); });
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().kind, Is::forbidden);
}

}  // namespace
}  // namespace weir::control
