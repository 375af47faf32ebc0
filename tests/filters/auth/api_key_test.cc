#include "identity/api_key.h"
#include "filters/auth/specs.h"

#include <gtest/gtest.h>

#include "ports/credential_store.h"
#include "tests/filters/made.h"

namespace weir::filters {
namespace {

using Outcome = ports::CredentialStore::Outcome;

const std::string kKey = identity::make_api_key("0123456789AB", "abcdefghijklmnopqrstuvwxyzABCDEF");

class FakeStore final : public ports::CredentialStore {
 public:
  Outcome outcome = Outcome::good;
  int asked = 0;
  Answer api_key(std::string_view id, std::string_view, std::int64_t now) override {
    ++asked;
    EXPECT_EQ(now, 1'772'323'199);
    Answer out;
    out.outcome = outcome;
    if (outcome == Outcome::good) out = {Outcome::good, id, consumer, "c-1", groups, scopes};
    return out;
  }
  // What the answer points into: overwritten by the test, as a swapped table would be.
  std::string consumer = "shop", group = "gold", scope = "a:read";
  std::array<std::string_view, 1> groups{group}, scopes{scope};
};

struct Asked {
  explicit Asked(std::string_view config = "{}") : filter(made(api_key_spec(), config)) {
    scene.lease.services.credentials = &store;
  }
  void run() { EXPECT_TRUE(passes(filter->on_request(scene.exchange))); }
  const pipeline::Authentication& auth() const { return scene.exchange.auth; }
  std::string_view failure() const { return info(scene.exchange.auth.failure.reason).word; }
  FakeStore store;
  const pipeline::Filter* filter;
  Scene scene;
};

TEST(ApiKeyFilter, WhatItEstablishesOutlivesTheTable) {
  Asked asked;
  asked.scene.header("X-API-Key", kKey);
  asked.run();
  asked.store.consumer = "XXXX";
  asked.store.group = "XXXX";
  asked.store.scope = "XXXXXX";
  const pipeline::Identity& caller = asked.auth().identity;
  EXPECT_EQ(caller.kind, pipeline::CredentialKind::api_key);
  EXPECT_EQ(caller.consumer, "shop");
  EXPECT_EQ(caller.custom_id, "c-1");
  EXPECT_EQ(caller.credential, "0123456789AB");
  EXPECT_EQ(caller.groups[0], "gold");
  EXPECT_EQ(caller.scopes[0], "a:read");
  EXPECT_EQ(asked.scene.request("X-API-Key"), "-") << "hidden";
}

TEST(ApiKeyFilter, NothingPresentedIsOnlyAChallenge) {
  Asked asked(R"({"realm": "the shop"})");
  asked.run();
  EXPECT_FALSE(asked.auth().identity.known());
  EXPECT_EQ(asked.failure(), "ok");
  ASSERT_EQ(asked.auth().challenges().size(), 1u);
  EXPECT_EQ(asked.auth().challenges()[0], "ApiKey realm=\"the shop\"");
  EXPECT_EQ(asked.store.asked, 0);
}

TEST(ApiKeyFilter, ABadFormAsksNobody) {
  for (const std::string_view bad : {"x", "weir_0123456789AB_abcdefghijklmnopqrstuvwxyzABCDEF_000000"}) {
    Asked asked;
    asked.scene.header("X-API-Key", bad);
    asked.run();
    EXPECT_EQ(asked.failure(), "invalid_credential");
    EXPECT_EQ(asked.store.asked, 0);
    EXPECT_EQ(asked.scene.request("X-API-Key"), "-") << "also a wrong key is not for the upstream";
  }
}

TEST(ApiKeyFilter, Outcomes) {
  for (const auto& [outcome, word] : {std::pair<Outcome, std::string_view>{Outcome::unknown, "invalid_credential"},
                                      {Outcome::wrong, "invalid_credential"},
                                      {Outcome::expired, "invalid_credential"},
                                      {Outcome::disabled, "invalid_credential"},
                                      {Outcome::revoked, "invalid_credential"},
                                      {Outcome::unavailable, "auth_unavailable"}}) {
    Asked asked;
    asked.store.outcome = outcome;
    asked.scene.header("X-API-Key", kKey);
    asked.run();
    EXPECT_FALSE(asked.auth().identity.known());
    EXPECT_EQ(asked.failure(), word);
  }
  Asked without;
  without.scene.lease.services.credentials = nullptr;
  without.scene.header("X-API-Key", kKey);
  without.run();
  EXPECT_EQ(without.failure(), "auth_unavailable") << "a gateway without a store";
}

TEST(ApiKeyFilter, Authorization) {
  static const std::string kBearer = "bearer  " + kKey, kScheme = "ApiKey " + kKey;
  for (const std::string& value : {kBearer, kScheme}) {
    Asked asked;
    asked.scene.header("Authorization", value);
    asked.run();
    EXPECT_TRUE(asked.auth().identity.known()) << value;
    EXPECT_EQ(asked.scene.request("Authorization"), "-");
  }
  Asked other;
  other.scene.header("Authorization", "Bearer another.token");
  other.run();
  EXPECT_EQ(other.failure(), "ok");
  EXPECT_EQ(other.scene.request("Authorization"), "Bearer another.token");
  Asked off(R"({"authorization": false, "hide_credentials": false})");
  off.scene.header("Authorization", kScheme);
  off.run();
  EXPECT_EQ(off.failure(), "ok");
  EXPECT_EQ(off.scene.request("Authorization"), kScheme);
}

TEST(ApiKeyFilter, TwoKeysAreOneTooMany) {
  static const std::string kScheme = "ApiKey " + kKey;
  Asked twice;
  twice.scene.header("X-API-Key", kKey).header("x-api-key", kKey);
  twice.run();
  EXPECT_EQ(twice.failure(), "invalid_credential");
  Asked both;
  both.scene.header("X-API-Key", kKey).header("Authorization", kScheme);
  both.run();
  EXPECT_EQ(both.failure(), "invalid_credential");
  Asked several;
  several.scene.header("Authorization", kScheme).header("Authorization", "Bearer x");
  several.run();
  EXPECT_EQ(several.failure(), "invalid_credential");
}

TEST(ApiKeyFilter, Mistakes) {
  EXPECT_EQ(mistakes(api_key_spec(), R"({"header": "Authorization"})").substr(0, 7), "header:");
  EXPECT_NE(mistakes(api_key_spec(), R"({"query_parameter": "q"})"), "");
  EXPECT_NE(mistakes(api_key_spec(), R"({"realm": "a\"b"})"), "");
}

}  // namespace
}  // namespace weir::filters
