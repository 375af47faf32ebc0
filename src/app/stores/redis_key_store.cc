#include "app/stores/redis_key_store.h"

#include <unordered_map>

namespace weir::app {
namespace {

using adapters::redis::StoredKeys;
using identity::KeyRecord;

// Two commands at once on one key: one of them looks again. Ten in a row is no accident.
constexpr int kAttempts = 10;

}  // namespace

RedisKeyStore::RedisKeyStore(std::unique_ptr<RedisSession> session)
    : session_(std::move(session)), store_(session_->client(), RedisSession::kCommand) {}

std::expected<std::unique_ptr<RedisKeyStore>, std::string> RedisKeyStore::open(
    std::shared_ptr<const ports::RedisSettings> settings) {
  auto session = RedisSession::open(std::move(settings));
  if (!session) return std::unexpected(session.error());
  return std::unique_ptr<RedisKeyStore>(new RedisKeyStore(std::move(*session)));
}

std::expected<std::vector<KeyRecord>, std::string> RedisKeyStore::all() {
  auto all = session_->wait(store_.all());
  if (!all) return std::unexpected(all.error());
  auto uses = session_->wait(store_.uses());
  if (!uses) return std::unexpected(uses.error());
  std::unordered_map<std::string, std::int64_t> used;
  for (StoredKeys::Use& use : *uses) used.emplace(std::move(use.id), use.at);
  for (KeyRecord& record : all->records)
    if (const auto at = used.find(record.id); at != used.end()) record.last_used = at->second;
  return std::move(all->records);
}

std::expected<void, std::string> RedisKeyStore::add(const KeyRecord& record) {
  const auto added = session_->wait(store_.replace(record.id, std::nullopt, record));
  if (!added) return std::unexpected(added.error());
  if (!*added) return std::unexpected("the id " + record.id + " is already a key's");
  return {};
}

std::expected<KeyRecord, std::string> RedisKeyStore::change(const std::string& id, const Change& change) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto before = session_->wait(store_.one(id));
    if (!before) return std::unexpected(before.error());
    if (!*before) return std::unexpected("there is no key with the id " + id);
    KeyRecord next = **before;
    if (auto changed = change(next); !changed) return std::unexpected(changed.error());
    if (next == **before) return next;
    const auto replaced = session_->wait(store_.replace(id, *before, next));
    if (!replaced) return std::unexpected(replaced.error());
    if (*replaced) return next;
  }
  return std::unexpected("the key " + id + " is being changed by somebody else all the time");
}

}  // namespace weir::app
