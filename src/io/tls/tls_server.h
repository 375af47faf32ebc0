// The server's side of TLS: certificates by server name, protocol policy, session tickets. Made when a configuration
// is loaded, shared by all workers, immutable: a reload of certificates makes a new one, and connections under way
// keep the old. It moves no bytes and reads no file after make(). A session belongs to one thread, the context to
// any.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/json/problem.h"
#include "io/tls/tls.h"
#include "io/tls/tls_ticket_keys.h"

namespace weir::io {

struct TlsServerSettings {
  std::vector<CertificateFiles> certificates;  // the first is for clients that name no host, or one nobody has
  std::string min_version = "1.2";             // or "1.3"
  // Client certificates are asked for if there is a file of authorities (PEM) to verify them with. Who shows one that
  // does not hold gets no further, in either case; who shows none only if it is not required.
  std::string client_ca_file;
  bool client_required = false;
  int client_verify_depth = 3;  // intermediates between the client's certificate and an authority, at most
  std::vector<std::string> alpn = {"http/1.1"};  // in order of preference; empty: the extension is ignored
};

class TlsServerContext : public std::enable_shared_from_this<TlsServerContext> {
 public:
  // `ticket_keys` must outlive every context and every session; nullptr: tickets are good for this context only.
  // A Problem's path begins below the settings: "certificates[1].key_file".
  static std::expected<std::shared_ptr<const TlsServerContext>, Problem> make(const TlsServerSettings& settings,
                                                                              TlsTicketKeys* ticket_keys = nullptr);
  ~TlsServerContext();

  // What an operator should mend though it works: an expired certificate, one that can never be chosen.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }

  // A session in accept state on `fd`, which it does not own; -1 leaves the session without a transport. The caller
  // owns the session and as a rule hands it to Stream::handshake() at once. It keeps this context alive. nullptr only
  // when memory is out. SSL_read may read ahead: bytes can wait in the session when the socket has none, so read
  // until SSL_ERROR_WANT_READ.
  SSL* new_session(int fd) const;

  // Whether the certificate this session presents is good for `host` (a Host or :authority without port, any case, an
  // IPv6 address with or without brackets). If not, the request was for another server: 421, RFC 9110 §15.5.20. A
  // client that connects by address sends no SNI, and may be forgiven; one that did send SNI may not.
  static bool session_serves(const SSL* session, std::string_view host) noexcept;

 private:
  struct Vhost;
  struct Callbacks;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  using VhostsByName = std::unordered_map<std::string, const Vhost*, TextHash, std::equal_to<>>;

  TlsServerContext();
  std::expected<std::unique_ptr<Vhost>, Problem> make_vhost(const TlsServerSettings& settings, std::size_t index);
  void index_names(const Vhost& vhost, const std::string& file);
  const Vhost& vhost_for(std::string_view server_name) const noexcept;

  std::vector<std::unique_ptr<Vhost>> vhosts_;
  VhostsByName by_name_;  // names as in the certificates, "*.example.com" included
  std::string alpn_;      // as on the wire: length, name, ...
  TlsTicketKeys* ticket_keys_ = nullptr;
  std::vector<std::string> warnings_;
};

}  // namespace weir::io
