// Why the deprecated SHA256_* calls: their state is a plain struct that is copied with its key blocks done. The EVP
// way to the same allocates and locks for each message (measured: 490 ns against 165 ns for one HMAC).
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace weir::crypto {
namespace {

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kBase64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr auto kFromBase64 = [] {
  std::array<signed char, 256> out{};
  out.fill(-1);
  for (std::size_t i = 0; i < kBase64.size(); ++i)
    out[static_cast<unsigned char>(kBase64[i])] = static_cast<signed char>(i);
  return out;
}();

int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Digest sha256(std::string_view bytes) noexcept { return sha256({bytes}); }

Digest sha256(std::initializer_list<std::string_view> parts) noexcept {
  Digest out;
  SHA256_CTX context;
  SHA256_Init(&context);
  for (const std::string_view part : parts) SHA256_Update(&context, part.data(), part.size());
  SHA256_Final(out.data(), &context);
  return out;
}

std::string sha256_hex(std::string_view bytes) { return to_hex(sha256(bytes)); }

std::string sha1_hex(std::string_view bytes) {
  std::array<unsigned char, SHA_DIGEST_LENGTH> out;
  SHA1(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(), out.data());
  return to_hex(out);
}

Mac::Mac(std::string_view key) noexcept {
  static_assert(sizeof(SHA256_CTX) == sizeof(State) && alignof(SHA256_CTX) <= alignof(State));
  std::array<unsigned char, 64> block{};
  if (key.size() > block.size()) {
    const Digest short_key = sha256(key);
    std::memcpy(block.data(), short_key.data(), short_key.size());
  } else if (!key.empty()) {
    std::memcpy(block.data(), key.data(), key.size());
  }
  for (const auto& [state, pad] : {std::pair{&inner_, 0x36}, std::pair{&outer_, 0x5c}}) {
    std::array<unsigned char, 64> padded = block;
    for (unsigned char& byte : padded) byte = static_cast<unsigned char>(byte ^ pad);
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, padded.data(), padded.size());
    std::memcpy(state, &context, sizeof context);
    OPENSSL_cleanse(padded.data(), padded.size());
  }
  OPENSSL_cleanse(block.data(), block.size());
}

Mac::~Mac() {
  OPENSSL_cleanse(&inner_, sizeof inner_);
  OPENSSL_cleanse(&outer_, sizeof outer_);
}

Digest Mac::operator()(std::initializer_list<std::string_view> parts) const noexcept {
  SHA256_CTX context;
  std::memcpy(&context, &inner_, sizeof context);
  for (const std::string_view part : parts) SHA256_Update(&context, part.data(), part.size());
  Digest inner;
  SHA256_Final(inner.data(), &context);
  std::memcpy(&context, &outer_, sizeof context);
  SHA256_Update(&context, inner.data(), inner.size());
  Digest out;
  SHA256_Final(out.data(), &context);
  return out;
}

bool equal_in_constant_time(std::span<const unsigned char> a, std::span<const unsigned char> b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

void random_bytes(std::span<unsigned char> out) noexcept {
  if (RAND_bytes(out.data(), static_cast<int>(out.size())) == 1) return;
  std::fputs("weir: OpenSSL has no random bytes: no secret could be trusted\n", stderr);
  std::abort();
}

std::string random_base62(std::size_t digits) {
  std::string out;
  out.reserve(digits);
  while (out.size() < digits) {
    std::array<unsigned char, 64> bytes;
    random_bytes(bytes);
    for (const unsigned char byte : bytes) {
      // 62 and 63 of six bits are thrown away, so that no digit is likelier than another.
      const std::size_t value = byte & 63U;
      if (value < kBase62.size() && out.size() < digits) out += kBase62[value];
    }
    OPENSSL_cleanse(bytes.data(), bytes.size());
  }
  return out;
}

std::string to_hex(std::span<const unsigned char> bytes) {
  std::string out;
  out.reserve(2 * bytes.size());
  for (const unsigned char byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 15];
  }
  return out;
}

bool from_hex(std::string_view text, Digest& out) noexcept {
  if (text.size() != 2 * out.size()) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const int high = hex_value(text[2 * i]), low = hex_value(text[2 * i + 1]);
    if (high < 0 || low < 0) return false;
    out[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return true;
}

std::string to_base64(std::span<const unsigned char> bytes) {
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    std::uint32_t group = 0;
    for (std::size_t j = 0; j < 3; ++j) group = group << 8 | (j < have ? bytes[i + j] : 0U);
    for (std::size_t j = 0; j < 4; ++j) out += j <= have ? kBase64[group >> (18 - 6 * j) & 63] : '=';
  }
  return out;
}

bool from_base64(std::string_view text, std::string& out) {
  out.clear();
  if (text.size() % 4 == 0) {
    for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  }
  if (text.size() % 4 == 1) return false;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const int value = kFromBase64[static_cast<unsigned char>(c)];
    if (value < 0) return false;
    bits = bits << 6 | static_cast<std::uint32_t>(value);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>(bits >> count & 0xff);
    }
  }
  // Bits behind the last byte would let one value have several spellings (RFC 4648 §3.5).
  return (bits & ((1U << count) - 1)) == 0;
}

void wipe(std::string& secret) noexcept {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace weir::crypto
