#include "app/control_keys.h"

#include <array>

#include "app/secret_file.h"
#include "identity/digest.h"

namespace weir::app {
namespace {

// As long as the hash it is used with, in hex.
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kShortest = 32;

}  // namespace

std::expected<revision::SigningKey, std::string> signing_key(const snapshot::ControlSettings& settings) {
  auto pem = read_or_make_secret(settings.signing_key_file, "the signing key",
                                 [] { return revision::SigningKey::generate().to_pem(); });
  if (!pem) return std::unexpected(pem.error());
  auto key = revision::SigningKey::from_pem(*pem);
  if (!key) return std::unexpected("the signing key " + settings.signing_key_file + ": " + key.error());
  return key;
}

std::expected<std::string, std::string> master_key(const snapshot::ControlSettings& settings) {
  if (!settings.master_key.empty()) return settings.master_key;
  auto text = read_or_make_secret(settings.master_key_file, "the master key", [] {
    std::array<unsigned char, kRandomBytes> random;
    identity::random_bytes(random);
    return identity::to_hex(random) + "\n";
  });
  if (!text) return text;
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  if (text->size() < kShortest)
    return std::unexpected("the master key " + settings.master_key_file + " is shorter than 32 characters");
  return text;
}

}  // namespace weir::app
