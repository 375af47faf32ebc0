// The client's side of TLS, for connections to upstreams: whom to trust, what to present, which name to expect. Made
// when a configuration is loaded, shared by all workers, immutable. It moves no bytes. A session belongs to one
// thread, the context to any.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/json/problem.h"
#include "io/tls/tls.h"

namespace weir::io {

struct TlsClientSettings {
  std::string server_name = {};  // for SNI and verification in place of the target's host; empty: the target's host
  std::string ca_file = {};      // PEM; the only authorities trusted. Empty: those of the system
  bool verify = true;
  std::optional<CertificateFiles> certificate = {};  // presented when the server asks
  std::string min_version = "1.2";                   // or "1.3"

  bool operator==(const TlsClientSettings&) const = default;
};

class TlsClientContext {
 public:
  // A Problem's path begins below the settings: "ca_file".
  static std::expected<std::shared_ptr<const TlsClientContext>, Problem> make(const TlsClientSettings& settings);

  // What an operator should mend though it works, such as an expired client certificate.
  const std::vector<std::string>& warnings() const noexcept { return warnings_; }

  // A session in connect state on `fd`, which it does not own; -1 leaves it without a transport. The server must
  // prove to be settings.server_name or else `host`, a DNS name or an IP address without brackets; a name is also
  // sent as SNI (RFC 6066 §3 forbids addresses there). ALPN offers http/1.1. nullptr when memory is out or the name
  // is unusable. As with a server's session, read until SSL_ERROR_WANT_READ.
  SSL* new_session(int fd, const std::string& host) const;

 private:
  TlsClientContext() = default;

  SslContextPtr context_;
  std::string server_name_;
  bool verify_ = true;
  std::vector<std::string> warnings_;
};

}  // namespace weir::io
