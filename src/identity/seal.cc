#include "identity/seal.h"

#include <openssl/evp.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "crypto/base64.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

namespace weir::identity {
namespace {

constexpr std::string_view kPrefix = "sealed:v1:";
constexpr std::size_t kNonce = 12;  // SP 800-38D §8.2.2: the random construction
constexpr std::size_t kTag = 16;

struct Free {
  void operator()(EVP_CIPHER_CTX* context) const noexcept { EVP_CIPHER_CTX_free(context); }
};
using Context = std::unique_ptr<EVP_CIPHER_CTX, Free>;

[[noreturn]] void give_up() {
  std::fputs("weir: OpenSSL cannot seal\n", stderr);
  std::abort();
}

unsigned char* bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* bytes(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }
int length(std::string_view text) { return static_cast<int>(text.size()); }

// RFC 5869: extract under a salt of our own, and one block of expand, which is as long as an AES-256 key.
crypto::Digest derive(std::string_view master_key) {
  const crypto::Digest extracted = crypto::Mac("weir sealed text")(master_key);
  const std::string_view key(reinterpret_cast<const char*>(extracted.data()), extracted.size());
  return crypto::Mac(key)({"AES-256-GCM v1", std::string_view("\x01", 1)});
}

}  // namespace

std::string about_secret(std::string_view name) { return "secret/" + std::string(name); }
std::string about_certificate(std::string_view name) { return "certificate/" + std::string(name); }

bool is_sealed(std::string_view text) noexcept { return text.starts_with(kPrefix); }

std::string seal(std::string_view plain, std::string_view master_key, std::string_view about) {
  const crypto::Digest key = derive(master_key);
  std::string out(kNonce + plain.size() + kTag, '\0');
  crypto::random_bytes({bytes(out), kNonce});
  const Context context(EVP_CIPHER_CTX_new());
  int written = 0, last = 0;
  unsigned char* const text = bytes(out) + kNonce;
  const bool sealed = context &&
                      EVP_EncryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), bytes(out)) == 1 &&
                      EVP_EncryptUpdate(context.get(), nullptr, &written, bytes(about), length(about)) == 1 &&
                      EVP_EncryptUpdate(context.get(), text, &written, bytes(plain), length(plain)) == 1 &&
                      EVP_EncryptFinal_ex(context.get(), text + written, &last) == 1 &&
                      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_GET_TAG, kTag, text + plain.size()) == 1;
  if (!sealed) give_up();
  return std::string(kPrefix) + crypto::to_base64({bytes(out), out.size()});
}

std::expected<std::string, std::string> unseal(std::string_view sealed, std::string_view master_key,
                                               std::string_view about) {
  std::string raw;
  if (!is_sealed(sealed) || !crypto::from_base64(sealed.substr(kPrefix.size()), raw) || raw.size() < kNonce + kTag)
    return std::unexpected("cannot be opened: it is no sealed text, or not all of it");
  const crypto::Digest key = derive(master_key);
  const std::string_view text = std::string_view(raw).substr(kNonce, raw.size() - kNonce - kTag);
  std::string out(text.size(), '\0');
  const Context context(EVP_CIPHER_CTX_new());
  int written = 0, last = 0;
  const bool opened =
      context && EVP_DecryptInit_ex(context.get(), EVP_aes_256_gcm(), nullptr, key.data(), bytes(raw)) == 1 &&
      EVP_DecryptUpdate(context.get(), nullptr, &written, bytes(about), length(about)) == 1 &&
      EVP_DecryptUpdate(context.get(), bytes(out), &written, bytes(text), length(text)) == 1 &&
      EVP_CIPHER_CTX_ctrl(context.get(), EVP_CTRL_GCM_SET_TAG, kTag, bytes(raw) + raw.size() - kTag) == 1 &&
      EVP_DecryptFinal_ex(context.get(), bytes(out) + written, &last) == 1;
  if (opened) return out;
  crypto::wipe(out);  // what GCM gives before the tag is proven is nobody's to see
  return std::unexpected("cannot be opened: it was sealed by another master key or for another name, or is damaged");
}

}  // namespace weir::identity
