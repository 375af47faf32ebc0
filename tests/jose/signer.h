// Keys that sign, for tests: made by OpenSSL, shown as a JWK, and tokens signed with them. What src/jose does not do.
#pragma once

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <memory>
#include <string>
#include <string_view>

#include "jose/algorithm.h"
#include "jose/base64url.h"
#include "jose/key.h"

namespace weir::jose {

class Signer {
 public:
  // "RSA", "P-256", "P-384", "P-521", "ED25519"; or "oct" with a secret.
  explicit Signer(std::string type, int bits = 2048) : type_(std::move(type)) {
    if (type_ == "RSA") {
      key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", static_cast<std::size_t>(bits)));
    } else if (type_.starts_with("P-")) {
      key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", type_.c_str()));
    } else if (type_ == "ED25519") {
      key_.reset(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519"));
    } else {
      secret_ = std::string(64, 'k') + type_;
    }
  }

  // `more` is put among the members: R"("kid":"a","alg":"RS256")".
  std::string jwk(std::string_view more = {}) const {
    std::string out = "{";
    if (!more.empty()) out.append(more).append(",");
    if (type_ == "RSA") {
      out += R"("kty":"RSA","n":")" + number(OSSL_PKEY_PARAM_RSA_N) + R"(","e":")" + number(OSSL_PKEY_PARAM_RSA_E) +
             "\"}";
    } else if (type_.starts_with("P-")) {
      const std::size_t size = type_ == "P-256" ? 32 : type_ == "P-384" ? 48 : 66;
      out += R"("kty":"EC","crv":")" + type_ + R"(","x":")" + number(OSSL_PKEY_PARAM_EC_PUB_X, size) + R"(","y":")" +
             number(OSSL_PKEY_PARAM_EC_PUB_Y, size) + "\"}";
    } else if (type_ == "ED25519") {
      unsigned char raw[32];
      std::size_t size = sizeof raw;
      EXPECT_EQ(EVP_PKEY_get_raw_public_key(key_.get(), raw, &size), 1);
      out += R"("kty":"OKP","crv":"Ed25519","x":")" + text(raw, size) + "\"}";
    } else {
      out += R"("kty":"oct","k":")" + encode_base64url(secret_) + "\"}";
    }
    return out;
  }

  std::string pem() const {
    BIO* out = BIO_new(BIO_s_mem());
    PEM_write_bio_PUBKEY(out, key_.get());
    char* data = nullptr;
    const auto size = BIO_get_mem_data(out, &data);
    std::string pem(data, static_cast<std::size_t>(size));
    BIO_free(out);
    return pem;
  }
  const std::string& secret() const { return secret_; }

  // The signature in the form of a JWS.
  std::string sign(Algorithm algorithm, std::string_view input) const {
    const AlgorithmInfo& about = info(algorithm);
    unsigned char out[1024];
    if (about.family == Family::hmac) {
      unsigned size = 0;
      HMAC(EVP_get_digestbyname(about.digest), secret_.data(), static_cast<int>(secret_.size()), raw(input),
           input.size(), out, &size);
      return {reinterpret_cast<char*>(out), size};
    }
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    EVP_PKEY_CTX* key = nullptr;
    EXPECT_EQ(EVP_DigestSignInit_ex(context, &key, about.digest, nullptr, nullptr, key_.get(), nullptr), 1);
    if (about.family == Family::pss) {
      EVP_PKEY_CTX_set_rsa_padding(key, RSA_PKCS1_PSS_PADDING);
      EVP_PKEY_CTX_set_rsa_pss_saltlen(key, RSA_PSS_SALTLEN_DIGEST);
    }
    std::size_t size = sizeof out;
    EXPECT_EQ(EVP_DigestSign(context, out, &size, raw(input), input.size()), 1);
    EVP_MD_CTX_free(context);
    if (about.family != Family::ecdsa) return {reinterpret_cast<char*>(out), size};
    const unsigned char* at = out;
    ECDSA_SIG* der = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size));
    const int half = algorithm == Algorithm::es256 ? 32 : algorithm == Algorithm::es384 ? 48 : 66;
    std::string both(2 * static_cast<std::size_t>(half), '\0');
    auto* to = reinterpret_cast<unsigned char*>(both.data());
    BN_bn2binpad(ECDSA_SIG_get0_r(der), to, half);
    BN_bn2binpad(ECDSA_SIG_get0_s(der), to + half, half);
    ECDSA_SIG_free(der);
    return both;
  }

  // A token of this header and these claims, whatever they say.
  std::string token(Algorithm algorithm, std::string_view header, std::string_view claims) const {
    const std::string input = encode_base64url(header) + "." + encode_base64url(claims);
    return input + "." + encode_base64url(sign(algorithm, input));
  }

 private:
  static const unsigned char* raw(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
  }
  static std::string text(const unsigned char* data, std::size_t size) {
    return encode_base64url({reinterpret_cast<const char*>(data), size});
  }
  std::string number(const char* name, std::size_t size = 0) const {
    BIGNUM* value = nullptr;
    EXPECT_EQ(EVP_PKEY_get_bn_param(key_.get(), name, &value), 1);
    if (size == 0) size = static_cast<std::size_t>(BN_num_bytes(value));
    std::string out(size, '\0');
    BN_bn2binpad(value, reinterpret_cast<unsigned char*>(out.data()), static_cast<int>(size));
    BN_free(value);
    return encode_base64url(out);
  }

  std::string type_;
  PkeyPtr key_;
  std::string secret_;
};

// One of each, made once: RSA keys take a while.
inline const Signer& rsa() {
  static const Signer kKey("RSA");
  return kKey;
}
inline const Signer& other_rsa() {
  static const Signer kKey("RSA");
  return kKey;
}
inline const Signer& p256() {
  static const Signer kKey("P-256");
  return kKey;
}
inline const Signer& ed25519() {
  static const Signer kKey("ED25519");
  return kKey;
}
inline const Signer& oct() {
  static const Signer kKey("oct");
  return kKey;
}

}  // namespace weir::jose
