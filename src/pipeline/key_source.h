// Where the keys of an issuer of tokens are fetched from, as a filter's config says it. The snapshot lists them; the
// keeper (gateway/keys/key_keeper.h) fetches them in the background and hands each worker what it found
// (ports/key_sets.h).
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "jose/key_set.h"

namespace weir::io {
class TlsClientContext;
}

namespace weir::pipeline {

struct KeySourceSpec {
  std::string url;     // of the JWK set; empty: it is found by discovery
  std::string issuer;  // of discovery: the document below it must name exactly this issuer (OpenID Discovery §4.3)
  jose::KeyRules rules;
  bool allow_http = false;     // without TLS, whoever is on the way can put his own keys in
  bool allow_private = false;  // addresses that are not of the public internet
  std::string ca_file;         // the only authorities trusted; empty: those of the system
  // Filled in by MakeContext::key_source().
  std::shared_ptr<const io::TlsClientContext> tls;
  std::uint64_t id = 0;  // of all the above: the same after a reload, if nothing of it has changed
};

// An address that keys are fetched from, taken apart.
struct KeyUrl {
  bool https = true;
  std::string host;        // lower case; an IPv6 address without brackets
  std::uint16_t port = 0;  // always set
  std::string authority;   // what Host says
  std::string target;      // path and query
};

// The error is a sentence. Refused: any scheme but https (and http, if allowed), user information, a fragment.
std::expected<KeyUrl, std::string> parse_key_url(std::string_view url, bool allow_http);

// Where the discovery document of `issuer` is (OpenID Connect Discovery §4.1).
std::string discovery_url(std::string_view issuer);

}  // namespace weir::pipeline
