// Secrets sealed to lie in a database, a revision or a file: AES-256-GCM (NIST SP 800-38D) under a key derived from
// the master key (HKDF-SHA-256, RFC 5869). Sealed text is bound to what it is `about`, so that it cannot be put in
// another's place. Used by the control plane, by compile, which opens what is used, and by `weir seal`. Cold; any
// thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

namespace weir::identity {

// As long as the hash the key goes through (RFC 2104 §3): a shorter one is what would be guessed.
inline constexpr std::size_t kShortestMasterKey = 32;

// "secret/NAME" or "certificate/NAME".
std::string about_secret(std::string_view name);
std::string about_certificate(std::string_view name);

// Whether `text` is meant as sealed text; it may still be damaged.
bool is_sealed(std::string_view text) noexcept;

// "sealed:v1:" and base64 of nonce (12 bytes), ciphertext and tag (16): another text each time. Sealed text of one
// master key stays safe up to 2^32 texts (SP 800-38D §8.3). Ends the process when OpenSSL fails.
std::string seal(std::string_view plain, std::string_view master_key, std::string_view about);

// The plain text. The error is a sentence for people, without anything of the text: "cannot be opened: …".
std::expected<std::string, std::string> unseal(std::string_view sealed, std::string_view master_key,
                                               std::string_view about);

}  // namespace weir::identity
