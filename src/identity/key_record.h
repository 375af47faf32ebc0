// One API key as a store keeps it and the command line shows it: everything but the secret. Written by `weir key`,
// read by the feeds, which make a KeyTable of many. A plain value.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "base/json/json.h"
#include "crypto/digest.h"

namespace weir::identity {

// Times are seconds since the epoch; 0: never.
struct KeyRecord {
  struct Secret {
    crypto::Digest hash{};  // HMAC-SHA-256(pepper, secret)
    std::int64_t created = 0;
    std::int64_t expires = 0;  // the older of two ends when its grace is over
  };

  std::string id;  // api_key.h
  std::string consumer;
  std::string custom_id;
  std::vector<std::string> groups;
  std::vector<std::string> scopes;
  std::vector<Secret> secrets;  // kMostSecrets at most, the newest last
  std::int64_t created = 0;
  std::int64_t expires = 0;
  std::int64_t last_used = 0;  // as far as the gateways have told
  std::int64_t revoked = 0;
  bool disabled = false;

  bool operator==(const KeyRecord&) const = default;
};

// Two, so that a key can be changed without a moment in which neither works, and no forgotten third stays alive.
inline constexpr std::size_t kMostSecrets = 2;

inline bool operator==(const KeyRecord::Secret& a, const KeyRecord::Secret& b) noexcept {
  return a.hash == b.hash && a.created == b.created && a.expires == b.expires;
}

// "live", "disabled", "revoked", "expired".
std::string_view state_of(const KeyRecord& record, std::int64_t now) noexcept;

// The form it has in Redis and in the local copy; hashes as hex. Empty members are left out.
Json to_json(const KeyRecord& record);
// The error is a sentence.
std::expected<KeyRecord, std::string> key_record(const Json& json);

}  // namespace weir::identity
