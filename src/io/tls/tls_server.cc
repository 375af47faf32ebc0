// The server's side of TLS (tls_server.h). Each certificate has its own SSL_CTX; the client-hello callback switches
// to it before OpenSSL looks at a ticket, so that the session id context refuses a ticket that was made for another
// vhost (attacks C9, CVE-2025-23419).
#include "io/tls/tls_server.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>

#include "base/ip.h"
#include "io/tls/tls_certificate.h"
#include "io/tls/tls_policy.h"

namespace weir::io {
namespace {

// Mozilla "intermediate" (5.7) for TLS 1.2, without DHE: every client on that list has ECDHE. TLS 1.3's own suites
// stay OpenSSL's default.
constexpr const char* kCiphers =
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";
constexpr const char* kGroups = "X25519:P-256:P-384";

Problem context_problem(std::string_view path, std::string message, std::string hint) {
  return Problem{{}, std::string(path), std::move(message), std::move(hint)};
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// The name in the extension of RFC 6066 §3, which the client-hello callback gets raw. Empty when absent or malformed:
// in the latter case OpenSSL sends the alert a moment later.
std::string_view server_name_of(SSL* ssl) noexcept {
  const unsigned char* bytes = nullptr;
  std::size_t length = 0;
  if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &bytes, &length) != 1) return {};
  // list length (2), type (1, zero = host_name), name length (2), name: a list of exactly one.
  constexpr std::size_t kHead = 5;
  if (length < kHead || bytes[2] != TLSEXT_NAMETYPE_host_name) return {};
  const std::size_t name = static_cast<std::size_t>(bytes[3]) << 8 | bytes[4];
  if (name != length - kHead) return {};
  return {reinterpret_cast<const char*>(bytes) + kHead, name};
}

}  // namespace

// One certificate and the hosts it is good for. OpenSSL's context points back here.
struct TlsServerContext::Vhost {
  SslContextPtr context;
  std::vector<std::string> names;  // sorted
  std::vector<IpAddress> addresses;
  TlsTicketKeys* ticket_keys = nullptr;

  bool serves(std::string_view name) const noexcept {
    if (std::binary_search(names.begin(), names.end(), name, std::less<>{})) return true;
    // A wildcard stands for exactly one label, RFC 9525 §6.3.
    const std::size_t dot = name.find('.');
    if (dot == 0 || dot == std::string_view::npos) return false;
    const std::string_view parent = name.substr(dot);
    return std::any_of(names.begin(), names.end(), [&](const std::string& own) {
      return own[0] == '*' && own.compare(1, own.npos, parent) == 0;
    });
  }
};

// What OpenSSL calls during a handshake, on the thread of the session.
struct TlsServerContext::Callbacks {
  static int client_hello(SSL* ssl, int* alert, void* argument) {
    const auto& context = *static_cast<const TlsServerContext*>(argument);
    const Vhost& vhost = context.vhost_for(server_name_of(ssl));
    if (SSL_set_SSL_CTX(ssl, vhost.context.get()) != nullptr) return SSL_CLIENT_HELLO_SUCCESS;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_CLIENT_HELLO_ERROR;
  }

  // Only acknowledges: without it OpenSSL would not remember the name in a session.
  static int server_name(SSL*, int*, void*) { return SSL_TLSEXT_ERR_OK; }

  static int select_alpn(SSL*, const unsigned char** out, unsigned char* out_length, const unsigned char* offered,
                         unsigned int offered_length, void* argument) {
    const std::string& own = static_cast<const TlsServerContext*>(argument)->alpn_;
    unsigned char* selected = nullptr;
    const int verdict =
        SSL_select_next_proto(&selected, out_length, reinterpret_cast<const unsigned char*>(own.data()),
                              static_cast<unsigned int>(own.size()), offered, offered_length);
    // RFC 7301 §3.2: no protocol in common is fatal, no_application_protocol.
    if (verdict != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = selected;
    return SSL_TLSEXT_ERR_OK;
  }

  static int ticket_key(SSL* ssl, unsigned char* name, unsigned char* iv, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                        int sealing) {
    const auto* vhost = static_cast<const Vhost*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
    const std::span<unsigned char, 16> name_bytes(name, 16);
    const std::span<unsigned char, 16> iv_bytes(iv, 16);
    if (sealing != 0) return vhost->ticket_keys->seal(name_bytes, iv_bytes, cipher, mac) ? 1 : -1;
    switch (vhost->ticket_keys->open(name_bytes, iv_bytes, cipher, mac)) {
      case TlsTicketKeys::Opened::unknown:
        return 0;
      case TlsTicketKeys::Opened::good:
        return 1;
      case TlsTicketKeys::Opened::good_but_old:
        return 2;
      case TlsTicketKeys::Opened::failed:
        break;
    }
    return -1;
  }

  static void forget_context(void*, void* context, CRYPTO_EX_DATA*, int, long, void*) {
    delete static_cast<std::shared_ptr<const TlsServerContext>*>(context);
  }
  static int keep_index() {
    static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, &forget_context);
    return index;
  }
};

