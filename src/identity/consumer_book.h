// The consumers of a config and the credentials that are theirs: what a filter asks once it has verified a password,
// a signature, a certificate or a token. Made by compile, part of the snapshot, immutable; any thread. API keys are
// not here: they come and go without a change of the config (key_ring.h).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "identity/password.h"

namespace weir::identity {

struct Consumer {
  std::string name;
  std::string custom_id;
  std::vector<std::string_view> groups;  // into the book
};

// Views and pointers into the book live as long as the snapshot.
class ConsumerBook {
 public:
  struct BasicUser {
    const Consumer* consumer = nullptr;
    std::string username;
    PasswordHash hash;
  };
  struct SigningKey {
    const Consumer* consumer = nullptr;
    std::string key_id;
    std::string secret;
  };
  // What is known of a client certificate that was verified; see io/tls/tls_peer.h.
  struct CertificateNames {
    std::string_view subject;                // RFC 2253
    std::span<const std::string_view> sans;  // "dns:a.example", "uri:spiffe://…", "email:…", "ip:…"
    std::string_view fingerprint;            // SHA-256 of the certificate, 64 lower-case hex digits
  };

  const Consumer* by_name(std::string_view name) const noexcept;
  const BasicUser* by_username(std::string_view username) const noexcept;
  const SigningKey* by_key_id(std::string_view key_id) const noexcept;
  // The fingerprint is asked first, then the SANs in their order, then the subject: the narrowest mapping wins.
  const Consumer* by_certificate(const CertificateNames& names) const noexcept;
  // A token's issuer and subject; a mapping without a subject is for all of the issuer's.
  const Consumer* by_token(std::string_view issuer, std::string_view subject) const noexcept;

  bool empty() const noexcept { return consumers_.empty(); }
  std::size_t size() const noexcept { return consumers_.size(); }

 private:
  friend class ConsumerBookMaker;
  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  template <class T>
  using ByText = std::unordered_map<std::string, T, TextHash, std::equal_to<>>;

  template <class T>
  static const T* find(const ByText<T>& map, std::string_view text) noexcept {
    const auto at = map.find(text);
    return at == map.end() ? nullptr : &at->second;
  }

  ByText<Consumer> consumers_;  // nodes: pointers to the values hold
  ByText<bool> groups_;         // what the views of groups point into
  ByText<BasicUser> basic_;
  ByText<SigningKey> signing_;
  ByText<const Consumer*> fingerprints_;
  ByText<const Consumer*> sans_;
  ByText<const Consumer*> subjects_;
  ByText<const Consumer*> tokens_;  // "issuer\nsubject", or "issuer\n" for all
};

// Fills a book; each returns false when the name is already taken, by whom `taken_by` then says.
class ConsumerBookMaker {
 public:
  explicit ConsumerBookMaker(ConsumerBook& book) : book_(book) {}

  // nullptr: a consumer of that name is there already.
  Consumer* consumer(std::string_view name, std::string_view custom_id);
  void group(Consumer& consumer, std::string_view name);
  bool basic(const Consumer& consumer, std::string_view username, PasswordHash hash);
  bool signing(const Consumer& consumer, std::string_view key_id, std::string secret);
  bool fingerprint(const Consumer& consumer, std::string_view hex);
  bool san(const Consumer& consumer, std::string_view san);
  bool subject(const Consumer& consumer, std::string_view subject);
  bool token(const Consumer& consumer, std::string_view issuer, std::string_view subject);
  const std::string& taken_by() const noexcept { return taken_by_; }

 private:
  bool add(ConsumerBook::ByText<const Consumer*>& to, const Consumer& consumer, std::string_view key);
  ConsumerBook& book_;
  std::string taken_by_;
};

}  // namespace weir::identity
