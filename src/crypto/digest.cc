// Why the deprecated SHA256_* calls: their state is a plain struct that is copied with its key blocks done. The EVP
// way to the same allocates and locks for each message (measured: 490 ns against 165 ns for one HMAC).
#define OPENSSL_SUPPRESS_DEPRECATED
#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>

#include <cstring>

namespace weir::crypto {
namespace {

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

}  // namespace weir::crypto
