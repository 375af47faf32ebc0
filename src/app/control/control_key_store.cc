#include "app/control/control_key_store.h"

#include "adapters/sqlite/key_file.h"
#include "app/stores/pepper.h"
#include "app/stores/redis_key_store.h"
#include "crypto/secret.h"

namespace weir::app {
namespace {

using Place = snapshot::CredentialSettings::Store;

}  // namespace

std::expected<std::unique_ptr<ControlKeyStore>, std::string> ControlKeyStore::open(const snapshot::Snapshot& config) {
  const snapshot::CredentialSettings& settings = config.credentials;
  if (settings.store == Place::none) return nullptr;
  std::expected<std::string, std::string> pepper = settings.pepper;
  if (pepper->empty()) pepper = read_or_make_pepper(settings.pepper_file);
  if (!pepper) return std::unexpected(pepper.error());
  std::unique_ptr<ControlKeyStore> out(new ControlKeyStore(settings, config.redis, *pepper));
  crypto::wipe(*pepper);
  return out;
}

std::expected<std::unique_ptr<identity::KeyStore>, std::string> ControlKeyStore::connect() const {
  using adapters::sqlite::KeyFile;
  if (settings_.store == Place::redis) return RedisKeyStore::open(redis_);
  return KeyFile::open(settings_.file, KeyFile::Mode::create);
}

std::expected<std::vector<identity::KeyRecord>, std::string> ControlKeyStore::all() {
  auto store = connect();
  if (!store) return std::unexpected(store.error());
  return (*store)->all();
}

std::expected<void, std::string> ControlKeyStore::add(const identity::KeyRecord& record) {
  auto store = connect();
  if (!store) return std::unexpected(store.error());
  return (*store)->add(record);
}

std::expected<identity::KeyRecord, std::string> ControlKeyStore::change(const std::string& id, const Change& change) {
  auto store = connect();
  if (!store) return std::unexpected(store.error());
  return (*store)->change(id, change);
}

}  // namespace weir::app
