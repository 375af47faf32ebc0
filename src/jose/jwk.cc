#include "jose/jwk.h"

#include <openssl/core_names.h>
#include <openssl/err.h>

#include "crypto/openssl.h"
#include "jose/base64url.h"
#include "jose/roca.h"

namespace weir::jose {
namespace {

using Made = std::expected<std::unique_ptr<const Key>, std::string>;

std::unexpected<std::string> no(std::string reason) { return std::unexpected(std::move(reason)); }

// The string member, or nullptr; `wrong` is set if it is there and no string.
const Json* string_member(const Json& jwk, std::string_view name, bool& wrong) {
  const Json* member = jwk.find(name);
  if (member == nullptr || member->is_string()) return member;
  wrong = true;
  return nullptr;
}

std::expected<std::string, std::string> bytes_of(const Json& jwk, std::string_view name) {
  const Json* member = jwk.find(name);
  if (member == nullptr || !member->is_string()) return no("has no \"" + std::string(name) + "\"");
  auto out = decode_base64url(member->as_string());
  if (!out) return no("its \"" + std::string(name) + "\" is no base64url");
  return std::move(*out);
}

// RFC 7517 §4.2 and §4.3: a key that is for something else is not for signatures.
std::expected<void, std::string> check_purpose(const Json& jwk) {
  bool wrong = false;
  const Json* use = string_member(jwk, "use", wrong);
  if (wrong || (use != nullptr && use->as_string() != "sig")) return no("its use is not \"sig\"");
  const Json* operations = jwk.find("key_ops");
  if (operations == nullptr) return {};
  if (!operations->is_array()) return no("its key_ops is no list");
  const bool verifies =
      std::ranges::any_of(operations->items(), [](const Json& one) { return one.as_string() == "verify"; });
  if (!verifies) return no("its key_ops has no \"verify\"");
  return {};
}

PkeyPtr from_params(const char* type, OSSL_PARAM_BLD* builder) {
  const crypto::ParamsPtr params(OSSL_PARAM_BLD_to_param(builder));
  const crypto::PkeyContextPtr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    key = nullptr;
  ERR_clear_error();
  return PkeyPtr(key);
}

Made finish(std::string kid, AlgorithmSet algorithms, PkeyPtr key) {
  if (!key) return no("OpenSSL refuses it");
  auto out = Key::public_key(std::move(kid), algorithms, std::move(key));
  if (!out) return no("OpenSSL refuses it");
  return out;
}

Made read_rsa(const Json& jwk, std::string kid, std::string_view alg, const KeyRules& rules) {
  const auto n = bytes_of(jwk, "n");
  const auto e = bytes_of(jwk, "e");
  if (!n || !e) return no(n ? e.error() : n.error());
  if (auto sound = check_rsa(*n, *e); !sound) return no(std::move(sound.error()));
  const auto algorithms = algorithms_for(KeyType::rsa, alg, rules);
  if (!algorithms) return no(algorithms.error());
  const crypto::BignumPtr modulus(BN_bin2bn(crypto::bytes(*n), static_cast<int>(n->size()), nullptr));
  const crypto::BignumPtr exponent(BN_bin2bn(crypto::bytes(*e), static_cast<int>(e->size()), nullptr));
  const crypto::ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (!modulus || !exponent || !builder ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1)
    return no("OpenSSL refuses it");
  return finish(std::move(kid), *algorithms, from_params("RSA", builder.get()));
}

struct Curve {
  std::string_view name;
  const char* group;
  std::size_t size;  // of a coordinate in bytes: exactly (RFC 7518 §6.2.1.2)
  KeyType type;
};
constexpr std::array<Curve, 3> kCurves{{{"P-256", "prime256v1", 32, KeyType::p256},
                                        {"P-384", "secp384r1", 48, KeyType::p384},
                                        {"P-521", "secp521r1", 66, KeyType::p521}}};

Made read_ec(const Json& jwk, std::string kid, std::string_view alg, const KeyRules& rules) {
  bool wrong = false;
  const Json* name = string_member(jwk, "crv", wrong);
  const auto curve =
      std::ranges::find(kCurves, name != nullptr ? name->as_string() : std::string_view(), &Curve::name);
  if (curve == kCurves.end()) return no("its curve is none of P-256, P-384, P-521");
  const auto x = bytes_of(jwk, "x");
  const auto y = bytes_of(jwk, "y");
  if (!x || !y) return no(x ? y.error() : x.error());
  if (x->size() != curve->size || y->size() != curve->size) return no("a coordinate is not as long as its curve's");
  const auto algorithms = algorithms_for(curve->type, alg, rules);
  if (!algorithms) return no(algorithms.error());
  const std::string point = "\x04" + *x + *y;
  const crypto::ParamBuilderPtr builder(OSSL_PARAM_BLD_new());
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve->group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1)
    return no("OpenSSL refuses it");
  PkeyPtr key = from_params("EC", builder.get());
  const crypto::PkeyContextPtr check(key ? EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr) : nullptr);
  const bool on_curve = check && EVP_PKEY_public_check(check.get()) == 1;
  ERR_clear_error();
  if (!on_curve) return no("its point is not on its curve");
  return finish(std::move(kid), *algorithms, std::move(key));
}

