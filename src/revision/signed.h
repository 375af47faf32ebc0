// A revision as it travels and rests: the canonical bytes of a document, their number, SHA-256 and Ed25519 signature
// (RFC 8032). Made by the control plane when it publishes; read by gateways from Redis and from their own disk, which
// are trusted no more than the network: nothing of it is looked at before the signature holds. Plain values, pure
// functions; any thread. Deltas between two of them are delta.h's.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace weir::revision {

using PublicKey = std::array<unsigned char, 32>;
using Signature = std::array<unsigned char, 64>;

struct Signed {
  std::uint64_t number = 0;  // from 1, never given twice, always rising
  std::string document;      // canonical JSON (base/json/json.h)
  std::string digest;        // SHA-256 of `document`, 64 lower-case hex digits
  std::int64_t made_at = 0;  // seconds since the epoch
  Signature signature{};     // over number, made_at and digest, see to_be_signed()
};

// The private half; wiped when destroyed. Never printed, never in a log.
class SigningKey {
 public:
  static SigningKey generate();
  // From a PEM file's text (PKCS #8, Ed25519) or what to_pem() gave; the error is a sentence.
  static std::expected<SigningKey, std::string> from_pem(std::string_view pem);
  SigningKey(SigningKey&&) noexcept;
  SigningKey& operator=(SigningKey&&) noexcept;
  ~SigningKey();

  std::string to_pem() const;
  PublicKey public_key() const noexcept;
  // Fills in digest and signature.
  Signed sign(std::uint64_t number, std::string document, std::int64_t made_at) const;

 private:
  explicit SigningKey(std::array<unsigned char, 32> seed) noexcept : seed_(seed) {}
  std::array<unsigned char, 32> seed_;
};

std::string to_hex(const PublicKey& key);
std::expected<PublicKey, std::string> public_key(std::string_view hex);  // 64 hex digits; white space around is fine

// The bytes a signature is over: "weir-revision-1\n<number>\n<made_at>\n<digest>\n".
std::string to_be_signed(const Signed& revision);

// The digest fits the document and the signature the key. The error is a sentence that says which does not.
std::expected<void, std::string> verify(const Signed& revision, const PublicKey& key);

// One line of JSON about the revision, a newline, the document. decode() refuses whatever encode() would not have
// written (a longer or shorter text, another version of the form), but verifies nothing.
std::string encode(const Signed& revision);
std::expected<Signed, std::string> decode(std::string_view bytes);

}  // namespace weir::revision
