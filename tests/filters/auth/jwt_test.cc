#include <time.h>

#include <map>

#include "crypto/digest.h"
#include "filters/auth/specs.h"
#include "filters/tokens/verified_tokens.h"
#include "identity/consumer_book.h"
#include "pipeline/key_source.h"
#include "ports/key_sets.h"
#include "ports/revocations.h"
#include "ports/token_cache.h"
#include "tests/filters/made.h"
#include "tests/jose/signer.h"

namespace weir::filters {
namespace {

using jose::Algorithm;
using jose::Signer;

class JwtContext final : public pipeline::MakeContext {
 public:
  std::expected<pipeline::Endpoint, std::string> endpoint(std::string_view) override {
    return std::unexpected(std::string("no services here"));
  }
  std::expected<std::string, std::string> file(std::string_view path) override {
    const auto at = files.find(std::string(path));
    if (at == files.end()) return std::unexpected(std::string("no such file"));
    return at->second;
  }
  const identity::ConsumerBook* consumers() override { return book; }
  std::expected<std::uint64_t, std::string> key_source(pipeline::KeySourceSpec) override { return 7; }
  void warn(std::string sentence) override { warnings.push_back(std::move(sentence)); }

  std::map<std::string, std::string> files;
  const identity::ConsumerBook* book = nullptr;
  std::vector<std::string> warnings;
};

class FakeKeySets final : public ports::KeySets {
 public:
  const jose::KeySet* find(std::uint64_t source) const noexcept override {
    return source == 7 ? keys.get() : nullptr;
  }
  bool ask(std::uint64_t) override {
    ++asked;
    return fetching;
  }
  io::Task<void> renewed(std::uint64_t, io::TimePoint) override {
    if (next) keys = next;
    co_return;
  }
  std::shared_ptr<const jose::KeySet> keys, next;
  bool fetching = true;
  int asked = 0;
};

class FakeTokenCache final : public ports::TokenCache {
 public:
  bool available() const noexcept override { return up; }
  io::Task<std::optional<std::string>> get(std::string_view key) override {
    ++gets;
    const auto at = entries.find(std::string(key));
    co_return at == entries.end() ? std::nullopt : std::optional(at->second);
  }
  void put(std::string_view key, std::string_view value, std::chrono::seconds kept) override {
    entries[std::string(key)] = value;
    ttl = kept;
  }
  bool up = true;
  int gets = 0;
  std::map<std::string, std::string> entries;
  std::chrono::seconds ttl{};
};

class FakeRevocations final : public ports::Revocations {
 public:
  std::uint64_t version() const noexcept override { return number; }
  bool revoked(const Token& token) const noexcept override { return token.id == id || token.subject == subject; }
  std::uint64_t number = 1;
  std::string id = "-", subject = "-";
};

// What all requests of a test share: a worker.
struct World {
  pipeline::Kept kept;
  FakeKeySets keys;
  FakeRevocations revocations;
  FakeTokenCache* shared = nullptr;
  JwtContext context;
  std::vector<std::unique_ptr<pipeline::Filter>> filters;

  World() { context.files["keys.json"] = "{\"keys\":[" + jose::rsa().jwk(R"("kid":"k")") + "]}"; }

