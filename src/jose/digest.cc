#include "jose/digest.h"

#include <openssl/crypto.h>

#include "jose/openssl.h"

namespace weir::jose {
namespace {

// Fetching costs a lock and a search in OpenSSL 3.0: once per process.
const EVP_MD* sha256_method() noexcept {
  static const EVP_MD* const kMethod = EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  return kMethod;
}

}  // namespace

Digest sha256(std::string_view text) noexcept { return sha256(text, {}); }

Digest sha256(std::string_view first, std::string_view second) noexcept {
  // Why thread_local: a context allocated for each token would cost more than the rounds over it.
  static thread_local const DigestContextPtr context(EVP_MD_CTX_new());
  Digest out{};
  unsigned size = 0;
  if (!context || EVP_DigestInit_ex2(context.get(), sha256_method(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), first.data(), first.size()) != 1 ||
      (!second.empty() && EVP_DigestUpdate(context.get(), second.data(), second.size()) != 1) ||
      EVP_DigestFinal_ex(context.get(), out.data(), &size) != 1)
    return {};
  return out;
}

Digest hmac_sha256(std::string_view key, std::string_view text) noexcept {
  constexpr std::size_t kBlock = 64;  // SHA-256's, FIPS 180-4 §1
  std::array<char, kBlock> inner{};
  if (key.size() > kBlock) {
    const Digest shorter = sha256(key);
    std::memcpy(inner.data(), shorter.data(), shorter.size());
  } else if (!key.empty()) {
    std::memcpy(inner.data(), key.data(), key.size());
  }
  std::array<char, kBlock> outer = inner;
  for (char& c : inner) c = static_cast<char>(c ^ 0x36);
  for (char& c : outer) c = static_cast<char>(c ^ 0x5c);
  const Digest first = sha256({inner.data(), kBlock}, text);
  const Digest out = sha256({outer.data(), kBlock}, {reinterpret_cast<const char*>(first.data()), first.size()});
  OPENSSL_cleanse(inner.data(), kBlock);
  OPENSSL_cleanse(outer.data(), kBlock);
  return out;
}

bool same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

}  // namespace weir::jose
