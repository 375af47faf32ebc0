// Who a client's certificate says it is, once the handshake has verified it against the listener's authorities. Read
// once per connection and kept with the session; a resumed session has the certificate of its first handshake. The
// session's thread. OpenSSL stays in tls_peer.cc.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

typedef struct ssl_st SSL;

namespace weir::io {

struct TlsPeer {
  std::string subject;            // RFC 2253: "CN=shop,O=Example", UTF-8
  std::vector<std::string> sans;  // "dns:a.example" in lower case, "uri:…", "email:…", "ip:…"; others are left out
  std::string fingerprint;        // SHA-256 of the certificate, 64 lower-case hex digits
  std::int64_t not_before = 0;    // seconds since the epoch; both inclusive
  std::int64_t not_after = 0;

  std::vector<std::string_view> san_views;  // of the above
};

// nullptr: the client showed no certificate, or none that holds. Lives as long as the session.
const TlsPeer* tls_peer(SSL* session);

}  // namespace weir::io
