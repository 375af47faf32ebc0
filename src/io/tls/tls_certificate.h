// A certificate with its chain and key, read from files and checked, with every mistake a person can make there told
// in their words. Used by tls_server.cc and tls_client.cc while a configuration is loaded; never on the way of a
// request. It does not verify the chain up to a root: that is the clients' to do.
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/json/problem.h"
#include "io/tls/tls.h"

typedef struct x509_st X509;
typedef struct evp_pkey_st EVP_PKEY;

namespace weir::io {

struct X509Free {
  void operator()(X509* certificate) const noexcept;
};
struct KeyFree {
  void operator()(EVP_PKEY* key) const noexcept;
};
using X509Ptr = std::unique_ptr<X509, X509Free>;
using KeyPtr = std::unique_ptr<EVP_PKEY, KeyFree>;

struct Certificate {
  X509Ptr leaf;
  std::vector<X509Ptr> chain;  // the intermediates, in the file's order
  KeyPtr key;
  // subjectAltName only: the subject's common name has no meaning for a host (RFC 9525 §2).
  std::vector<std::string> dns_names;  // lower case, sorted; a wildcard as "*.example.com"
  std::vector<IpAddress> addresses;
  std::vector<std::string> warnings;  // sentences that name the file: expired, no names, key open to everyone
};

// `path` is where the files stand in the document ("tls.certificates[0]"); a Problem's path is below it.
std::expected<Certificate, Problem> load_certificate(const CertificateFiles& files, std::string_view path);

// Makes `context` present the certificate. A Problem when OpenSSL's policy refuses it (a key too small).
std::optional<Problem> use_certificate(SSL_CTX* context, const Certificate& certificate,
                                       const CertificateFiles& files, std::string_view path);

// The file's bytes, or a Problem that says why not. `field` is the name of the field that holds `file`.
std::expected<std::string, Problem> read_pem_file(const std::string& file, std::string_view path,
                                                  std::string_view field);

}  // namespace weir::io