Made read_okp(const Json& jwk, std::string kid, std::string_view alg, const KeyRules& rules) {
  bool wrong = false;
  const Json* name = string_member(jwk, "crv", wrong);
  const std::string_view curve = name != nullptr ? name->as_string() : std::string_view();
  const bool small = curve == "Ed25519";
  if (!small && curve != "Ed448") return no("its curve is neither Ed25519 nor Ed448");
  const auto x = bytes_of(jwk, "x");
  if (!x) return no(x.error());
  if (x->size() != (small ? 32U : 57U)) return no("its \"x\" has not the length of its curve");
  const auto algorithms = algorithms_for(small ? KeyType::ed25519 : KeyType::ed448, alg, rules);
  if (!algorithms) return no(algorithms.error());
  return finish(std::move(kid), *algorithms,
                PkeyPtr(EVP_PKEY_new_raw_public_key_ex(nullptr, small ? "ED25519" : "ED448", nullptr,
                                                       crypto::bytes(*x), x->size())));
}

Made read_secret(const Json& jwk, std::string kid, std::string_view alg, const KeyRules& rules) {
  if (!rules.secrets) return no("a secret, where only public keys may stand");
  auto secret = bytes_of(jwk, "k");
  if (!secret) return no(secret.error());
  const auto algorithms = algorithms_for(KeyType::secret, alg, rules);
  if (!algorithms) return no(algorithms.error());
  for (std::size_t i = 0; i < kAlgorithms; ++i) {
    const AlgorithmInfo& about = info(static_cast<Algorithm>(i));
    if (algorithms->contains(about.algorithm) && secret->size() < about.digest_size)
      return no("shorter than the " + std::to_string(about.digest_size) + " bytes that " + std::string(about.name) +
                " needs");
  }
  return Key::secret(std::move(kid), *algorithms, std::move(*secret));
}

AlgorithmSet possible(KeyType type) {
  switch (type) {
    case KeyType::rsa:
      return kRsaAlgorithms;
    case KeyType::p256:
      return {Algorithm::es256};
    case KeyType::p384:
      return {Algorithm::es384};
    case KeyType::p521:
      return {Algorithm::es512};
    case KeyType::secret:
      return kSecretAlgorithms;
    default:
      return {Algorithm::eddsa};
  }
}

}  // namespace

