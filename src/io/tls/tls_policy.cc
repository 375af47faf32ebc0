// What holds for every TLS connection (tls_policy.h).
#include "io/tls/tls_policy.h"

#include <openssl/ssl.h>

namespace weir::io {

Problem refused_policy(std::string_view path) {
  return Problem{
      {}, std::string(path), "OpenSSL refuses Weir's TLS policy: " + tls_error(), "look at the system's openssl.cnf"};
}

std::optional<Problem> set_tls_policy(SSL_CTX* context, const std::string& min_version) {
  if (min_version != "1.2" && min_version != "1.3") {
    return Problem{
        {}, "min_version", "\"" + min_version + "\" is no TLS version Weir speaks", "write \"1.2\" or \"1.3\""};
  }
  // Renegotiation and compression: CVE-2009-3555, CVE-2012-4929 (CRIME).
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  // An idle session gives its 34 KiB of buffers back; writes may be repeated from wherever the bytes then are.
  SSL_CTX_set_mode(context,
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  // One recv() for a record instead of one for its head and one for its body.
  SSL_CTX_set_read_ahead(context, 1);
  // A server's tickets hold all there is to know: no table of sessions that grows with the clients. Connections to
  // upstreams are pooled and live long; keeping their sessions too would gain little.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  if (SSL_CTX_set_min_proto_version(context, min_version == "1.3" ? TLS1_3_VERSION : TLS1_2_VERSION) == 1 &&
      SSL_CTX_set_max_proto_version(context, TLS1_3_VERSION) == 1) {
    return std::nullopt;
  }
  return refused_policy("");
}

}  // namespace weir::io
