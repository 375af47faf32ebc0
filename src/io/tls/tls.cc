// What both TLS sides share (tls.h): descriptions of sessions and of OpenSSL's errors.
#include "io/tls/tls.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

namespace weir::io {
namespace {

bool verification_failed(const SSL* ssl) noexcept {
  return ssl != nullptr && SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE && SSL_get_verify_result(ssl) != X509_V_OK;
}

}  // namespace

void SslFree::operator()(SSL* ssl) const noexcept { SSL_free(ssl); }
void SslContextFree::operator()(SSL_CTX* context) const noexcept { SSL_CTX_free(context); }

TlsInfo tls_info(const SSL* ssl) noexcept {
  TlsInfo info;
  info.version = SSL_get_version(ssl);
  if (const SSL_CIPHER* cipher = SSL_get_current_cipher(ssl)) info.cipher = SSL_CIPHER_get_name(cipher);
  const unsigned char* alpn = nullptr;
  unsigned int length = 0;
  SSL_get0_alpn_selected(ssl, &alpn, &length);
  if (length > 0) info.alpn = {reinterpret_cast<const char*>(alpn), length};
  if (const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name)) info.sni = name;
  info.resumed = SSL_session_reused(ssl) == 1;
  return info;
}

std::string tls_error(const SSL* ssl) {
  std::string text;
  while (const unsigned long code = ERR_get_error()) {
    const char* reason = ERR_reason_error_string(code);
    if (reason == nullptr || text.find(reason) != std::string::npos) continue;
    if (!text.empty()) text += ": ";
    text += reason;
  }
  if (verification_failed(ssl)) {
    if (!text.empty()) text += ": ";
    text += X509_verify_cert_error_string(SSL_get_verify_result(ssl));
  }
  return text.empty() ? "connection closed" : text;
}

std::string_view tls_failure(const SSL* ssl) noexcept {
  const unsigned long code = ERR_peek_error();
  ERR_clear_error();
  if (verification_failed(ssl)) return X509_verify_cert_error_string(SSL_get_verify_result(ssl));
  const char* reason = code != 0 ? ERR_reason_error_string(code) : nullptr;
  return reason != nullptr ? reason : "connection closed";
}

std::string_view tls_library_version() noexcept { return OpenSSL_version(OPENSSL_VERSION); }

void clear_tls_errors() noexcept { ERR_clear_error(); }

}  // namespace weir::io
