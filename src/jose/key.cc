#include "jose/key.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/hmac.h>
#include <openssl/rsa.h>

#include "crypto/digest.h"
#include "crypto/openssl.h"

namespace weir::jose {
namespace {

const EVP_MD* method(const AlgorithmInfo& about) noexcept {
  static const std::array<const EVP_MD*, 3> kMethods = {EVP_MD_fetch(nullptr, "SHA2-256", nullptr),
                                                        EVP_MD_fetch(nullptr, "SHA2-384", nullptr),
                                                        EVP_MD_fetch(nullptr, "SHA2-512", nullptr)};
  return kMethods[about.digest_size / 16 - 2];  // 32, 48, 64
}

// An INTEGER of DER (X.690 §8.3) from big-endian bytes; returns the end. At most 66 bytes: the length is one byte.
unsigned char* put_integer(unsigned char* out, std::string_view value) noexcept {
  while (value.size() > 1 && value.front() == '\0') value.remove_prefix(1);
  const bool high = (static_cast<unsigned char>(value.front()) & 0x80) != 0;
  *out++ = 0x02;
  *out++ = static_cast<unsigned char>(value.size() + (high ? 1 : 0));
  if (high) *out++ = 0;
  std::memcpy(out, value.data(), value.size());
  return out + value.size();
}

bool is_zero(std::string_view value) noexcept { return value.find_first_not_of('\0') == std::string_view::npos; }

// r||s of RFC 7518 §3.4 as the SEQUENCE OpenSSL wants; 0: not of that length, or r or s is zero (CVE-2022-21449).
std::size_t to_der(std::string_view raw, std::size_t half, std::array<unsigned char, 160>& out) noexcept {
  if (raw.size() != 2 * half) return 0;
  const std::string_view r = raw.substr(0, half);
  const std::string_view s = raw.substr(half);
  if (is_zero(r) || is_zero(s)) return 0;
  std::array<unsigned char, 160> body;  // two INTEGERs of 66 bytes, tag, length and sign each: 138
  const auto size = static_cast<std::size_t>(put_integer(put_integer(body.data(), r), s) - body.data());
  std::size_t at = 0;
  out[at++] = 0x30;
  if (size >= 128) out[at++] = 0x81;
  out[at++] = static_cast<unsigned char>(size);
  std::memcpy(out.data() + at, body.data(), size);
  return at + size;
}

std::size_t half_size(Algorithm algorithm) noexcept {
  return algorithm == Algorithm::es256 ? 32 : algorithm == Algorithm::es384 ? 48 : 66;
}

}  // namespace

void PkeyFree::operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }
void PkeyContextFree::operator()(EVP_PKEY_CTX* context) const noexcept { EVP_PKEY_CTX_free(context); }

Key::~Key() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

std::unique_ptr<const Key> Key::public_key(std::string kid, AlgorithmSet algorithms, PkeyPtr key) {
  std::unique_ptr<Key> out(new Key(std::move(kid), algorithms));
  out->key_ = std::move(key);
  for (std::size_t i = 0; i < kAlgorithms; ++i)
    if (algorithms.contains(static_cast<Algorithm>(i)) && !out->prepare(static_cast<Algorithm>(i))) {
      ERR_clear_error();
      return nullptr;
    }
  return out;
}

std::unique_ptr<const Key> Key::secret(std::string kid, AlgorithmSet algorithms, std::string bytes) {
  std::unique_ptr<Key> out(new Key(std::move(kid), algorithms));
  out->secret_ = std::move(bytes);
  return out;
}

bool Key::prepare(Algorithm algorithm) {
  const AlgorithmInfo& about = info(algorithm);
  if (about.family == Family::eddsa) return true;  // has no context that may be kept
  std::unique_ptr<EVP_PKEY_CTX, PkeyContextFree> context(EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr));
  if (!context || EVP_PKEY_verify_init(context.get()) != 1) return false;
  if (about.family != Family::ecdsa &&
      EVP_PKEY_CTX_set_rsa_padding(context.get(),
                                   about.family == Family::pss ? RSA_PKCS1_PSS_PADDING : RSA_PKCS1_PADDING) != 1)
    return false;
  if (EVP_PKEY_CTX_set_signature_md(context.get(), method(about)) != 1) return false;
  // RFC 7518 §3.5: the salt is as long as the digest, and MGF1 uses the same digest.
  if (about.family == Family::pss && (EVP_PKEY_CTX_set_rsa_mgf1_md(context.get(), method(about)) != 1 ||
                                      EVP_PKEY_CTX_set_rsa_pss_saltlen(context.get(), RSA_PSS_SALTLEN_DIGEST) != 1))
    return false;
  prepared_[static_cast<std::size_t>(algorithm)] = std::move(context);
  return true;
}

bool Key::same_material(const Key& other) const noexcept {
  if (is_secret() != other.is_secret()) return false;
  return is_secret() ? crypto::equal_in_constant_time(secret_, other.secret_)
                     : EVP_PKEY_eq(key_.get(), other.key_.get()) == 1;
}

bool Key::verify(Algorithm algorithm, std::string_view input, std::string_view signature) const noexcept {
  if (!algorithms_.contains(algorithm)) return false;
  const AlgorithmInfo& about = info(algorithm);
  bool good = false;
  switch (about.family) {
    case Family::hmac:
      good = verify_hmac(about, input, signature);
      break;
    case Family::eddsa:
      good = verify_eddsa(input, signature);
      break;
    default:
      good = verify_digest(about, input, signature);
  }
  // What is left in the queue would be taken for the failure of a TLS session of this thread.
  if (!good) ERR_clear_error();
  return good;
}

bool Key::verify_hmac(const AlgorithmInfo& about, std::string_view input, std::string_view mac) const noexcept {
  std::array<unsigned char, EVP_MAX_MD_SIZE> made;
  unsigned size = 0;
  if (!HMAC(method(about), secret_.data(), static_cast<int>(secret_.size()), crypto::bytes(input), input.size(),
            made.data(), &size))
    return false;
  return crypto::equal_in_constant_time({reinterpret_cast<const char*>(made.data()), size}, mac);
}

bool Key::verify_eddsa(std::string_view input, std::string_view signature) const noexcept {
  const crypto::DigestContextPtr context(EVP_MD_CTX_new());
  return context &&
         EVP_DigestVerifyInit_ex(context.get(), nullptr, nullptr, nullptr, nullptr, key_.get(), nullptr) == 1 &&
         EVP_DigestVerify(context.get(), crypto::bytes(signature), signature.size(), crypto::bytes(input),
                          input.size()) == 1;
}

bool Key::verify_digest(const AlgorithmInfo& about, std::string_view input,
                        std::string_view signature) const noexcept {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (EVP_Digest(input.data(), input.size(), digest.data(), &size, method(about), nullptr) != 1) return false;
  std::array<unsigned char, 160> der;
  if (about.family == Family::ecdsa) {
    const std::size_t length = to_der(signature, half_size(about.algorithm), der);
    if (length == 0) return false;
    signature = {reinterpret_cast<const char*>(der.data()), length};
  }
  const crypto::PkeyContextPtr context(EVP_PKEY_CTX_dup(prepared_[static_cast<std::size_t>(about.algorithm)].get()));
  return context &&
         EVP_PKEY_verify(context.get(), crypto::bytes(signature), signature.size(), digest.data(), size) == 1;
}

}  // namespace weir::jose
