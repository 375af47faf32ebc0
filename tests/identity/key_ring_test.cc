#include "identity/key_ring.h"

#include <gtest/gtest.h>

#include "crypto/digest.h"

namespace weir::identity {
namespace {

using Outcome = ports::CredentialStore::Outcome;
constexpr std::int64_t kNow = 1'800'000'000;

const std::shared_ptr<const crypto::Mac> kPepper = std::make_shared<const crypto::Mac>("a pepper of the tests");

std::string id(std::size_t number) {
  std::string out = std::to_string(number);
  return std::string(kApiKeyIdLength - out.size(), '0') + out;
}
std::string secret(std::size_t number) { return "secret-" + std::to_string(number); }

KeyRecord record(std::size_t number) {
  KeyRecord out;
  out.id = id(number);
  out.consumer = "consumer-" + std::to_string(number % 7);
  out.custom_id = "custom-" + std::to_string(number);
  out.groups = {"gold", "group-" + std::to_string(number % 3)};
  out.scopes = {"orders:read"};
  out.secrets = {{(*kPepper)(secret(number)), kNow - 100, 0}};
  out.created = kNow - 100;
  return out;
}

std::shared_ptr<const KeyTable> table(std::vector<KeyRecord> records) {
  return std::make_shared<const KeyTable>(records);
}

KeyRing ring(std::vector<KeyRecord> all, std::vector<KeyRecord> changed = {}) {
  KeyRing out;
  out.replace(std::make_shared<const KeySet>(
      KeySet{table(std::move(all)), changed.empty() ? nullptr : table(std::move(changed)), kPepper}));
  return out;
}

TEST(KeyRing, AGoodKeySaysWhoseItIs) {
  KeyRing keys = ring({record(1), record(2), record(3)});
  const auto answer = keys.api_key(id(2), secret(2), kNow);
  ASSERT_EQ(answer.outcome, Outcome::good);
  EXPECT_EQ(answer.id, id(2));
  EXPECT_EQ(answer.consumer, "consumer-2");
  EXPECT_EQ(answer.custom_id, "custom-2");
  ASSERT_EQ(answer.groups.size(), 2u);
  EXPECT_EQ(answer.groups[1], "group-2");
  ASSERT_EQ(answer.scopes.size(), 1u);
  EXPECT_EQ(answer.scopes[0], "orders:read");
}

TEST(KeyRing, WhatDoesNotHold) {
  KeyRing keys = ring({record(1)});
  EXPECT_EQ(keys.api_key(id(2), secret(2), kNow).outcome, Outcome::unknown);
  EXPECT_EQ(keys.api_key(id(1), secret(2), kNow).outcome, Outcome::wrong);
  EXPECT_EQ(keys.api_key(id(1), "", kNow).outcome, Outcome::wrong);
  EXPECT_EQ(keys.api_key("", secret(1), kNow).outcome, Outcome::unknown);
  EXPECT_TRUE(keys.api_key(id(1), secret(2), kNow).consumer.empty()) << "a wrong secret learns nothing";
}

TEST(KeyRing, NothingLoadedIsUnavailable) {
  KeyRing keys;
  EXPECT_EQ(keys.api_key(id(1), secret(1), kNow).outcome, Outcome::unavailable);
  keys.replace(std::make_shared<const KeySet>(KeySet{table({record(1)}), nullptr, nullptr}));
  EXPECT_EQ(keys.api_key(id(1), secret(1), kNow).outcome, Outcome::unavailable) << "without the pepper";
}

TEST(KeyRing, States) {
  KeyRecord off = record(1), gone = record(2), old = record(3), last_second = record(4);
  off.disabled = true;
  gone.revoked = kNow - 1;
  old.expires = kNow;
  last_second.expires = kNow + 1;
  KeyRing keys = ring({off, gone, old, last_second});
  EXPECT_EQ(keys.api_key(id(1), secret(1), kNow).outcome, Outcome::disabled);
  EXPECT_EQ(keys.api_key(id(2), secret(2), kNow).outcome, Outcome::revoked);
  EXPECT_EQ(keys.api_key(id(3), secret(3), kNow).outcome, Outcome::expired);
  EXPECT_EQ(keys.api_key(id(4), secret(4), kNow).outcome, Outcome::good);
  EXPECT_EQ(keys.api_key(id(2), secret(1), kNow).outcome, Outcome::wrong) << "only who has the secret learns more";
}

TEST(KeyRing, TwoSecretsLiveWhileOneIsReplaced) {
  KeyRecord rotated = record(1);
  rotated.secrets[0].expires = kNow + 60;
  rotated.secrets.push_back({(*kPepper)("the new one"), kNow, 0});
  KeyRing keys = ring({rotated});
  EXPECT_EQ(keys.api_key(id(1), secret(1), kNow).outcome, Outcome::good);
  EXPECT_EQ(keys.api_key(id(1), "the new one", kNow).outcome, Outcome::good);
  EXPECT_EQ(keys.api_key(id(1), secret(1), kNow + 60).outcome, Outcome::expired);
  EXPECT_EQ(keys.api_key(id(1), "the new one", kNow + 60).outcome, Outcome::good);
}

TEST(KeyRing, WhatHasChangedWins) {
  KeyRecord revoked = record(2);
  revoked.revoked = kNow;
  KeyRing keys = ring({record(1), record(2)}, {revoked, record(3)});
  EXPECT_EQ(keys.api_key(id(1), secret(1), kNow).outcome, Outcome::good);
  EXPECT_EQ(keys.api_key(id(2), secret(2), kNow).outcome, Outcome::revoked);
  EXPECT_EQ(keys.api_key(id(3), secret(3), kNow).outcome, Outcome::good);
}

TEST(KeyTable, EveryKeyOfManyIsFoundAndNoOther) {
  std::vector<KeyRecord> records;
  for (std::size_t i = 0; i < 5000; ++i) records.push_back(record(i));
  const KeyTable keys(records);
  EXPECT_EQ(keys.size(), 5000u);
  for (std::size_t i = 0; i < 5000; ++i) {
    const KeyTable::Entry* entry = keys.find(id(i));
    ASSERT_NE(entry, nullptr) << i;
    EXPECT_EQ(keys.word(entry->custom_id), "custom-" + std::to_string(i));
  }
  for (std::size_t i = 5000; i < 10000; ++i) EXPECT_EQ(keys.find(id(i)), nullptr);
}

TEST(KeyTable, OfTwoWithOneIdTheLaterCounts) {
  KeyRecord later = record(1);
  later.consumer = "later";
  const KeyTable keys(std::vector{record(1), later, record(2)});
  EXPECT_EQ(keys.size(), 2u);
  EXPECT_EQ(keys.word(keys.find(id(1))->consumer), "later");
}

TEST(KeyTable, UsesAreTakenOnce) {
  KeyRing ring_of_two;
  const auto keys = table({record(1), record(2)});
  ring_of_two.replace(std::make_shared<const KeySet>(KeySet{keys, nullptr, kPepper}));
  (void)ring_of_two.api_key(id(1), secret(1), kNow);
  (void)ring_of_two.api_key(id(2), "wrong", kNow);
  auto uses = keys->take_uses();
  ASSERT_EQ(uses.size(), 1u);
  EXPECT_EQ(uses[0].id, id(1));
  EXPECT_EQ(uses[0].at, kNow / 60 * 60);
  EXPECT_TRUE(keys->take_uses().empty());
  (void)ring_of_two.api_key(id(1), secret(1), kNow + 60);
  EXPECT_EQ(keys->take_uses().size(), 1u);
}

TEST(KeyRing, CountsWhatBecameOfEachKey) {
  KeyRecord off = record(2), gone = record(3), old = record(4);
  off.disabled = true;
  gone.revoked = kNow - 1;
  old.expires = kNow - 1;
  KeyRing keys = ring({record(1), off, gone, old});
  const auto counted = [&](Outcome outcome) { return keys.counters().outcomes[static_cast<std::size_t>(outcome)]; };
  (void)keys.api_key(id(1), secret(1), kNow);
  (void)keys.api_key(id(1), secret(1), kNow);
  (void)keys.api_key(id(1), secret(2), kNow);
  (void)keys.api_key(id(9), secret(9), kNow);
  for (const std::size_t number : {2u, 3u, 4u}) (void)keys.api_key(id(number), secret(number), kNow);
  keys.note_malformed();
  EXPECT_EQ(counted(Outcome::good), 2u);
  for (const Outcome one : {Outcome::wrong, Outcome::unknown, Outcome::disabled, Outcome::revoked, Outcome::expired})
    EXPECT_EQ(counted(one), 1u);
  EXPECT_EQ(counted(Outcome::unavailable), 0u);
  EXPECT_EQ(keys.counters().malformed, 1u);
}

TEST(KeySet, StatesAreThoseARequestWouldMeet) {
  KeyRecord off = record(2), gone = record(3), old = record(4), back = record(2);
  off.disabled = true;
  gone.revoked = kNow - 1;
  old.expires = kNow + 10;
  const KeySet keys{table({record(1), off, gone, old}), table({back, record(5)}), kPepper};
  const KeyStates now = states_of(keys, kNow), later = states_of(keys, kNow + 10);
  EXPECT_EQ(now.live, 4u) << "1, 2 by what has changed, 4 and 5";
  EXPECT_EQ(now.disabled, 0u);
  EXPECT_EQ(now.revoked, 1u);
  EXPECT_EQ(now.expired, 0u);
  EXPECT_EQ(later.live, 3u);
  EXPECT_EQ(later.expired, 1u);
  EXPECT_EQ(states_of(KeySet{}, kNow).live, 0u);
}

TEST(KeyRecord, JsonAndBack) {
  KeyRecord full = record(5);
  full.secrets.push_back({crypto::sha256("x"), 7, 9});
  full.expires = 11;
  full.last_used = 12;
  full.revoked = 13;
  full.disabled = true;
  for (const KeyRecord& one : {full, record(1)}) {
    const auto back = key_record(*parse_json(to_canonical(to_json(one))));
    ASSERT_TRUE(back) << back.error();
    EXPECT_EQ(*back, one);
  }
  EXPECT_FALSE(key_record(*parse_json(R"({"id": "short", "consumer": "a"})")));
  EXPECT_FALSE(key_record(*parse_json(R"({"id": "000000000001"})"))) << "no consumer";
  EXPECT_FALSE(key_record(*parse_json(R"({"id": "000000000001", "consumer": "a", "secrets": [{"hash": "00"}]})")));
}

}  // namespace
}  // namespace weir::identity
