// The client's side of TLS (tls_client.h).
#include "io/tls/tls_client.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/ip.h"
#include "io/tls/tls_certificate.h"
#include "io/tls/tls_policy.h"

namespace weir::io {
namespace {

constexpr unsigned char kAlpn[] = "\x08http/1.1";

Problem client_problem(std::string_view path, std::string message, std::string hint) {
  return Problem{{}, std::string(path), std::move(message), std::move(hint)};
}

std::optional<Problem> trust(SSL_CTX* context, const TlsClientSettings& settings) {
  if (settings.ca_file.empty()) {
    if (SSL_CTX_set_default_verify_paths(context) == 1) return std::nullopt;
    return client_problem("ca_file", "the system's authorities cannot be loaded: " + tls_error(), "name a ca_file");
  }
  // Read by us first, so that a missing file is told as that and not as OpenSSL's "system lib".
  const auto text = read_pem_file(settings.ca_file, "", "ca_file");
  if (!text) return text.error();
  if (SSL_CTX_load_verify_file(context, settings.ca_file.c_str()) == 1) return std::nullopt;
  return client_problem("ca_file", "no certificate in " + settings.ca_file + " (" + tls_error() + ")",
                        "it must be PEM and hold the authorities that sign the upstream's certificate");
}

bool expect_name(SSL* session, const std::string& name, bool verify) {
  if (const auto address = IpAddress::parse(name)) {
    X509_VERIFY_PARAM* parameters = SSL_get0_param(session);
    return !verify || X509_VERIFY_PARAM_set1_ip_asc(parameters, address->to_string().c_str()) == 1;
  }
  SSL_set_hostflags(session, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  return SSL_set_tlsext_host_name(session, name.c_str()) == 1 &&
         (!verify || SSL_set1_host(session, name.c_str()) == 1);
}

}  // namespace

std::expected<std::shared_ptr<const TlsClientContext>, Problem> TlsClientContext::make(
    const TlsClientSettings& settings) {
  std::shared_ptr<TlsClientContext> made(new TlsClientContext);
  made->context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = made->context_.get();
  if (context == nullptr || SSL_CTX_set_alpn_protos(context, kAlpn, sizeof kAlpn - 1) != 0) {
    return std::unexpected(refused_policy(""));
  }
  // An end without close_notify stays an error here: a response that ends with the connection may have been cut
  // short.
  if (auto refused = set_tls_policy(context, settings.min_version)) return std::unexpected(std::move(*refused));
  SSL_CTX_set_verify(context, settings.verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (auto refused = settings.verify ? trust(context, settings) : std::nullopt) {
    return std::unexpected(std::move(*refused));
  }
  if (settings.certificate) {
    auto certificate = load_certificate(*settings.certificate, "certificate");
    if (!certificate) return std::unexpected(std::move(certificate.error()));
    if (auto refused = use_certificate(context, *certificate, *settings.certificate, "certificate")) {
      return std::unexpected(std::move(*refused));
    }
    made->warnings_ = std::move(certificate->warnings);
  }
  made->server_name_ = settings.server_name;
  made->verify_ = settings.verify;
  return made;
}

SSL* TlsClientContext::new_session(int fd, const std::string& host) const {
  const std::string& name = server_name_.empty() ? host : server_name_;
  SslPtr session(SSL_new(context_.get()));
  if (session == nullptr || name.empty() || name.find('\0') != std::string::npos) return nullptr;
  if (!expect_name(session.get(), name, verify_)) return nullptr;
  if (fd >= 0 && SSL_set_fd(session.get(), fd) != 1) return nullptr;
  SSL_set_connect_state(session.get());
  return session.release();
}

}  // namespace weir::io
