// The keys that session tickets are sealed with (RFC 5077, RFC 8446 §4.6.1). One object per process, made in main and
// handed to every TlsServerContext, so that a client resumes across workers and across a reload of certificates. Kept
// in memory only: a ticket does not survive the process. Which vhost a ticket is for is not decided here but by the
// session id context (tls_server.cc). Any thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>

#include "io/loop/clock.h"

typedef struct evp_cipher_st EVP_CIPHER;
typedef struct evp_cipher_ctx_st EVP_CIPHER_CTX;
typedef struct evp_mac_ctx_st EVP_MAC_CTX;

namespace weir::io {

// How long a session may be resumed: OpenSSL's own default for TLS.
inline constexpr std::chrono::seconds kTicketLifetime = std::chrono::hours(2);

class TlsTicketKeys {
 public:
  // A new key every `period`, the one before it still opens tickets. With a period no shorter than kTicketLifetime no
  // ticket is refused before it expires, and no key is in memory for longer than two periods of use.
  explicit TlsTicketKeys(Duration period = kTicketLifetime, std::function<TimePoint()> now = &Clock::now);
  TlsTicketKeys(const TlsTicketKeys&) = delete;
  TlsTicketKeys& operator=(const TlsTicketKeys&) = delete;
  ~TlsTicketKeys();

  // What OpenSSL's ticket key callback has to do: names the current key and prepares its cipher and MAC.
  // False: OpenSSL failed, no ticket is given.
  bool seal(std::span<unsigned char, 16> name, std::span<unsigned char, 16> iv, EVP_CIPHER_CTX* cipher,
            EVP_MAC_CTX* mac);

  enum class Opened { unknown, good, good_but_old, failed };
  // Prepares the named key to open a ticket. `unknown`: a full handshake; `good_but_old`: give a new ticket.
  Opened open(std::span<const unsigned char, 16> name, std::span<const unsigned char, 16> iv, EVP_CIPHER_CTX* cipher,
              EVP_MAC_CTX* mac);

 private:
  struct Key {
    Key() = default;
    Key(const Key&) = default;
    Key& operator=(const Key&) = default;
    ~Key();
    std::array<unsigned char, 16> name{};
    std::array<unsigned char, 32> cipher{};
    std::array<unsigned char, 32> mac{};
  };
  struct CipherFree {
    void operator()(EVP_CIPHER* cipher) const noexcept;
  };

  static Key make_key();
  void rotate();
  bool prepare_mac(const Key& key, EVP_MAC_CTX* mac) const;

  const Duration period_;
  const std::unique_ptr<EVP_CIPHER, CipherFree> aes_;  // fetched once: a fetch per ticket takes a lock in OpenSSL 3
  std::mutex mutex_;
  std::function<TimePoint()> now_;  // the rest is guarded by mutex_
  TimePoint made_;
  Key current_;
  std::optional<Key> previous_;
};

}  // namespace weir::io