std::expected<AlgorithmSet, std::string> algorithms_for(KeyType type, std::string_view alg, const KeyRules& rules) {
  AlgorithmSet out = possible(type);
  if (!alg.empty()) {
    const auto named = algorithm_of(alg);
    if (!named) return no("its alg is none that Weir verifies");
    if (!out.contains(*named)) return no("its alg does not belong to its type");
    out = {*named};
  } else if (type == KeyType::rsa) {
    out = out & rules.rsa;
  }
  out = out & rules.allowed;
  if (out.empty()) return no("none of its algorithms is allowed");
  return out;
}

AlgorithmSet claimed_algorithms(const Json& jwk, const KeyRules& rules) {
  const Json* alg = jwk.find("alg");
  const Json* type = jwk.find("kty");
  const Json* curve = jwk.find("crv");
  if (type == nullptr || !check_purpose(jwk)) return {};
  const std::string_view word = type->as_string();
  const auto at =
      std::ranges::find(kCurves, curve != nullptr ? curve->as_string() : std::string_view(), &Curve::name);
  KeyType kind = KeyType::ed25519;
  if (word == "RSA") {
    kind = KeyType::rsa;
  } else if (word == "oct") {
    kind = KeyType::secret;
  } else if (word == "EC" && at != kCurves.end()) {
    kind = at->type;
  } else if (word != "OKP") {
    return {};
  }
  const auto out = algorithms_for(kind, alg != nullptr ? alg->as_string() : std::string_view(), rules);
  return out ? *out : AlgorithmSet();
}

std::expected<void, std::string> check_rsa(std::string_view modulus, std::string_view exponent) {
  while (!modulus.empty() && modulus.front() == '\0') modulus.remove_prefix(1);
  while (!exponent.empty() && exponent.front() == '\0') exponent.remove_prefix(1);
  if (modulus.empty() || exponent.empty()) return no("its modulus or its exponent is 0");
  const std::size_t bits =
      modulus.size() * 8 - static_cast<std::size_t>(std::countl_zero(static_cast<unsigned char>(modulus.front())));
  // NIST SP 800-131A and RFC 7518 §3.3 for the least; beyond 8192 a verification costs what an attacker would like.
  if (bits < 2048) return no("an RSA key of " + std::to_string(bits) + " bits: 2048 are the least");
  if (bits > 8192) return no("an RSA key of " + std::to_string(bits) + " bits: 8192 are the most");
  if ((modulus.back() & 1) == 0) return no("its modulus is even");
  if (exponent.size() > 8) return no("its exponent has more than 64 bits");
  if ((exponent.back() & 1) == 0 || exponent == "\x01") return no("its exponent is even or 1");
  if (has_roca_fingerprint(modulus)) return no("a key that CVE-2017-15361 (ROCA) finds the factors of");
  return {};
}

Made read_jwk(const Json& jwk, const KeyRules& rules) {
  if (!jwk.is_object()) return no("is no object");
  bool wrong = false;
  const Json* type = string_member(jwk, "kty", wrong);
  const Json* kid = string_member(jwk, "kid", wrong);
  const Json* alg = string_member(jwk, "alg", wrong);
  if (wrong) return no("its kty, kid or alg is no string");
  if (type == nullptr) return no("has no kty");
  if (alg != nullptr && alg->as_string().empty()) return no("its alg is none that Weir verifies");
  if (auto purpose = check_purpose(jwk); !purpose) return no(std::move(purpose.error()));
  const std::string_view algorithm = alg != nullptr ? alg->as_string() : std::string_view();
  std::string name(kid != nullptr ? kid->as_string() : std::string_view());
  const std::string_view word = type->as_string();
  if (word == "RSA") return read_rsa(jwk, std::move(name), algorithm, rules);
  if (word == "EC") return read_ec(jwk, std::move(name), algorithm, rules);
  if (word == "OKP") return read_okp(jwk, std::move(name), algorithm, rules);
  if (word == "oct") return read_secret(jwk, std::move(name), algorithm, rules);
  return no("its kty is none of RSA, EC, OKP, oct");
}

}  // namespace weir::jose
