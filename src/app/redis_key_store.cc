#include "app/redis_key_store.h"

#include <unordered_map>

namespace weir::app {
namespace {

using adapters::redis::StoredKeys;
using identity::KeyRecord;

// A person waits; Sentinel and Cluster take a few connections to find the right node.
constexpr auto kConnect = std::chrono::seconds(5);
constexpr auto kCommand = std::chrono::seconds(5);
// Two commands at once on one key: one of them looks again. Ten in a row is no accident.
constexpr int kAttempts = 10;

template <class T>
io::Task<void> keep(io::Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
}

}  // namespace

RedisKeyStore::RedisKeyStore(std::shared_ptr<const ports::RedisSettings> settings,
                             std::unique_ptr<adapters::cares::Resolver> resolver)
    : resolver_(std::move(resolver)),
      client_(loop_, std::move(settings), resolver_.get()),
      store_(client_, kCommand) {}

RedisKeyStore::~RedisKeyStore() {
  client_.end();
  for (int turn = 0; turn < 1000 && !client_.ended(); ++turn) loop_.turn(std::chrono::milliseconds(10));
}

std::expected<std::unique_ptr<RedisKeyStore>, std::string> RedisKeyStore::open(
    std::shared_ptr<const ports::RedisSettings> settings) {
  auto resolver = adapters::cares::Resolver::make({});
  if (!resolver) return std::unexpected(resolver.error().message);
  std::unique_ptr<RedisKeyStore> out(new RedisKeyStore(std::move(settings), std::move(*resolver)));
  const io::TimePoint until = out->loop_.refresh() + kConnect;
  while (!out->client_.available() && out->loop_.refresh() < until) out->loop_.turn(std::chrono::milliseconds(10));
  if (!out->client_.available()) return std::unexpected("Redis does not answer: " + out->client_.last_error());
  return out;
}

template <class T>
T RedisKeyStore::wait(io::Task<T> task) {
  std::optional<T> out;
  io::TaskGroup group;
  group.spawn(keep(std::move(task), out));
  while (group.running() != 0) loop_.turn(std::chrono::milliseconds(100));
  return std::move(*out);
}

std::expected<std::vector<KeyRecord>, std::string> RedisKeyStore::all() {
  auto all = wait(store_.all());
  if (!all) return std::unexpected(all.error());
  auto uses = wait(store_.uses());
  if (!uses) return std::unexpected(uses.error());
  std::unordered_map<std::string, std::int64_t> used;
  for (StoredKeys::Use& use : *uses) used.emplace(std::move(use.id), use.at);
  for (KeyRecord& record : all->records)
    if (const auto at = used.find(record.id); at != used.end()) record.last_used = at->second;
  return std::move(all->records);
}

std::expected<void, std::string> RedisKeyStore::add(const KeyRecord& record) {
  const auto added = wait(store_.replace(record.id, std::nullopt, record));
  if (!added) return std::unexpected(added.error());
  if (!*added) return std::unexpected("the id " + record.id + " is already a key's");
  return {};
}

std::expected<KeyRecord, std::string> RedisKeyStore::change(const std::string& id, const Change& change) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto before = wait(store_.one(id));
    if (!before) return std::unexpected(before.error());
    if (!*before) return std::unexpected("there is no key with the id " + id);
    KeyRecord next = **before;
    if (auto changed = change(next); !changed) return std::unexpected(changed.error());
    if (next == **before) return next;
    const auto replaced = wait(store_.replace(id, *before, next));
    if (!replaced) return std::unexpected(replaced.error());
    if (*replaced) return next;
  }
  return std::unexpected("the key " + id + " is being changed by somebody else all the time");
}

}  // namespace weir::app
