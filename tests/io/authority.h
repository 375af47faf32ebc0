// A certificate authority for tests: issues what a test asks for, expired and crooked ones included, as PEM files in
// a folder of its own that goes with it. Keys are P-256, which OpenSSL makes in well under a millisecond.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "io/tls/tls.h"
#include "io/tls/tls_certificate.h"

namespace weir::io {

struct CertificateRequest {
  std::vector<std::string> names;  // DNS names, or addresses; may hold what no real authority would sign
  long valid_from = -3600;         // seconds from now
  long valid_until = 3600;
};

class Authority {
 public:
  Authority() {
    std::string pattern = (std::filesystem::temp_directory_path() / "weir-authority-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    key_ = make_key();
    certificate_ = make(CertificateRequest{}, folder_.filename(), key_.get(), nullptr);
    write_certificate(ca_file(), {certificate_.get()});
  }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  ~Authority() { std::filesystem::remove_all(folder_); }

  const std::filesystem::path& folder() const { return folder_; }
  std::string ca_file() const { return folder_ / "ca.crt"; }

  // Writes STEM.crt (the certificate, then the authority's) and STEM.key.
  CertificateFiles issue(const std::string& stem, const CertificateRequest& request) {
    const KeyPtr key = make_key();
    const X509Ptr certificate = make(request, stem, key.get(), certificate_.get());
    CertificateFiles files{folder_ / (stem + ".crt"), folder_ / (stem + ".key")};
    write_certificate(files.cert_file, {certificate.get(), certificate_.get()});
    write_key(files.key_file, key.get(), nullptr);
    return files;
  }

  static KeyPtr make_key() { return KeyPtr(EVP_EC_gen("P-256")); }

  static void write_key(const std::string& file, EVP_PKEY* key, const char* passphrase) {
    FILE* out = std::fopen(file.c_str(), "we");
    PEM_write_PrivateKey(out, key, passphrase != nullptr ? EVP_aes_128_cbc() : nullptr,
                         reinterpret_cast<const unsigned char*>(passphrase),
                         passphrase != nullptr ? static_cast<int>(std::string_view(passphrase).size()) : 0, nullptr,
                         nullptr);
    std::fclose(out);
    ::chmod(file.c_str(), 0600);
  }

 private:
  static void write_certificate(const std::string& file, const std::vector<X509*>& certificates) {
    FILE* out = std::fopen(file.c_str(), "we");
    for (X509* certificate : certificates) PEM_write_X509(out, certificate);
    std::fclose(out);
  }

  X509Ptr make(const CertificateRequest& request, const std::string& common_name, EVP_PKEY* key, X509* issuer) {
    X509Ptr made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), ++serial_);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), request.valid_from);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), request.valid_until);
    X509_set_pubkey(made.get(), key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_UTF8,
                               reinterpret_cast<const unsigned char*>(common_name.c_str()), -1, -1, 0);
    X509_set_issuer_name(made.get(), X509_get_subject_name(issuer != nullptr ? issuer : made.get()));
    if (issuer == nullptr) add_ca_constraint(made.get());
    if (!request.names.empty()) add_names(made.get(), request.names);
    X509_sign(made.get(), key_.get(), EVP_sha256());
    return made;
  }

  static void add_ca_constraint(X509* certificate) {
    BASIC_CONSTRAINTS* constraints = BASIC_CONSTRAINTS_new();
    constraints->ca = 1;
    X509_add1_ext_i2d(certificate, NID_basic_constraints, constraints, 1, 0);
    BASIC_CONSTRAINTS_free(constraints);
  }

  // By hand rather than by OpenSSL's configuration syntax, which cannot express a NUL.
  static void add_names(X509* certificate, const std::vector<std::string>& names) {
    GENERAL_NAMES* list = GENERAL_NAMES_new();
    for (const std::string& name : names) {
      GENERAL_NAME* entry = GENERAL_NAME_new();
      if (const auto address = IpAddress::parse(name)) {
        ASN1_OCTET_STRING* bytes = ASN1_OCTET_STRING_new();
        const unsigned char* from = address->bytes().data() + (address->is_v4() ? 12 : 0);
        ASN1_OCTET_STRING_set(bytes, from, address->is_v4() ? 4 : 16);
        GENERAL_NAME_set0_value(entry, GEN_IPADD, bytes);
      } else {
        ASN1_IA5STRING* text = ASN1_IA5STRING_new();
        ASN1_STRING_set(text, name.data(), static_cast<int>(name.size()));
        GENERAL_NAME_set0_value(entry, GEN_DNS, text);
      }
      sk_GENERAL_NAME_push(list, entry);
    }
    X509_add1_ext_i2d(certificate, NID_subject_alt_name, list, 0, 0);
    GENERAL_NAMES_free(list);
  }

  std::filesystem::path folder_;
  KeyPtr key_;
  X509Ptr certificate_;
  long serial_ = 0;
};

}  // namespace weir::io