namespace {

// What makes two vhosts different for a resumed session: the names and the policy, not the certificate's bytes, so
// that tickets survive a renewal. Whatever policy is added to the settings belongs in here.
std::array<unsigned char, SHA256_DIGEST_LENGTH> session_context(const TlsServerSettings& settings,
                                                                const Certificate& certificate,
                                                                const std::string& client_ca) {
  std::string text = "weir vhost 1\n" + settings.min_version + '\n';
  // Who was verified by other authorities, or by none, is verified again: a resumed session shows no certificate.
  text += "clients " + client_ca + (settings.client_required ? " required " : " optional ") +
          std::to_string(settings.client_verify_depth) + '\n';
  for (const std::string& protocol : settings.alpn) text += protocol + ' ';
  for (const std::string& name : certificate.dns_names) text += '\n' + name;
  for (const IpAddress& address : certificate.addresses) text += '\n' + address.to_string();
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data());
  return digest;
}

std::optional<Problem> set_server_policy(SSL_CTX* context, const std::string& min_version) {
  if (auto refused = set_tls_policy(context, min_version)) return refused;
  // A client that drops the connection without close_notify is common and no error: HTTP's own framing tells whether
  // a request is whole. Not so for responses of an upstream, see tls_client.cc.
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_timeout(context, static_cast<long>(kTicketLifetime.count()));
  if (SSL_CTX_set_cipher_list(context, kCiphers) == 1 && SSL_CTX_set1_groups_list(context, kGroups) == 1) {
    return std::nullopt;
  }
  return refused_policy("");
}

// `pem` is the text of the settings' client_ca_file.
std::optional<Problem> ask_for_certificates(SSL_CTX* context, const TlsServerSettings& settings,
                                            const std::string& pem) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                      &BIO_free);
  int count = 0;
  while (bio != nullptr) {
    const X509Ptr authority(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!authority) break;
    ++count;
    // The names are sent to clients, so that they choose the right certificate.
    if (X509_STORE_add_cert(SSL_CTX_get_cert_store(context), authority.get()) != 1 ||
        SSL_CTX_add_client_CA(context, authority.get()) != 1)
      return context_problem("client_ca_file", "OpenSSL refuses a certificate of it: " + tls_error(), "");
  }
  ERR_clear_error();  // the end of the file is an error to OpenSSL
  if (count == 0)
    return context_problem("client_ca_file", "no certificate in " + settings.client_ca_file, "it must be PEM");
  SSL_CTX_set_verify(context, SSL_VERIFY_PEER | (settings.client_required ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
                     nullptr);
  SSL_CTX_set_verify_depth(context, settings.client_verify_depth);
  return std::nullopt;
}

}  // namespace

TlsServerContext::TlsServerContext() = default;
TlsServerContext::~TlsServerContext() = default;

std::expected<std::shared_ptr<const TlsServerContext>, Problem> TlsServerContext::make(
    const TlsServerSettings& settings, TlsTicketKeys* ticket_keys) {
  if (settings.certificates.empty()) {
    return std::unexpected(context_problem("certificates", "TLS needs at least one certificate",
                                           "add {cert_file: server.crt, key_file: server.key}"));
  }
  std::shared_ptr<TlsServerContext> made(new TlsServerContext);
  made->ticket_keys_ = ticket_keys;
  for (const std::string& protocol : settings.alpn) {
    // RFC 7301 §3.1: 1 to 255 bytes.
    if (protocol.empty() || protocol.size() > 255) {
      return std::unexpected(context_problem("alpn", "an ALPN protocol has 1 to 255 bytes", ""));
    }
    made->alpn_ += static_cast<char>(protocol.size());
    made->alpn_ += protocol;
  }
  for (std::size_t i = 0; i < settings.certificates.size(); ++i) {
    auto vhost = made->make_vhost(settings, i);
    if (!vhost) return std::unexpected(std::move(vhost.error()));
    made->vhosts_.push_back(std::move(*vhost));
    made->index_names(*made->vhosts_.back(), settings.certificates[i].cert_file);
  }
  SSL_CTX_set_client_hello_cb(made->vhosts_.front()->context.get(), &Callbacks::client_hello, made.get());
  return made;
}

