// All of Wycheproof's JSON web signature and key vectors. `./dev test` puts them into build/wycheproof; they are not
// part of the repository.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "jose/token.h"

namespace weir::jose {
namespace {

Json vectors(const std::string& file) {
  const std::string path = std::string(WEIR_SOURCE_DIR) + "/build/wycheproof/" + file;
  std::ifstream in(path);
  EXPECT_TRUE(in) << path << " is missing: run ./dev test";
  std::ostringstream text;
  text << in.rdbuf();
  auto json = parse_json(text.str());
  EXPECT_TRUE(json.has_value()) << path;
  return json ? *json : Json::object();
}

constexpr KeyRules kRules{.allowed =
                              [] {
                                AlgorithmSet all = kPublicAlgorithms;
                                for (const Algorithm one : {Algorithm::hs256, Algorithm::hs384, Algorithm::hs512})
                                  all.add(one);
                                return all;
                              }(),
                          .rsa = {Algorithm::rs256},
                          .secrets = true};

bool accepted(const Json& keys, std::string_view jws) {
  const auto set = KeySet::from_json(keys, kRules);
  if (!set) return false;
  const auto token = parse_token(jws);
  return token && verify(*token, **set) == Verified::good;
}

// Runs a file; `deviations` are the cases where Weir says the opposite of what the file says.
std::size_t run(const std::string& file, const std::set<std::int64_t>& deviations) {
  std::size_t count = 0;
  const Json all = vectors(file);
  for (const Json& group : all.find("testGroups") ? all.find("testGroups")->items() : Json::Array()) {
    const Json* keys = group.find("public") ? group.find("public") : group.find("private");
    Json set = *keys;
    if (!set.find("keys")) set = Json::object().set("keys", Json::array().push(*keys));
    for (const Json& test : group.find("tests")->items()) {
      ++count;
      const auto id = test.find("tcId")->as_integer();
      const bool valid = test.find("result")->as_string() == "valid";
      EXPECT_EQ(accepted(set, test.find("jws")->as_string()), valid != deviations.contains(id))
          << file << " " << id << ": " << test.find("comment")->as_string();
    }
  }
  return count;
}

TEST(Wycheproof, JsonWebSignature) {
  // Said to be valid, refused: 372 and 373 hold a "?" inside base64url; 347 and 351 have a key whose alg is "ES521",
  // which nobody registered; 346 and 350 are PS384 tokens for a key whose alg is PS256.
  // Said to be invalid, accepted: 367 and 370 are byte for byte the token and the key of 357, which is valid (the
  // padding that their comment speaks of is not in the file).
  EXPECT_EQ(run("json_web_signature_test.json", {346, 347, 350, 351, 367, 370, 372, 373}), 401u);
}

TEST(Wycheproof, JsonWebKey) { EXPECT_EQ(run("json_web_key_test.json", {}), 26u); }

}  // namespace
}  // namespace weir::jose
