// Passwords as they stand in a config: hashed with scrypt (RFC 7914) or PBKDF2-HMAC-SHA-256 (RFC 8018), in the form
// of the PHC strings that other tools write: $scrypt$ln=15,r=8,p=3$SALT$HASH, $pbkdf2-sha256$i=600000$SALT$HASH.
// Verifying takes a tenth of a second and tens of megabytes on purpose: never on a worker's thread. Any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace weir::identity {

struct PasswordHash {
  enum class Kind : std::uint8_t { scrypt, pbkdf2_sha256 };
  Kind kind = Kind::scrypt;
  std::uint32_t cost = 15;        // scrypt: log2(N); PBKDF2: iterations
  std::uint32_t block_size = 8;   // scrypt's r
  std::uint32_t parallelism = 3;  // scrypt's p
  std::string salt;
  std::string hash;
};

// The error is a sentence: what is wrong with the text.
std::expected<PasswordHash, std::string> parse_password_hash(std::string_view text);

bool password_holds(const PasswordHash& hash, std::string_view password);

// scrypt with N = 2^15, r = 8, p = 3: what OWASP's Password Storage Cheat Sheet gives for 32 MiB. A new salt each
// time.
std::string hash_password(std::string_view password);

// What it takes to make a hash of the same strength for a user who does not exist: answering at once would tell.
PasswordHash nobodys_hash();

}  // namespace weir::identity
