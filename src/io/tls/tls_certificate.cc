// Reading and checking certificate files (tls_certificate.h).
#include "io/tls/tls_certificate.h"

#include <fcntl.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace weir::io {
namespace {

// A chain of ten certificates of 4 KiB is already unusual; a mebibyte catches a wrong file, such as a device, early.
constexpr std::size_t kFileLimit = 1 << 20;
// A DNS name in text form, RFC 1035 §2.3.4.
constexpr std::size_t kNameLimit = 253;

struct BioFree {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};
using BioPtr = std::unique_ptr<BIO, BioFree>;

Problem problem(std::string_view path, std::string_view field, std::string message, std::string hint) {
  std::string where(path);
  if (!where.empty()) where += '.';
  where += field;
  return Problem{{}, std::move(where), std::move(message), std::move(hint)};
}

BioPtr memory_bio(const std::string& text) {
  return BioPtr(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

// Why: without a callback of ours OpenSSL would ask for a passphrase on the terminal, and a service has none.
int refuse_passphrase(char*, int, int, void* asked) {
  *static_cast<bool*>(asked) = true;
  return -1;
}

bool host_name_byte(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
}

// Lower case; empty when it is no name a client could send, an embedded NUL included (attacks C9).
std::string normal_name(std::string_view text) {
  std::string name(text);
  for (char& c : name) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  const std::string_view rest = std::string_view(name).substr(name.starts_with("*.") ? 2 : 0);
  const bool good = !rest.empty() && name.size() <= kNameLimit && rest.front() != '.' && rest.back() != '.' &&
                    rest.find("..") == std::string_view::npos &&
                    std::all_of(rest.begin(), rest.end(), host_name_byte);
  return good ? name : std::string();
}

std::optional<IpAddress> address_of(const unsigned char* bytes, std::size_t length) noexcept {
  if (length == 4) return IpAddress::v4(bytes[0], bytes[1], bytes[2], bytes[3]);
  if (length != 16) return std::nullopt;
  IpAddress::Bytes out;
  std::memcpy(out.data(), bytes, out.size());
  return IpAddress(out);
}

void read_names(Certificate& certificate, const std::string& file) {
  auto* names =
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate.leaf.get(), NID_subject_alt_name, nullptr, nullptr));
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* entry = sk_GENERAL_NAME_value(names, i);
    if (entry->type != GEN_DNS && entry->type != GEN_IPADD) continue;
    const ASN1_STRING* value = entry->type == GEN_DNS ? entry->d.dNSName : entry->d.iPAddress;
    const unsigned char* bytes = ASN1_STRING_get0_data(value);
    const auto length = static_cast<std::size_t>(ASN1_STRING_length(value));
    if (entry->type == GEN_IPADD) {
      if (const auto address = address_of(bytes, length)) certificate.addresses.push_back(*address);
      continue;
    }
    std::string name = normal_name({reinterpret_cast<const char*>(bytes), length});
    if (name.empty()) {
      certificate.warnings.push_back(file + " has a subjectAltName that is no DNS name; it is passed over");
    } else {
      certificate.dns_names.push_back(std::move(name));
    }
  }
  GENERAL_NAMES_free(names);
  std::sort(certificate.dns_names.begin(), certificate.dns_names.end());
  if (certificate.dns_names.empty() && certificate.addresses.empty()) {
    certificate.warnings.push_back(file + " has no subjectAltName; today's clients will refuse it for every host");
  }
}

void check_dates(Certificate& certificate, const std::string& file) {
  if (X509_cmp_current_time(X509_get0_notAfter(certificate.leaf.get())) < 0) {
    certificate.warnings.push_back(file + " has expired; clients will refuse it until it is renewed");
  }
  if (X509_cmp_current_time(X509_get0_notBefore(certificate.leaf.get())) > 0) {
    certificate.warnings.push_back(file + " is not valid yet; look at its notBefore and at this machine's clock");
  }
}

std::expected<void, Problem> read_chain(Certificate& certificate, const std::string& pem, const std::string& file,
                                        std::string_view path) {
  const BioPtr bio = memory_bio(pem);
  bool asked = false;
  while (X509* next = PEM_read_bio_X509(bio.get(), nullptr, refuse_passphrase, &asked)) {
    if (certificate.leaf == nullptr) {
      certificate.leaf.reset(next);
    } else {
      certificate.chain.emplace_back(next);
    }
  }
  // After the last certificate the reader reports "no start line"; anything else is damage.
  const std::string error = tls_error();
  if (certificate.leaf == nullptr) {
    return std::unexpected(problem(path, "cert_file", "no certificate in " + file + " (" + error + ")",
                                   "it must be PEM and begin with -----BEGIN CERTIFICATE-----"));
  }
  if (error != "no start line") {
    return std::unexpected(problem(path, "cert_file", "a certificate in " + file + " is damaged (" + error + ")",
                                   "write the file again, each certificate whole"));
  }
  return {};
}

