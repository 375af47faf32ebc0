#include "jose/pem.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "crypto/openssl.h"
#include "jose/jwk.h"

namespace weir::jose {
namespace {

using X509Ptr = std::unique_ptr<X509, crypto::Release<X509_free>>;

std::unexpected<std::string> no(std::string reason) { return std::unexpected(std::move(reason)); }

PkeyPtr load(std::string_view pem) {
  const crypto::BioPtr in(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!in) return nullptr;
  PkeyPtr out;
  if (pem.find("-----BEGIN CERTIFICATE-----") != std::string_view::npos) {
    const X509Ptr certificate(PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr));
    if (certificate) out.reset(X509_get_pubkey(certificate.get()));
  } else {
    out.reset(PEM_read_bio_PUBKEY(in.get(), nullptr, nullptr, nullptr));
  }
  ERR_clear_error();
  return out;
}

std::string number(const EVP_PKEY* key, const char* name) {
  BIGNUM* value = nullptr;
  if (EVP_PKEY_get_bn_param(key, name, &value) != 1) return {};
  const crypto::BignumPtr owned(value);
  std::string out(static_cast<std::size_t>(BN_num_bytes(value)), '\0');
  BN_bn2bin(value, reinterpret_cast<unsigned char*>(out.data()));
  return out;
}

std::expected<KeyType, std::string> type_of(const EVP_PKEY* key) {
  if (EVP_PKEY_is_a(key, "RSA") == 1) {
    if (auto sound = check_rsa(number(key, OSSL_PKEY_PARAM_RSA_N), number(key, OSSL_PKEY_PARAM_RSA_E)); !sound)
      return no(sound.error());
    return KeyType::rsa;
  }
  if (EVP_PKEY_is_a(key, "ED25519") == 1) return KeyType::ed25519;
  if (EVP_PKEY_is_a(key, "ED448") == 1) return KeyType::ed448;
  if (EVP_PKEY_is_a(key, "EC") == 1) {
    std::array<char, 80> group{};
    std::size_t size = 0;
    EVP_PKEY_get_group_name(key, group.data(), group.size(), &size);
    const std::string_view name(group.data(), size);
    if (name == "prime256v1") return KeyType::p256;
    if (name == "secp384r1") return KeyType::p384;
    if (name == "secp521r1") return KeyType::p521;
    return no("its curve is none of P-256, P-384, P-521");
  }
  return no("is no key of RSA, EC, Ed25519 or Ed448");
}

}  // namespace

std::expected<std::unique_ptr<const Key>, std::string> read_pem(std::string_view pem, const KeyRules& rules) {
  if (pem.find("PRIVATE KEY-----") != std::string_view::npos)
    return no("is a private key: whoever can read this file could sign; use its public part (openssl pkey -pubout)");
  PkeyPtr key = load(pem);
  if (!key) return no("is no public key in PEM (-----BEGIN PUBLIC KEY-----)");
  const auto type = type_of(key.get());
  ERR_clear_error();
  if (!type) return no(type.error());
  const auto algorithms = algorithms_for(*type, {}, rules);
  if (!algorithms) return no(algorithms.error());
  auto out = Key::public_key({}, *algorithms, std::move(key));
  if (!out) return no("OpenSSL refuses it");
  return out;
}

}  // namespace weir::jose
