// signed.h, by OpenSSL.
#include "revision/signed.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>
#include <memory>

#include "base/json/json.h"
#include "crypto/digest.h"
#include "crypto/openssl.h"
#include "revision/header.h"

namespace weir::revision {
namespace {

using PkeyPtr = std::unique_ptr<EVP_PKEY, crypto::Release<EVP_PKEY_free>>;

constexpr std::int64_t kForm = 1;

// Only a broken OpenSSL (no default provider, no memory) gets there, and nothing can be signed then.
[[noreturn]] void broken(const char* what) noexcept {
  std::fprintf(stderr, "weir: OpenSSL cannot %s\n", what);
  std::abort();
}

PkeyPtr private_key(const std::array<unsigned char, 32>& seed) {
  PkeyPtr key(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, seed.data(), seed.size()));
  if (!key) broken("make an Ed25519 key");
  return key;
}

// No question on the terminal for a key with a password.
int no_password(char*, int, int, void*) { return -1; }

}  // namespace

SigningKey SigningKey::generate() {
  std::array<unsigned char, 32> seed;
  if (RAND_priv_bytes(seed.data(), static_cast<int>(seed.size())) != 1) broken("make random bytes");
  SigningKey key(seed);
  OPENSSL_cleanse(seed.data(), seed.size());
  return key;
}

std::expected<SigningKey, std::string> SigningKey::from_pem(std::string_view pem) {
  if (pem.size() > 64 * 1024) return std::unexpected("this is no private key: it is longer than 64 KB");
  crypto::BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  PkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, no_password, nullptr));
  ERR_clear_error();  // TLS on this thread would take what is left there for its own
  if (!key)
    return std::unexpected(
        "this is no private key in PEM without a password; `openssl genpkey -algorithm ed25519` makes one");
  std::array<unsigned char, 32> seed;
  std::size_t size = seed.size();
  if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_ED25519 ||
      EVP_PKEY_get_raw_private_key(key.get(), seed.data(), &size) != 1 || size != seed.size())
    return std::unexpected("this private key is not Ed25519; `openssl genpkey -algorithm ed25519` makes one");
  SigningKey out(seed);
  OPENSSL_cleanse(seed.data(), seed.size());
  return out;
}

SigningKey::SigningKey(SigningKey&& other) noexcept : seed_(other.seed_) {
  OPENSSL_cleanse(other.seed_.data(), other.seed_.size());
}

SigningKey& SigningKey::operator=(SigningKey&& other) noexcept {
  if (this != &other) {
    seed_ = other.seed_;
    OPENSSL_cleanse(other.seed_.data(), other.seed_.size());
  }
  return *this;
}

SigningKey::~SigningKey() { OPENSSL_cleanse(seed_.data(), seed_.size()); }

std::string SigningKey::to_pem() const {
  const PkeyPtr key = private_key(seed_);
  crypto::BioPtr bio(BIO_new(BIO_s_secmem()));
  char* text = nullptr;
  if (!bio || PEM_write_bio_PKCS8PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) != 1)
    broken("write a key");
  const long size = BIO_get_mem_data(bio.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

PublicKey SigningKey::public_key() const noexcept {
  const PkeyPtr key = private_key(seed_);
  PublicKey out{};
  std::size_t size = out.size();
  if (EVP_PKEY_get_raw_public_key(key.get(), out.data(), &size) != 1) broken("derive a public key");
  return out;
}

Signed SigningKey::sign(std::uint64_t number, std::string document, std::int64_t made_at) const {
  Signed out{number, std::move(document), {}, made_at, {}};
  out.digest = crypto::sha256_hex(out.document);
  const std::string text = to_be_signed(out);
  const PkeyPtr key = private_key(seed_);
  crypto::DigestContextPtr context(EVP_MD_CTX_new());
  std::size_t size = out.signature.size();
  if (!context || EVP_DigestSignInit(context.get(), nullptr, nullptr, nullptr, key.get()) != 1 ||
      EVP_DigestSign(context.get(), out.signature.data(), &size, crypto::bytes(text), text.size()) != 1)
    broken("sign");
  return out;
}

std::string to_hex(const PublicKey& key) { return hex_of(key); }

std::expected<PublicKey, std::string> public_key(std::string_view hex) {
  constexpr std::string_view kSpace = " \t\r\n";
  const std::size_t begin = hex.find_first_not_of(kSpace);
  if (begin != std::string_view::npos) hex = hex.substr(begin, hex.find_last_not_of(kSpace) - begin + 1);
  PublicKey out{};
  if (!from_hex(hex, out)) return std::unexpected("a public key is 64 hex digits; `weir control` prints its own");
  return out;
}

std::string to_be_signed(const Signed& revision) {
  return "weir-revision-1\n" + std::to_string(revision.number) + "\n" + std::to_string(revision.made_at) + "\n" +
         revision.digest + "\n";
}

std::expected<void, std::string> verify(const Signed& revision, const PublicKey& key) {
  // The signature first: what is signed by nobody we know is not even hashed.
  const std::string text = to_be_signed(revision);
  const PkeyPtr pkey(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
  crypto::DigestContextPtr context(EVP_MD_CTX_new());
  const bool holds = pkey && context &&
                     EVP_DigestVerifyInit(context.get(), nullptr, nullptr, nullptr, pkey.get()) == 1 &&
                     EVP_DigestVerify(context.get(), revision.signature.data(), revision.signature.size(),
                                      crypto::bytes(text), text.size()) == 1;
  ERR_clear_error();
  if (!holds)
    return std::unexpected("the signature of revision " + std::to_string(revision.number) +
                           " does not hold for the public key " + to_hex(key));
  if (crypto::sha256_hex(revision.document) != revision.digest)
    return std::unexpected("the document of revision " + std::to_string(revision.number) +
                           " does not have the digest that was signed");
  return {};
}

std::string encode(const Signed& revision) {
  Json line = describe(revision);
  line.set("revision_form", kForm);
  line.set("size", revision.document.size());
  return to_canonical(line) + "\n" + revision.document;
}

std::expected<Signed, std::string> decode(std::string_view bytes) {
  auto parts = split(bytes);
  if (!parts) return std::unexpected(std::move(parts.error()));
  Signed out;
  if (!read(parts->line, out)) return std::unexpected("the first line of the revision is not one of ours");
  out.document = parts->rest;
  // One spelling only: what was read is what stands there, to the byte.
  if (encode(out) != bytes)
    return std::unexpected("revision " + std::to_string(out.number) + " is torn, or of another version of Weir");
  return out;
}

}  // namespace weir::revision
