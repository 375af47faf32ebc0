// The text of an API key: weir_<id>_<secret>_<checksum>. The prefix is what secret scanners look for; the id finds
// the key and may be shown; the secret is 32 digits of 62 (190 bits) and is stored only as its HMAC; the checksum
// (CRC-32 of all before it) tells a key that was copied badly from one that is wrong, without asking any store. Pure
// functions; any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::identity {

inline constexpr std::string_view kApiKeyPrefix = "weir_";
inline constexpr std::size_t kApiKeyIdLength = 12;  // 71 bits: two of 50,000 are alike once in 10^12 fleets
inline constexpr std::size_t kApiKeySecretLength = 32;
inline constexpr std::size_t kApiKeyChecksumLength = 6;
inline constexpr std::size_t kApiKeyLength =
    kApiKeyPrefix.size() + kApiKeyIdLength + 1 + kApiKeySecretLength + 1 + kApiKeyChecksumLength;

struct ApiKeyParts {
  std::string_view id;
  std::string_view secret;  // views into the text
};

// nullopt: not of that form, or the checksum does not fit.
std::optional<ApiKeyParts> parse_api_key(std::string_view text) noexcept;

std::string make_api_key(std::string_view id, std::string_view secret);

bool is_api_key_id(std::string_view text) noexcept;

}  // namespace weir::identity
