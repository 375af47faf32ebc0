#include "app/control/control_keys.h"

#include <fmt/format.h>

#include <array>

#include "base/file/secret_file.h"
#include "control/holdings.h"
#include "crypto/digest.h"
#include "crypto/secret.h"

namespace weir::app {
namespace {

// As long as the hash it is used with, in hex.
constexpr std::size_t kRandomBytes = 32;
constexpr std::size_t kShortest = 32;

using Text = std::expected<std::string, std::string>;

std::expected<control::Holdings, std::string> held(std::string_view key, const std::string& file,
                                                   const Opened& store) {
  auto found = store ? control::holdings(**store) : std::unexpected(store.error());
  if (found) return *found;
  return std::unexpected(
      fmt::format("{} {} is not there, and whether the database was ever used with another cannot be told: {}", key,
                  file, found.error().message));
}

}  // namespace

std::expected<void, std::string> signs_nothing_yet(const snapshot::ControlSettings& settings, const Opened& store) {
  const std::string& file = settings.signing_key_file;
  const auto holds = held("the signing key", file, store);
  if (!holds) return std::unexpected(holds.error());
  if (holds->last_revision == 0) return {};
  return std::unexpected(fmt::format(
      "the signing key {0} is not there, but the database has revisions, up to {1}, and gateways trust only the key "
      "they were signed with. Put it back from a backup; or, if it is lost, make another (openssl genpkey -algorithm "
      "ed25519 -out {0}), give its public half (weir control --public-key) to every gateway, and `weir publish`",
      file, holds->last_revision));
}

std::expected<void, std::string> seals_nothing_yet(const snapshot::ControlSettings& settings, const Opened& store) {
  const std::string& file = settings.master_key_file;
  const auto holds = held("the master key", file, store);
  if (!holds) return std::unexpected(holds.error());
  if (!holds->sealed) return {};
  return std::unexpected(
      fmt::format("the master key {} is not there, but the database has secrets that were sealed by it, and nothing "
                  "else opens them. Put it back from a backup; or, if it is lost, put a new one there (openssl rand "
                  "-hex 32) and give every secret and every key of a certificate anew",
                  file));
}

std::expected<revision::SigningKey, std::string> signing_key(const snapshot::ControlSettings& settings,
                                                             const MayMake& may_make) {
  auto pem = read_or_make_secret(settings.signing_key_file, "the signing key", [&] -> Text {
    if (auto may = may_make(); !may) return std::unexpected(std::move(may.error()));
    return revision::SigningKey::generate().to_pem();
  });
  if (!pem) return std::unexpected(pem.error());
  auto key = revision::SigningKey::from_pem(*pem);
  if (!key) return std::unexpected("the signing key " + settings.signing_key_file + ": " + key.error());
  return key;
}

std::expected<std::string, std::string> master_key(const snapshot::ControlSettings& settings,
                                                   const MayMake& may_make) {
  if (!settings.master_key.empty()) return settings.master_key;
  auto text = read_or_make_secret(settings.master_key_file, "the master key", [&] -> Text {
    if (auto may = may_make(); !may) return std::unexpected(std::move(may.error()));
    std::array<unsigned char, kRandomBytes> random;
    crypto::random_bytes(random);
    return crypto::to_hex(random) + "\n";
  });
  if (!text) return text;
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  if (text->size() < kShortest)
    return std::unexpected("the master key " + settings.master_key_file + " is shorter than 32 characters");
  return text;
}

}  // namespace weir::app
