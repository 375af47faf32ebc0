// The keys of one issuer as they are at one time: what a JWK set (RFC 7517) or a PEM file had that Weir is willing to
// use, and why the rest is not. Immutable; shared by all threads.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/json.h"
#include "crypto/digest.h"
#include "jose/key.h"

namespace weir::jose {

struct KeyRules {
  // Keys of other algorithms are left out. The default: every one of a public key.
  AlgorithmSet allowed = kPublicAlgorithms;
  // What an RSA key without `alg` is good for; those of other types say it by their type and curve.
  AlgorithmSet rsa{Algorithm::rs256};
  // Secrets (kty "oct") are taken: only from where the operator put them himself, never from the network.
  bool secrets = false;
};

struct Skipped {
  std::string kid;     // empty: it has none
  std::string reason;  // "an RSA key of 1024 bits: 2048 are the least"
};

// A provider has two or three; 256 is what nobody has, and bounds what 1 MiB of them would cost.
inline constexpr std::size_t kMostKeys = 256;
// A token that names no key is tried against at most that many.
inline constexpr std::size_t kMostTries = 4;

class KeySet {
 public:
  // A JWK set. The error is a sentence: it is no JSON, or no set. Bad keys are skipped, each with its reason:
  //  - two keys of the same kid and type, if they are not the same key or one of them is bad: neither is used, as
  //    nobody could say which one is meant;
  //  - a secret beside public keys: whoever reads the set could sign (RFC 8725 §3.5).
  static std::expected<std::shared_ptr<const KeySet>, std::string> parse(std::string_view json,
                                                                         const KeyRules& rules);
  static std::expected<std::shared_ptr<const KeySet>, std::string> from_json(const Json& json, const KeyRules& rules);
  // One public key in PEM ("PUBLIC KEY" or "CERTIFICATE"), good for every token whatever its kid.
  static std::expected<std::shared_ptr<const KeySet>, std::string> from_pem(std::string_view pem,
                                                                            const KeyRules& rules);
  // A secret of HMAC.
  static std::expected<std::shared_ptr<const KeySet>, std::string> from_secret(std::string secret,
                                                                               AlgorithmSet algorithms);

  std::size_t size() const noexcept { return keys_.size(); }
  // Of what it was read from: two sets with the same are the same set.
  const crypto::Digest& digest() const noexcept { return digest_; }
  const std::vector<Skipped>& skipped() const noexcept { return skipped_; }

  // What a token names, by kid and algorithm.
  enum class Found : std::uint8_t { some, other_algorithm, unknown_kid };
  struct Candidates {
    Found found = Found::unknown_kid;
    std::array<const Key*, kMostTries> keys{};
    std::size_t count = 0;
  };
  // With a kid: the key of exactly that kid, else those that have none. Without: every key of the algorithm.
  Candidates find(std::string_view kid, Algorithm algorithm) const noexcept;

 private:
  struct Named {
    std::string kid;
    AlgorithmSet algorithms;
  };
  void add(std::unique_ptr<const Key> key);
  void leave_out_twins(const std::vector<Named>& bad);
  void leave_out_secrets();

  std::vector<std::unique_ptr<const Key>> keys_;  // sorted by kid
  std::vector<Skipped> skipped_;
  crypto::Digest digest_{};
};

}  // namespace weir::jose
