// What the two TLS sides (tls_server.h, tls_client.h) share: the owning pointer of a session, what is known of a
// session once its handshake ended, and OpenSSL's errors as text. Vendor headers stay in the .cc files. Moving bytes
// is not done here: io/stream.h calls SSL_read and SSL_write. A session belongs to one thread.
//
// A process that uses these sessions must ignore SIGPIPE: OpenSSL's socket BIO writes with write().
#pragma once

#include <memory>
#include <string>
#include <string_view>

typedef struct ssl_st SSL;
typedef struct ssl_ctx_st SSL_CTX;

namespace weir::io {

struct SslFree {
  void operator()(SSL* ssl) const noexcept;
};
struct SslContextFree {
  void operator()(SSL_CTX* context) const noexcept;
};
using SslPtr = std::unique_ptr<SSL, SslFree>;
using SslContextPtr = std::unique_ptr<SSL_CTX, SslContextFree>;

// Two PEM files: the certificate followed by its intermediates, and its key without a passphrase. Either may be here
// as text instead; then no file is read, and the name is what messages call it.
struct CertificateFiles {
  std::string cert_file;
  std::string key_file;
  std::string cert_text = {};
  std::string key_text = {};

  bool operator==(const CertificateFiles&) const = default;
};

// What a handshake agreed on. The views live as long as the session.
struct TlsInfo {
  std::string_view version;  // "TLSv1.3"
  std::string_view cipher;   // "TLS_AES_128_GCM_SHA256"
  std::string_view alpn;     // "http/1.1"; empty: none was negotiated
  std::string_view sni;      // as the client spelled it; empty: none. A resumed TLS 1.2 session has the original's.
  bool resumed = false;
};
TlsInfo tls_info(const SSL* ssl) noexcept;

// Why the last OpenSSL call of this thread failed: one line such as "certificate verify failed: self-signed
// certificate". Empties the thread's error queue. With a session, the verification's own verdict is added.
std::string tls_error(const SSL* ssl = nullptr);

// The same in static storage and without an allocation, for Error::detail: the verification's verdict if that is what
// failed, else the first error's reason, else "connection closed". Empties the thread's error queue.
std::string_view tls_failure(const SSL* ssl) noexcept;

// "OpenSSL 3.0.17 1 Jul 2025": the library at run time, not the headers.
std::string_view tls_library_version() noexcept;

// Forgets what earlier calls of this thread left in the queue. Call before each SSL_read, SSL_write and
// SSL_do_handshake, as SSL_get_error() looks at that queue; an error of another connection would end this one.
void clear_tls_errors() noexcept;

}  // namespace weir::io
