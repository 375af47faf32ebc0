#include "identity/api_key.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace weir::identity {
namespace {

constexpr std::string_view kDigits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// The polynomial of Ethernet and zip, reflected.
constexpr auto kCrcTable = [] {
  std::array<std::uint32_t, 256> out{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = (value >> 1) ^ ((value & 1) != 0 ? 0xedb88320U : 0U);
    out[i] = value;
  }
  return out;
}();

std::uint32_t crc32(std::string_view text) noexcept {
  std::uint32_t crc = ~0U;
  for (const char c : text) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<unsigned char>(c)) & 0xff];
  return ~crc;
}

// 62^6 is 5.7e10, more than 2^32.
std::array<char, kApiKeyChecksumLength> checksum(std::string_view text) noexcept {
  std::array<char, kApiKeyChecksumLength> out{};
  std::uint32_t crc = crc32(text);
  for (std::size_t i = out.size(); i-- > 0; crc /= 62) out[i] = kDigits[crc % 62];
  return out;
}

bool is_base62(std::string_view text) noexcept {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); });
}

}  // namespace

std::optional<ApiKeyParts> parse_api_key(std::string_view text) noexcept {
  if (text.size() != kApiKeyLength || !text.starts_with(kApiKeyPrefix)) return std::nullopt;
  constexpr std::size_t kSecretAt = kApiKeyPrefix.size() + kApiKeyIdLength + 1;
  constexpr std::size_t kChecksumAt = kSecretAt + kApiKeySecretLength + 1;
  if (text[kSecretAt - 1] != '_' || text[kChecksumAt - 1] != '_') return std::nullopt;
  const ApiKeyParts out{text.substr(kApiKeyPrefix.size(), kApiKeyIdLength),
                        text.substr(kSecretAt, kApiKeySecretLength)};
  const auto wanted = checksum(text.substr(0, kChecksumAt - 1));
  if (text.substr(kChecksumAt) != std::string_view(wanted.data(), wanted.size())) return std::nullopt;
  if (!is_base62(out.id) || !is_base62(out.secret)) return std::nullopt;
  return out;
}

std::string make_api_key(std::string_view id, std::string_view secret) {
  std::string out(kApiKeyPrefix);
  out.append(id).append("_").append(secret);
  const auto sum = checksum(out);
  return out.append("_").append(sum.data(), sum.size());
}

bool is_api_key_id(std::string_view text) noexcept { return text.size() == kApiKeyIdLength && is_base62(text); }

}  // namespace weir::identity