std::expected<std::unique_ptr<TlsServerContext::Vhost>, Problem> TlsServerContext::make_vhost(
    const TlsServerSettings& settings, std::size_t index) {
  const CertificateFiles& files = settings.certificates[index];
  const std::string path = "certificates[" + std::to_string(index) + "]";
  auto certificate = load_certificate(files, path);
  if (!certificate) return std::unexpected(std::move(certificate.error()));

  auto vhost = std::make_unique<Vhost>();
  vhost->context.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = vhost->context.get();
  std::string client_ca;
  if (!settings.client_ca_file.empty()) {
    auto pem = read_pem_file(settings.client_ca_file, "", "client_ca_file");
    if (!pem) return std::unexpected(std::move(pem.error()));
    client_ca = std::move(*pem);
  }
  const auto digest = session_context(settings, *certificate, client_ca);
  if (context == nullptr || SSL_CTX_set_session_id_context(context, digest.data(), digest.size()) != 1) {
    return std::unexpected(refused_policy(path));
  }
  if (auto refused = set_server_policy(context, settings.min_version)) return std::unexpected(std::move(*refused));
  if (auto refused = use_certificate(context, *certificate, files, path)) return std::unexpected(std::move(*refused));
  if (!client_ca.empty()) {
    if (auto refused = ask_for_certificates(context, settings, client_ca))
      return std::unexpected(std::move(*refused));
  }
  vhost->names = std::move(certificate->dns_names);
  vhost->addresses = std::move(certificate->addresses);
  vhost->ticket_keys = ticket_keys_;
  for (std::string& warning : certificate->warnings) warnings_.push_back(std::move(warning));

  SSL_CTX_set_app_data(context, vhost.get());
  SSL_CTX_set_tlsext_servername_callback(context, &Callbacks::server_name);
  if (!alpn_.empty()) SSL_CTX_set_alpn_select_cb(context, &Callbacks::select_alpn, this);
  if (ticket_keys_ != nullptr) SSL_CTX_set_tlsext_ticket_key_evp_cb(context, &Callbacks::ticket_key);
  return vhost;
}

// The first certificate that has a name keeps it.
void TlsServerContext::index_names(const Vhost& vhost, const std::string& file) {
  bool chosen = vhosts_.size() == 1;
  for (const std::string& name : vhost.names) chosen = by_name_.emplace(name, &vhost).second || chosen;
  if (!chosen) warnings_.push_back(file + " is never chosen: the certificates before it have all of its names");
}

const TlsServerContext::Vhost& TlsServerContext::vhost_for(std::string_view server_name) const noexcept {
  const Vhost& fallback = *vhosts_.front();
  // 253: RFC 1035 §2.3.4; a longer one can be in no certificate.
  if (server_name.empty() || server_name.size() > 253) return fallback;
  const std::string name = lower(server_name);
  auto found = by_name_.find(name);
  if (found == by_name_.end()) {
    const std::size_t dot = name.find('.');
    if (dot == 0 || dot == std::string::npos) return fallback;
    found = by_name_.find("*" + name.substr(dot));
  }
  return found == by_name_.end() ? fallback : *found->second;
}

SSL* TlsServerContext::new_session(int fd) const {
  SslPtr session(SSL_new(vhosts_.front()->context.get()));
  if (session == nullptr) return nullptr;
  auto keep = std::make_unique<std::shared_ptr<const TlsServerContext>>(shared_from_this());
  if (SSL_set_ex_data(session.get(), Callbacks::keep_index(), keep.get()) != 1) return nullptr;
  (void)keep.release();  // the session owns it now
  if (fd >= 0 && SSL_set_fd(session.get(), fd) != 1) return nullptr;
  SSL_set_accept_state(session.get());
  return session.release();
}

bool TlsServerContext::session_serves(const SSL* session, std::string_view host) noexcept {
  const auto* vhost = static_cast<const Vhost*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(session)));
  if (vhost == nullptr || host.empty() || host.size() > 255) return false;
  const bool bracketed = host.front() == '[' && host.back() == ']';
  if (const auto address = IpAddress::parse(bracketed ? host.substr(1, host.size() - 2) : host)) {
    return std::find(vhost->addresses.begin(), vhost->addresses.end(), *address) != vhost->addresses.end();
  }
  std::array<char, 255> text;
  std::transform(host.begin(), host.end(), text.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return vhost->serves({text.data(), host.size()});
}

}  // namespace weir::io
