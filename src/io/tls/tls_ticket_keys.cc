// Session ticket keys (tls_ticket_keys.h): AES-256-CBC with HMAC-SHA-256, the construction of RFC 5077 §4.
#include "io/tls/tls_ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rand.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace weir::io {

TlsTicketKeys::Key::~Key() {
  OPENSSL_cleanse(cipher.data(), cipher.size());
  OPENSSL_cleanse(mac.data(), mac.size());
}

void TlsTicketKeys::CipherFree::operator()(EVP_CIPHER* cipher) const noexcept { EVP_CIPHER_free(cipher); }

TlsTicketKeys::TlsTicketKeys(Duration period, std::function<TimePoint()> now)
    : period_(period),
      aes_(EVP_CIPHER_fetch(nullptr, "AES-256-CBC", nullptr)),
      now_(std::move(now)),
      made_(now_()),
      current_(make_key()) {}

TlsTicketKeys::~TlsTicketKeys() = default;

TlsTicketKeys::Key TlsTicketKeys::make_key() {
  Key key;
  if (RAND_bytes(key.name.data(), key.name.size()) != 1 ||
      RAND_priv_bytes(key.cipher.data(), key.cipher.size()) != 1 ||
      RAND_priv_bytes(key.mac.data(), key.mac.size()) != 1) {
    // A machine without randomness must not serve TLS at all.
    std::fputs("weir: OpenSSL has no random numbers for session ticket keys\n", stderr);
    std::abort();
  }
  return key;
}

void TlsTicketKeys::rotate() {
  const TimePoint now = now_();
  if (now - made_ < period_) return;
  // After a silence of two periods the current key too is older than any ticket that may still be opened.
  if (now - made_ < 2 * period_) {
    previous_ = current_;
  } else {
    previous_.reset();
  }
  current_ = make_key();
  made_ = now;
}

bool TlsTicketKeys::prepare_mac(const Key& key, EVP_MAC_CTX* mac) const {
  char digest[] = "SHA256";
  auto* bytes = const_cast<unsigned char*>(key.mac.data());
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, bytes, key.mac.size()),
                                   OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

bool TlsTicketKeys::seal(std::span<unsigned char, 16> name, std::span<unsigned char, 16> iv, EVP_CIPHER_CTX* cipher,
                         EVP_MAC_CTX* mac) {
  const std::lock_guard lock(mutex_);
  rotate();
  std::memcpy(name.data(), current_.name.data(), name.size());
  return RAND_bytes(iv.data(), static_cast<int>(iv.size())) == 1 &&
         EVP_EncryptInit_ex2(cipher, aes_.get(), current_.cipher.data(), iv.data(), nullptr) == 1 &&
         prepare_mac(current_, mac);
}

TlsTicketKeys::Opened TlsTicketKeys::open(std::span<const unsigned char, 16> name,
                                          std::span<const unsigned char, 16> iv, EVP_CIPHER_CTX* cipher,
                                          EVP_MAC_CTX* mac) {
  const std::lock_guard lock(mutex_);
  rotate();
  const auto named = [&](const Key& key) { return std::memcmp(key.name.data(), name.data(), name.size()) == 0; };
  const Key* key = nullptr;
  if (named(current_)) {
    key = &current_;
  } else if (previous_ && named(*previous_)) {
    key = &*previous_;
  } else {
    return Opened::unknown;
  }
  if (EVP_DecryptInit_ex2(cipher, aes_.get(), key->cipher.data(), iv.data(), nullptr) != 1 ||
      !prepare_mac(*key, mac)) {
    return Opened::failed;
  }
  return key == &current_ ? Opened::good : Opened::good_but_old;
}

}  // namespace weir::io
