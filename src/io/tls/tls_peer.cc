#include "io/tls/tls_peer.h"

#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>

#include "base/ip.h"

namespace weir::io {
namespace {

struct NamesFree {
  void operator()(GENERAL_NAMES* names) const noexcept { GENERAL_NAMES_free(names); }
};
struct BioFree {
  void operator()(BIO* bio) const noexcept { BIO_free(bio); }
};

void forget_peer(void*, void* peer, CRYPTO_EX_DATA*, int, long, void*) { delete static_cast<TlsPeer*>(peer); }

int peer_index() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, &forget_peer);
  return index;
}

std::int64_t seconds(const ASN1_TIME* time) {
  std::tm parts{};
  return ASN1_TIME_to_tm(time, &parts) == 1 ? static_cast<std::int64_t>(::timegm(&parts)) : 0;
}

// A name with a NUL inside reads as another to whoever stops there (attacks C9): it is nobody's.
bool is_text(std::string_view text) noexcept { return !text.empty() && text.find('\0') == std::string_view::npos; }

std::string_view view(const ASN1_STRING* text) noexcept {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

std::string subject_of(const X509* certificate) {
  const std::unique_ptr<BIO, BioFree> out(BIO_new(BIO_s_mem()));
  if (!out) return {};
  // RFC 2253, but names in UTF-8 instead of escapes.
  constexpr unsigned long kForm = XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB);
  if (X509_NAME_print_ex(out.get(), X509_get_subject_name(certificate), 0, kForm) < 0) return {};
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(out.get(), &bytes);
  return size > 0 ? std::string(bytes, static_cast<std::size_t>(size)) : std::string();
}

std::string address_of(std::string_view bytes) {
  if (bytes.size() == 4) {
    const auto octet = [&](std::size_t i) { return static_cast<std::uint8_t>(bytes[i]); };
    return IpAddress::v4(octet(0), octet(1), octet(2), octet(3)).to_string();
  }
  IpAddress::Bytes raw;
  if (bytes.size() != raw.size()) return {};
  std::memcpy(raw.data(), bytes.data(), raw.size());
  return IpAddress(raw).to_string();
}

void add_sans(const X509* certificate, std::vector<std::string>& out) {
  const std::unique_ptr<GENERAL_NAMES, NamesFree> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; names && i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_IPADD) {
      if (std::string address = address_of(view(name->d.iPAddress)); !address.empty()) out.push_back("ip:" + address);
      continue;
    }
    const char* kind = name->type == GEN_DNS     ? "dns:"
                       : name->type == GEN_URI   ? "uri:"
                       : name->type == GEN_EMAIL ? "email:"
                                                 : nullptr;
    if (kind == nullptr || !is_text(view(name->d.ia5))) continue;
    std::string text(view(name->d.ia5));
    if (name->type == GEN_DNS)
      for (char& c : text)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    out.push_back(kind + text);
  }
}

std::unique_ptr<TlsPeer> read(const X509* certificate) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned int size = 0;
  if (X509_digest(certificate, EVP_sha256(), digest.data(), &size) != 1) return nullptr;
  auto out = std::make_unique<TlsPeer>();
  for (unsigned int i = 0; i < size; ++i) {
    out->fingerprint += "0123456789abcdef"[digest[i] >> 4];
    out->fingerprint += "0123456789abcdef"[digest[i] & 15];
  }
  out->subject = subject_of(certificate);
  add_sans(certificate, out->sans);
  out->not_before = seconds(X509_get0_notBefore(certificate));
  out->not_after = seconds(X509_get0_notAfter(certificate));
  out->san_views.assign(out->sans.begin(), out->sans.end());
  return out;
}

}  // namespace

const TlsPeer* tls_peer(SSL* session) {
  if (const void* known = SSL_get_ex_data(session, peer_index())) return static_cast<const TlsPeer*>(known);
  // The verdict is the session's: of a resumed one, that of its first handshake.
  const X509* certificate = SSL_get0_peer_certificate(session);
  if (certificate == nullptr || SSL_get_verify_mode(session) == SSL_VERIFY_NONE ||
      SSL_get_verify_result(session) != X509_V_OK)
    return nullptr;
  auto made = read(certificate);
  if (!made || SSL_set_ex_data(session, peer_index(), made.get()) != 1) return nullptr;
  return made.release();
}

}  // namespace weir::io