  const pipeline::Filter* filter(std::string_view config) {
    const auto json = parse_json(config);
    EXPECT_TRUE(json.has_value());
    for (const Problem& problem : check(*json, jwt_spec().schema())) ADD_FAILURE() << describe(problem, "config");
    auto out = jwt_spec().make(*json, context);
    if (!out) {
      ADD_FAILURE() << describe(out.error()[0], "config");
      std::abort();
    }
    filters.push_back(std::move(*out));
    return filters.back().get();
  }
  std::string mistakes(std::string_view config) {
    const auto json = parse_json(config);
    Problems problems = json ? check(*json, jwt_spec().schema()) : Problems{json.error()};
    if (problems.empty()) {
      auto out = jwt_spec().make(*json, context);
      if (!out) problems = out.error();
    }
    std::string text;
    for (const Problem& problem : problems) text += problem.path + ": " + problem.message + "\n";
    return text;
  }
  void lend(Scene& scene) {
    scene.lease.services = {.key_sets = &keys, .tokens = shared, .revocations = &revocations, .kept = &kept};
    scene.matched().exchange.wall_started_us = 1'800'000'000'000'000;
  }
};

// As gateway/run does: on_request, and wait if that says so. True: it had to wait.
bool run(const pipeline::Filter* filter, Scene& scene) {
  pipeline::Verdict verdict = filter->on_request(scene.exchange);
  const bool waited = verdict.kind == pipeline::Verdict::Kind::wait;
  if (waited) {
    struct Runner {
      static io::Task<void> run(const pipeline::Filter* filter, Scene* scene, pipeline::Verdict* out) {
        *out = co_await filter->wait(scene->exchange);
      }
    };
    io::TaskGroup group;
    group.spawn(Runner::run(filter, &scene, &verdict));
    for (int i = 0; i < 100 && group.running() != 0; ++i) scene.loop.turn(std::chrono::milliseconds(10));
  }
  EXPECT_TRUE(passes(verdict));
  return waited;
}

std::string_view challenge(const Scene& scene, std::size_t index = 0) {
  const auto all = scene.exchange.auth.challenges();
  return index < all.size() ? all[index] : std::string_view();
}
std::string_view refused(const Scene& scene) { return info(scene.exchange.auth.failure.reason).word; }

std::string token(const std::string& more = {}, const Signer& signer = jose::rsa(), const std::string& kid = "k") {
  return signer.token(Algorithm::rs256, R"({"alg":"RS256","kid":")" + kid + "\"}",
                      R"({"iss":"https://id","aud":"api","sub":"u-1","jti":"t-1","exp":1800000600)" + more + "}");
}
constexpr std::string_view kFile =
    R"({"issuers":[{"issuer":"https://id","audiences":["api"],"jwks_file":"keys.json"}]})";
constexpr std::string_view kFetched = R"({"issuers":[{"issuer":"https://id","audiences":["api"],"discovery":true}]})";

TEST(Jwt, EstablishesWhoCalls) {
  World world;
  Scene scene;
  world.lend(scene);
  const std::string bearer = "Bearer " + token(R"(,"scope":"read write","groups":["g1","g2"])");
  scene.header("Authorization", bearer).header("Accept", "*/*");
  EXPECT_FALSE(run(world.filter(kFile), scene));
  const pipeline::Identity& who = scene.exchange.auth.identity;
  EXPECT_EQ(who.kind, pipeline::CredentialKind::jwt);
  EXPECT_EQ(who.consumer, "u-1");
  EXPECT_EQ(who.user, "u-1");
  EXPECT_EQ(who.credential, "t-1");
  ASSERT_EQ(who.scopes.size(), 2u);
  EXPECT_EQ(who.scopes[1], "write");
  ASSERT_EQ(who.groups.size(), 2u);
  EXPECT_EQ(who.groups[0], "g1");
  EXPECT_EQ(scene.request("Authorization"), "-");  // not forwarded
  EXPECT_EQ(scene.request("Accept"), "*/*");
}

TEST(Jwt, WithoutATokenItSaysWhatItWouldTake) {
  World world;
  const pipeline::Filter* filter = world.filter(kFile);
  for (const char* value : {"", "Basic YTpi", "Bearers x"}) {
    Scene scene;
    world.lend(scene);
    if (*value != '\0') scene.header("Authorization", value);
    run(filter, scene);
    EXPECT_FALSE(scene.exchange.auth.identity.known());
    EXPECT_EQ(scene.exchange.auth.failure.reason, Reason::ok);
    EXPECT_EQ(challenge(scene), "Bearer realm=\"weir\"");
    EXPECT_EQ(scene.request("Authorization"), *value != '\0' ? value : "-");
  }
}

TEST(Jwt, BadTokensAreToldWhy) {
  World world;
  const pipeline::Filter* filter = world.filter(kFile);
  struct Case {
    std::string token;
    std::string_view why;
  };
  const std::string expired = jose::rsa().token(Algorithm::rs256, R"({"alg":"RS256","kid":"k"})",
                                                R"({"iss":"https://id","aud":"api","sub":"u","exp":1})");
  const std::string other = jose::rsa().token(Algorithm::rs256, R"({"alg":"RS256","kid":"k"})",
                                              R"({"iss":"https://evil","aud":"api","sub":"u","exp":1800000600})");
  const std::string nobody = jose::rsa().token(Algorithm::rs256, R"({"alg":"RS256","kid":"k"})",
                                               R"({"iss":"https://id","aud":"api","exp":1800000600})");
  for (const Case& each :
       {Case{token({}, jose::other_rsa()), "the token's signature does not hold"},
        Case{expired, "the token has expired"}, Case{other, "the token is from an issuer that is not accepted here"},
        Case{nobody, "no claim of the token says who calls, or its groups are too many"},
        Case{token({}, jose::rsa(), "other"), "the token names a key that its issuer does not have"},
        Case{"abc", "the token is not three parts with a dot between"}}) {
    Scene scene;
    world.lend(scene);
    const std::string bearer = "Bearer " + each.token;
    scene.header("Authorization", bearer);
    run(filter, scene);
    EXPECT_FALSE(scene.exchange.auth.identity.known()) << each.why;
    EXPECT_EQ(refused(scene), "invalid_credential");
    EXPECT_EQ(scene.exchange.auth.failure.detail, each.why);
    EXPECT_EQ(challenge(scene),
              "Bearer realm=\"weir\", error=\"invalid_token\", error_description=\"" + std::string(each.why) + "\"");
  }
}

// The group that is left out might be one that is denied (attacks C2).
TEST(Jwt, GroupsAreAllKeptOrNobodyIsKnown) {
  World world;
  const pipeline::Filter* filter = world.filter(kFile);
  std::string groups = "\"g\"";
  for (int i = 1; i < 256; ++i) groups += ",\"g\"";
  const std::string longest = "\"" + std::string(513, 'g') + "\"";
  const auto known = [&](const std::string& list) {
    Scene scene;
    world.lend(scene);
    const std::string bearer = "Bearer " + token(",\"groups\":[" + list + "]");
    scene.header("Authorization", bearer);
    run(filter, scene);
    return scene.exchange.auth.identity.known();
  };
  EXPECT_TRUE(known(groups));
  EXPECT_FALSE(known(groups + ",\"banned\""));
  EXPECT_FALSE(known("\"g\"," + longest));
}

TEST(Jwt, TwoTokensAreNone) {  // attacks C2
  World world;
  Scene scene;
  world.lend(scene);
  const std::string bearer = "Bearer " + token();
  scene.header("Authorization", bearer).header("Authorization", "Bearer x.y.z");
  run(world.filter(kFile), scene);
  EXPECT_FALSE(scene.exchange.auth.identity.known());
  EXPECT_TRUE(challenge(scene).contains("error=\"invalid_request\""));
}

TEST(Jwt, OtherPlaces) {
  World world;
  const pipeline::Filter* filter = world.filter(
      R"({"header":"X-Token","cookie":"sid","query_parameter":"access_token","issuers":[{"issuer":"https://id",
          "audiences":["api"],"jwks_file":"keys.json"}]})");
  const std::string text = token();
  const std::string cookie = "a=1; sid=" + text + "; b=2", query = "x=1&access_token=" + text + "&y=2";
  {
    Scene scene;
    world.lend(scene);
    scene.header("X-Token", text);
    run(filter, scene);
    EXPECT_TRUE(scene.exchange.auth.identity.known());
    EXPECT_EQ(scene.request("X-Token"), "-");
  }
  {
    Scene scene;
    world.lend(scene);
    scene.header("Cookie", cookie).header("Accept", "x");
    run(filter, scene);
    EXPECT_TRUE(scene.exchange.auth.identity.known());
    EXPECT_EQ(scene.request("Cookie"), "a=1; b=2");
    EXPECT_EQ(scene.request("Accept"), "x");
  }
  {
    Scene scene("GET", "/", query.c_str());
    world.lend(scene);
    run(filter, scene);
    EXPECT_TRUE(scene.exchange.auth.identity.known());
    EXPECT_EQ(scene.exchange.upstream_query, "x=1&y=2");
  }
  {
    Scene scene("GET", "/", query.c_str());
    world.lend(scene);
    scene.header("X-Token", text);
    run(filter, scene);
    EXPECT_FALSE(scene.exchange.auth.identity.known());  // twice
  }
}

TEST(Jwt, AVerifiedTokenIsFoundAgain) {
  World world;
  const pipeline::Filter* filter = world.filter(kFile);
  const std::string bearer = "Bearer " + token(R"(,"scope":"a b")");
  for (int i = 0; i < 3; ++i) {
    Scene scene;
    world.lend(scene);
    scene.header("Authorization", bearer);
    run(filter, scene);
    EXPECT_EQ(scene.exchange.auth.identity.consumer, "u-1");
    EXPECT_EQ(scene.exchange.auth.identity.scopes.size(), 2u);
    EXPECT_EQ(world.kept.of<VerifiedTokens>("jwt", {}).size(), 1u);
  }
  // Its time is looked at each time.
  Scene late;
  world.lend(late);
  late.exchange.wall_started_us = 1'800'000'700'000'000;
  late.header("Authorization", bearer);
  run(filter, late);
  EXPECT_FALSE(late.exchange.auth.identity.known());
  EXPECT_EQ(late.exchange.auth.failure.detail, "the token has expired");
  EXPECT_EQ(world.kept.of<VerifiedTokens>("jwt", {}).size(), 0u);
}

TEST(Jwt, WhatOneFilterAcceptedIsNotAnotherS) {
  World world;
  const std::string bearer = "Bearer " + token();
  Scene first, second;
  world.lend(first);
  world.lend(second);
  first.header("Authorization", bearer);
  second.header("Authorization", bearer);
  run(world.filter(kFile), first);
  EXPECT_TRUE(first.exchange.auth.identity.known());
  run(world.filter(R"({"issuers":[{"issuer":"https://id","audiences":["other"],"jwks_file":"keys.json"}]})"), second);
  EXPECT_FALSE(second.exchange.auth.identity.known());
  EXPECT_EQ(second.exchange.auth.failure.detail, "the token is for somebody else");
}

TEST(Jwt, RevocationReachesCachedTokens) {
  World world;
  const pipeline::Filter* filter = world.filter(kFile);
  const std::string bearer = "Bearer " + token();
  const auto known = [&] {
    Scene scene;
    world.lend(scene);
    scene.header("Authorization", bearer);
    run(filter, scene);
    if (!scene.exchange.auth.identity.known()) EXPECT_EQ(scene.exchange.auth.failure.detail, "the token is revoked");
    return scene.exchange.auth.identity.known();
  };
  EXPECT_TRUE(known());
  world.revocations.number = 2;
  EXPECT_TRUE(known());
  world.revocations.id = "t-1";
  world.revocations.number = 3;
  EXPECT_FALSE(known());
  EXPECT_FALSE(known());
  world.revocations.id = "-";
  world.revocations.subject = "u-1";
  EXPECT_FALSE(known());
}

TEST(Jwt, ClaimHeaders) {
  World world;
  const pipeline::Filter* filter = world.filter(
      R"({"claim_headers":{"X-Email":"email","X-Level":"level","X-Admin":"admin","X-Role":"/realm/roles/0","X-List":"list",
          "X-Nasty":"nasty","X-Long":"long"},
          "issuers":[{"issuer":"https://id","audiences":["api"],"jwks_file":"keys.json"}]})");
  const std::string bearer =
      "Bearer " + token(R"(,"email":"a@b.c","level":3,"admin":true,"realm":{"roles":["boss"]},"list":["x"],
                        "nasty":"a\r\nX-Admin: yes","long":")" +
                        std::string(2000, 'x') + "\"");
  for (int i = 0; i < 2; ++i) {  // verified, then cached
    Scene scene;
    world.lend(scene);
    scene.header("Authorization", bearer).header("X-Email", "forged").header("X-LIST", "forged");
    run(filter, scene);
    EXPECT_EQ(scene.request("X-Email"), "a@b.c");
    EXPECT_EQ(scene.request("X-Level"), "3");
    EXPECT_EQ(scene.request("X-Admin"), "true");
    EXPECT_EQ(scene.request("X-Role"), "boss");
    for (const char* left_out : {"X-List", "X-Nasty", "X-Long"}) EXPECT_EQ(scene.request(left_out), "-") << left_out;
  }
  Scene anonymous;  // attacks C3: also where nobody is established
  world.lend(anonymous);
  anonymous.header("X-Email", "forged");
  run(filter, anonymous);
  EXPECT_EQ(anonymous.request("X-Email"), "-");
}

TEST(Jwt, RequiredScopes) {
  World world;
  const pipeline::Filter* filter = world.filter(
      R"({"issuers":[{"issuer":"https://id","audiences":["api"],"jwks_file":"keys.json","required_scopes":["read","write"]}]})");
  const std::string few = "Bearer " + token(R"(,"scope":"read")"),
                    all = "Bearer " + token(R"(,"scp":["write","read"])");
  Scene first, second;
  world.lend(first);
  world.lend(second);
  first.header("Authorization", few);
  second.header("Authorization", all);
  run(filter, first);
  EXPECT_EQ(refused(first), "insufficient_scope");
  EXPECT_TRUE(challenge(first).ends_with("scope=\"write\""));
  run(filter, second);
  EXPECT_TRUE(second.exchange.auth.identity.known());
}

TEST(Jwt, ConsumersOfTheConfig) {
  World world;
  identity::ConsumerBook book;
  identity::ConsumerBookMaker maker(book);
  identity::Consumer* shop = maker.consumer("shop", "c-9");
  maker.group(*shop, "gold");
  maker.token(*shop, "https://id", "u-1");
  world.context.book = &book;
  const pipeline::Filter* filter = world.filter(kFile);
  const std::string bearer = "Bearer " + token(R"(,"groups":["g1"])");
  for (int i = 0; i < 2; ++i) {
    Scene scene;
    world.lend(scene);
    scene.header("Authorization", bearer);
    run(filter, scene);
    EXPECT_EQ(scene.exchange.auth.identity.consumer, "shop");
    EXPECT_EQ(scene.exchange.auth.identity.custom_id, "c-9");
    EXPECT_EQ(scene.exchange.auth.identity.user, "u-1");
    ASSERT_EQ(scene.exchange.auth.identity.groups.size(), 2u);
    EXPECT_EQ(scene.exchange.auth.identity.groups[1], "gold");
  }
}

TEST(Jwt, KeysThatAreFetched) {
  World world;
  const pipeline::Filter* filter = world.filter(kFetched);
  const std::string bearer = "Bearer " + token();
  const auto ask = [&](Scene& scene) {
    world.lend(scene);
    scene.header("Authorization", bearer);
    return run(filter, scene);
  };
  Scene none;  // never fetched, and nothing under way
  world.keys.fetching = false;
  EXPECT_FALSE(ask(none));
  EXPECT_EQ(refused(none), "auth_unavailable");
  Scene failed;  // a fetch that brings nothing
  world.keys.fetching = true;
  EXPECT_TRUE(ask(failed));
  EXPECT_EQ(refused(failed), "auth_unavailable");
  Scene waited;  // the first keys come
  world.keys.next = *jose::KeySet::parse(world.context.files["keys.json"], {});
  EXPECT_TRUE(ask(waited));
  EXPECT_EQ(waited.exchange.auth.identity.consumer, "u-1");
  EXPECT_EQ(waited.request("Authorization"), "-");
  Scene cached;
  EXPECT_FALSE(ask(cached));
  EXPECT_TRUE(cached.exchange.auth.identity.known());
  Scene after;  // other keys: what the old ones said is forgotten
  world.keys.keys = *jose::KeySet::parse("{\"keys\":[" + jose::other_rsa().jwk(R"("kid":"k")") + "]}", {});
  EXPECT_FALSE(ask(after));
  EXPECT_EQ(after.exchange.auth.failure.detail, "the token's signature does not hold");
}

TEST(Jwt, AnUnknownKidIsAskedFor) {
  World world;
  const pipeline::Filter* filter = world.filter(kFetched);
  world.keys.keys = *jose::KeySet::parse(world.context.files["keys.json"], {});
  const std::string bearer = "Bearer " + token({}, jose::other_rsa(), "new");
  Scene scene;
  world.lend(scene);
  scene.header("Authorization", bearer);
  EXPECT_TRUE(run(filter, scene));
  EXPECT_GE(world.keys.asked, 1);
  EXPECT_EQ(scene.exchange.auth.failure.detail, "the token names a key that its issuer does not have");
  world.keys.next = *jose::KeySet::parse("{\"keys\":[" + jose::other_rsa().jwk(R"("kid":"new")") + "]}", {});
  Scene rotated;
  world.lend(rotated);
  rotated.header("Authorization", bearer);
  EXPECT_TRUE(run(filter, rotated));
  EXPECT_TRUE(rotated.exchange.auth.identity.known());
}

TEST(Jwt, ASharedCacheSparesTheSignature) {
  World world, other;
  FakeTokenCache shared;
  world.shared = other.shared = &shared;
  const std::string bearer = "Bearer " + token(R"(,"scope":"a")");
  Scene first;
  world.lend(first);
  first.header("Authorization", bearer);
  EXPECT_TRUE(run(world.filter(kFile), first));
  ASSERT_EQ(shared.entries.size(), 1u);
  EXPECT_EQ(shared.ttl, std::chrono::seconds(300));
  Scene second;
  other.lend(second);
  second.header("Authorization", bearer);
  EXPECT_TRUE(run(other.filter(kFile), second));
  EXPECT_EQ(second.exchange.auth.identity.consumer, "u-1");
  EXPECT_EQ(second.exchange.auth.identity.scopes.size(), 1u);
  Scene third;  // now in its own
  other.lend(third);
  third.header("Authorization", bearer);
  EXPECT_FALSE(run(other.filters[0].get(), third));
  EXPECT_EQ(shared.gets, 2);
  // Nonsense there is the same as nothing; and while it is away nobody waits.
  World last;
  last.shared = &shared;
  for (auto& [key, value] : shared.entries) value = "nonsense";
  Scene fourth;
  last.lend(fourth);
  fourth.header("Authorization", bearer);
  run(last.filter(kFile), fourth);
  EXPECT_TRUE(fourth.exchange.auth.identity.known());
  World away;
  away.shared = &shared;
  shared.up = false;
  Scene fifth;
  away.lend(fifth);
  fifth.header("Authorization", bearer);
  EXPECT_FALSE(run(away.filter(kFile), fifth));
  EXPECT_TRUE(fifth.exchange.auth.identity.known());
}

TEST(Jwt, ConfigsThatAreRefused) {
  World world;
  const auto issuer = [&](const std::string& more) {
    return world.mistakes(R"({"issuers":[{"issuer":"https://id","audiences":["api"])" + more + "}]}");
  };
  EXPECT_EQ(issuer(R"(,"jwks_file":"keys.json")"), "");
  EXPECT_TRUE(issuer("").starts_with("issuers[0].issuer: nothing says where its keys are"));
  EXPECT_TRUE(issuer(R"(,"jwks_file":"keys.json","discovery":true)").contains("keys come from one place"));
  EXPECT_TRUE(issuer(R"(,"jwks_file":"gone.json")").contains("no such file"));
  EXPECT_TRUE(issuer(R"(,"jwks":{"keys":[]})").contains("has no keys"));
  EXPECT_TRUE(issuer(R"(,"jwks":{"keys":[{"kty":"oct","k":"AAAA"}]})").contains("a secret, where only public keys"));
  EXPECT_TRUE(issuer(R"(,"public_key":"x","algorithms":["HS256"])").contains("need a secret"));
  EXPECT_TRUE(issuer(R"(,"secret_env":"WEIR_NO_SUCH_THING")").contains("is not set"));
  world.context.files["short"] = "short\n";
  EXPECT_TRUE(issuer(R"(,"secret_file":"short")").contains("has 5 bytes, HS256 needs at least 32"));
  EXPECT_TRUE(issuer(R"(,"secret_file":"short","algorithms":["RS256"])").contains("a secret is good for"));
  EXPECT_TRUE(
      world.mistakes(R"({"issuers":[{"issuer":"i","audiences":[],"discovery":true}]})").contains("audiences"));
  EXPECT_TRUE(
      world.mistakes(R"({"issuers":[{"issuer":"i","audiences":["*","a"],"discovery":true}]})").contains("alone"));
  EXPECT_TRUE(
      world
          .mistakes(R"({"claim_headers":{"Host":"h"},"issuers":[{"issuer":"i","audiences":["*"],"discovery":true}]})")
          .contains("claim_headers"));
  EXPECT_TRUE(world
                  .mistakes(R"({"issuers":[{"issuer":"i","audiences":["*"],"discovery":true},
                                            {"issuer":"i","audiences":["*"],"discovery":true}]})")
                  .contains("twice"));
  EXPECT_TRUE(world.mistakes(R"({"bearer":false,"issuers":[{"issuer":"i","audiences":["*"],"discovery":true}]})")
                  .contains("no other place"));
}

TEST(Jwt, SecretsOnlyByExplicitKey) {
  World world;
  world.context.files["secret"] = jose::oct().secret() + "\n";
  const pipeline::Filter* filter =
      world.filter(R"({"issuers":[{"issuer":"https://id","audiences":["api"],"secret_file":"secret"}]})");
  const std::string claims = R"({"iss":"https://id","aud":"api","sub":"u","exp":1800000600})";
  const std::string good = "Bearer " + jose::oct().token(Algorithm::hs256, R"({"alg":"HS256"})", claims);
  const std::string wrong = "Bearer " + jose::oct().token(Algorithm::hs512, R"({"alg":"HS512"})", claims);
  Scene first, second;
  world.lend(first);
  world.lend(second);
  first.header("Authorization", good);
  second.header("Authorization", wrong);
  run(filter, first);
  EXPECT_TRUE(first.exchange.auth.identity.known());
  run(filter, second);
  EXPECT_EQ(second.exchange.auth.failure.detail, "the token's alg is not that of its key");
}

TEST(VerifiedTokens, AreBoundedAndEnd) {
  VerifiedTokens cache;
  const io::TimePoint now = io::Clock::now();
  const auto digest = [](int i) { return crypto::sha256(std::to_string(i)); };
  for (int i = 0; i < 50'000; ++i)
    cache.keep({.token = digest(i), .filter = 1, .until = now + std::chrono::seconds(60), .grant = "g"});
  EXPECT_LE(cache.size(), VerifiedTokens::kSets * VerifiedTokens::kWays);
  EXPECT_NE(cache.find(digest(49'999), 1, now), nullptr);
  EXPECT_EQ(cache.find(digest(49'999), 2, now), nullptr);
  EXPECT_EQ(cache.find(digest(49'999), 1, now + std::chrono::seconds(60)), nullptr);
  EXPECT_EQ(cache.find(digest(49'999), 1, now), nullptr);  // gone
}

// What no route takes ends in 404: its token costs no check, but the headers are still ours alone.
TEST(Jwt, WithoutARouteNothingIsJudged) {
  World world;
  Scene scene;
  world.lend(scene);
  scene.exchange.route = nullptr;
  const std::string bearer = "Bearer " + token();
  scene.header("Authorization", bearer).header("X-Email", "forged");
  run(world.filter(
          R"({"claim_headers":{"X-Email":"email"},"issuers":[{"issuer":"https://id","audiences":["api"],"jwks_file":"keys.json"}]})"),
      scene);
  EXPECT_FALSE(scene.exchange.auth.identity.known());
  EXPECT_EQ(scene.exchange.request.fields.find("X-Email"), nullptr);
}

// A measurement, not a test; test_filters --gtest_also_run_disabled_tests --gtest_filter=Jwt.DISABLED_Speed runs it.
TEST(Jwt, DISABLED_Speed) {
  World world;
  const pipeline::Filter* filter = world.filter(
      R"({"forward":true,"claim_headers":{"X-Email":"email"},"issuers":[{"issuer":"https://id","audiences":["api"],"jwks_file":"keys.json"}]})");
  const std::string text = token(R"(,"scope":"read write admin","groups":["a","b"],"email":"someone@example.com")");
  const std::string bearer = "Bearer " + text;
  Scene scene;
  world.lend(scene);
  scene.header("Authorization", bearer).header("Accept", "*/*").header("User-Agent", "curl");
  constexpr int kTimes = 100'000;
  const auto cpu_ns = [] {
    timespec now{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) * 1e9 + static_cast<double>(now.tv_nsec);
  };
  const auto measure = [&](const char* name, auto what) {
    const double begun = cpu_ns();
    for (int i = 0; i < kTimes; ++i) what();
    std::printf("  %s: %.0f ns\n", name, (cpu_ns() - begun) / kTimes);
  };
  measure("a cached token, the whole filter", [&] {
    scene.exchange.arena.clear();
    scene.exchange.auth = {};
    ASSERT_TRUE(passes(filter->on_request(scene.exchange)));
  });
  ASSERT_TRUE(scene.exchange.auth.identity.known());
  measure("of which SHA-256 of the token", [&] { ASSERT_NE(crypto::sha256(text)[0], 256); });
}

}  // namespace
}  // namespace weir::filters
