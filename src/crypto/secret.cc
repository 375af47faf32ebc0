#include "crypto/secret.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>

namespace weir::crypto {
namespace {

constexpr std::string_view kBase62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

}  // namespace

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

void wipe(std::string& secret) noexcept {
  OPENSSL_cleanse(secret.data(), secret.size());
  secret.clear();
}

}  // namespace weir::crypto
