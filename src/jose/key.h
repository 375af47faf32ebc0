// One key that verifies signatures, with the algorithms it does that by: they are fixed when it is made and no token
// changes them. Made by jwk.cc and pem.cc when a config or a key set is read; immutable, shared by all threads.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "jose/algorithm.h"

typedef struct evp_pkey_st EVP_PKEY;
typedef struct evp_pkey_ctx_st EVP_PKEY_CTX;

namespace weir::jose {

struct PkeyFree {
  void operator()(EVP_PKEY* key) const noexcept;
};
struct PkeyContextFree {
  void operator()(EVP_PKEY_CTX* context) const noexcept;
};
using PkeyPtr = std::unique_ptr<EVP_PKEY, PkeyFree>;

class Key {
 public:
  // A public key, or a secret of HMAC (bytes). `algorithms` are those of its type. nullptr: OpenSSL refuses it.
  static std::unique_ptr<const Key> public_key(std::string kid, AlgorithmSet algorithms, PkeyPtr key);
  static std::unique_ptr<const Key> secret(std::string kid, AlgorithmSet algorithms, std::string bytes);
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key();

  const std::string& kid() const noexcept { return kid_; }  // empty: it has none
  AlgorithmSet algorithms() const noexcept { return algorithms_; }
  bool is_secret() const noexcept { return !key_; }
  // Whether the other is the same key by its material, whatever its kid.
  bool same_material(const Key& other) const noexcept;

  // True if `signature` (bytes, as in the JWS: r||s for ECDSA) is that of `input` by `algorithm`; false also if the
  // key has not that algorithm.
  bool verify(Algorithm algorithm, std::string_view input, std::string_view signature) const noexcept;

 private:
  Key(std::string kid, AlgorithmSet algorithms) : kid_(std::move(kid)), algorithms_(algorithms) {}
  bool prepare(Algorithm algorithm);
  bool verify_hmac(const AlgorithmInfo& about, std::string_view input, std::string_view mac) const noexcept;
  bool verify_eddsa(std::string_view input, std::string_view signature) const noexcept;
  bool verify_digest(const AlgorithmInfo& about, std::string_view input, std::string_view signature) const noexcept;

  std::string kid_;
  AlgorithmSet algorithms_;
  PkeyPtr key_;
  std::string secret_;
  // Set up for verification once and copied for each: what costs in OpenSSL 3.0 is the fetching, not the copy.
  std::array<std::unique_ptr<EVP_PKEY_CTX, PkeyContextFree>, kAlgorithms> prepared_;
};

}  // namespace weir::jose