std::expected<void, Problem> read_key(Certificate& certificate, const std::string& pem, const std::string& file,
                                      std::string_view path) {
  const BioPtr bio = memory_bio(pem);
  bool asked = false;
  certificate.key.reset(PEM_read_bio_PrivateKey(bio.get(), nullptr, refuse_passphrase, &asked));
  if (certificate.key != nullptr) return {};
  const std::string error = tls_error();
  if (asked) {
    return std::unexpected(problem(path, "key_file", "the key in " + file + " needs a passphrase",
                                   "store it without one: openssl pkey -in " + file + " -out plain.key"));
  }
  return std::unexpected(problem(path, "key_file", "no private key in " + file + " (" + error + ")",
                                 "it must be PEM and begin with -----BEGIN PRIVATE KEY-----"));
}

std::expected<void, Problem> check_pair(const Certificate& certificate, const CertificateFiles& files,
                                        std::string_view path) {
  if (X509_check_private_key(certificate.leaf.get(), certificate.key.get()) == 1) return {};
  tls_error();
  const auto mine = [&](const X509Ptr& other) {
    return X509_check_private_key(other.get(), certificate.key.get()) == 1;
  };
  const bool order = std::any_of(certificate.chain.begin(), certificate.chain.end(), mine);
  tls_error();
  return std::unexpected(
      problem(path, "key_file", files.key_file + " is not the key of the first certificate in " + files.cert_file,
              order ? "put the server's own certificate first in the file, its intermediates after it"
                    : "check that both files are of the same renewal"));
}

}  // namespace

void X509Free::operator()(X509* certificate) const noexcept { X509_free(certificate); }
void KeyFree::operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }

std::expected<std::string, Problem> read_pem_file(const std::string& file, std::string_view path,
                                                  std::string_view field) {
  const auto refuse = [&](const char* why) {
    return std::unexpected(
        problem(path, field, "cannot read " + file + ": " + why, "name a file that the user who runs weir may read"));
  };
  if (file.empty()) return std::unexpected(problem(path, field, "no file is named", "name a PEM file"));
  // O_NONBLOCK: a FIFO without a writer must not hang the start.
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return refuse(std::strerror(errno));
  std::string text(kFileLimit + 1, '\0');
  std::size_t length = 0;
  ssize_t got = 0;
  while (length < text.size() && (got = ::read(fd, text.data() + length, text.size() - length)) > 0) {
    length += static_cast<std::size_t>(got);
  }
  const int error = errno;
  ::close(fd);
  if (got < 0) return refuse(std::strerror(error));
  if (length > kFileLimit) return refuse("it is larger than 1 MiB");
  text.resize(length);
  return text;
}

std::expected<Certificate, Problem> load_certificate(const CertificateFiles& files, std::string_view path) {
  Certificate certificate;
  const auto chain = files.cert_text.empty() ? read_pem_file(files.cert_file, path, "cert_file")
                                             : std::expected<std::string, Problem>(files.cert_text);
  if (!chain) return std::unexpected(chain.error());
  if (auto read = read_chain(certificate, *chain, files.cert_file, path); !read) {
    return std::unexpected(std::move(read.error()));
  }
  auto key = files.key_text.empty() ? read_pem_file(files.key_file, path, "key_file")
                                    : std::expected<std::string, Problem>(files.key_text);
  if (!key) return std::unexpected(key.error());
  auto read = read_key(certificate, *key, files.key_file, path);
  OPENSSL_cleanse(key->data(), key->size());
  if (!read) return std::unexpected(std::move(read.error()));
  if (auto pair = check_pair(certificate, files, path); !pair) return std::unexpected(std::move(pair.error()));
  read_names(certificate, files.cert_file);
  check_dates(certificate, files.cert_file);
  struct stat status{};
  if (files.key_text.empty() && ::stat(files.key_file.c_str(), &status) == 0 && (status.st_mode & S_IROTH) != 0) {
    certificate.warnings.push_back(files.key_file + " can be read by every user of this machine; chmod o-r it");
  }
  return certificate;
}

std::optional<Problem> use_certificate(SSL_CTX* context, const Certificate& certificate,
                                       const CertificateFiles& files, std::string_view path) {
  bool good = SSL_CTX_use_certificate(context, certificate.leaf.get()) == 1;
  for (const X509Ptr& link : certificate.chain) {
    good = good && SSL_CTX_add1_chain_cert(context, link.get()) == 1;
  }
  good = good && SSL_CTX_use_PrivateKey(context, certificate.key.get()) == 1;
  if (good) return std::nullopt;
  return problem(path, "cert_file", "OpenSSL refuses " + files.cert_file + ": " + tls_error(),
                 "use an ECDSA P-256 key or an RSA key of at least 2048 bits, signed with SHA-256 or better");
}

}  // namespace weir::io
