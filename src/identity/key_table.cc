#include "identity/key_table.h"

#include <bit>
#include <cstring>
#include <unordered_map>

#include "crypto/secret.h"

namespace weir::identity {
namespace {

constexpr std::uint64_t kIndexMask = 0xffffffff;

HashSeed random_seed() noexcept {
  std::array<unsigned char, sizeof(HashSeed)> bytes;
  crypto::random_bytes(bytes);
  HashSeed out;
  std::memcpy(&out, bytes.data(), sizeof out);
  return out;
}

}  // namespace

// Equal words and lists are kept once: 50,000 keys have few different scopes. Views point into the records until
// finish() has moved them.
class KeyTable::Interner {
 public:
  explicit Interner(KeyTable& table) : table_(table) {
    (void)word("");
    (void)list({});
  }

  std::uint32_t word(std::string_view text) {
    const auto [at, fresh] = words_.try_emplace(text, static_cast<std::uint32_t>(table_.words_.size()));
    if (fresh) table_.words_.push_back(text);
    return at->second;
  }

  std::uint32_t list(const std::vector<std::string>& items) {
    key_.clear();
    for (const std::string& item : items) key_.append(item).push_back('\n');
    const auto [at, fresh] = lists_.try_emplace(key_, static_cast<std::uint32_t>(made_.size()));
    if (fresh) {
      made_.emplace_back();
      for (const std::string& item : items) made_.back().push_back(word(item));
    }
    return at->second;
  }

  void finish() {
    std::size_t size = 0;
    for (const std::string_view one : table_.words_) size += one.size();
    table_.text_ = std::make_unique_for_overwrite<char[]>(size);
    table_.text_size_ = size;
    char* at = table_.text_.get();
    for (std::string_view& one : table_.words_) {
      if (!one.empty()) std::memcpy(at, one.data(), one.size());
      one = {at, one.size()};
      at += one.size();
    }
    table_.lists_.resize(made_.size());
    for (std::size_t i = 0; i < made_.size(); ++i)
      for (const std::uint32_t index : made_[i]) table_.lists_[i].push_back(table_.words_[index]);
  }

 private:
  KeyTable& table_;
  std::unordered_map<std::string_view, std::uint32_t> words_;
  std::unordered_map<std::string, std::uint32_t> lists_;
  std::vector<std::vector<std::uint32_t>> made_;
  std::string key_;
};

KeyTable::KeyTable(std::span<const KeyRecord> records) : seed_(random_seed()) {
  Interner interner(*this);
  entries_.reserve(records.size());
  slots_.resize(std::bit_ceil(std::max<std::size_t>(8, 2 * records.size())));
  const std::size_t mask = slots_.size() - 1;
  for (const KeyRecord& record : records) {
    if (!is_api_key_id(record.id)) continue;
    const std::uint64_t hashed = hash(record.id);
    std::size_t at = hashed & mask;
    Entry* entry = nullptr;
    for (; slots_[at] != 0; at = (at + 1) & mask) {
      Entry& there = entries_[(slots_[at] & kIndexMask) - 1];
      if (std::string_view(there.id.data(), there.id.size()) == record.id) entry = &there;
      if (entry != nullptr) break;
    }
    if (entry == nullptr) {
      entry = &entries_.emplace_back();
      slots_[at] = (hashed & ~kIndexMask) | entries_.size();
    }
    *entry = Entry{};
    std::memcpy(entry->id.data(), record.id.data(), entry->id.size());
    entry->disabled = record.disabled;
    entry->revoked = record.revoked != 0;
    entry->expires = record.expires;
    for (const KeyRecord::Secret& secret : record.secrets) {
      if (entry->secret_count == kMostSecrets) break;
      entry->hashes[entry->secret_count] = secret.hash;
      entry->secret_expires[entry->secret_count++] = secret.expires;
    }
    entry->consumer = interner.word(record.consumer);
    entry->custom_id = interner.word(record.custom_id);
    entry->groups = interner.list(record.groups);
    entry->scopes = interner.list(record.scopes);
  }
  interner.finish();
  used_ = std::make_unique<std::atomic<std::uint32_t>[]>(entries_.size());
  taken_.resize(entries_.size());
}

KeyTable::~KeyTable() = default;

const KeyTable::Entry* KeyTable::find(std::string_view id) const noexcept {
  if (id.size() != kApiKeyIdLength) return nullptr;
  const std::uint64_t hashed = hash(id);
  const std::size_t mask = slots_.size() - 1;
  for (std::size_t at = hashed & mask; slots_[at] != 0; at = (at + 1) & mask) {
    if ((slots_[at] & ~kIndexMask) != (hashed & ~kIndexMask)) continue;
    const Entry& entry = entries_[(slots_[at] & kIndexMask) - 1];
    if (std::memcmp(entry.id.data(), id.data(), kApiKeyIdLength) == 0) return &entry;
  }
  return nullptr;
}

std::size_t KeyTable::bytes() const noexcept {
  std::size_t out = slots_.capacity() * sizeof(std::uint64_t) + entries_.capacity() * sizeof(Entry) + text_size_ +
                    words_.capacity() * sizeof(std::string_view) + 2 * entries_.size() * sizeof(std::uint32_t);
  out += lists_.capacity() * sizeof(List);
  for (const List& list : lists_) out += list.capacity() * sizeof(std::string_view);
  return out;
}

void KeyTable::used(const Entry& entry, std::int64_t now) const noexcept {
  std::atomic<std::uint32_t>& cell = used_[static_cast<std::size_t>(&entry - entries_.data())];
  const auto minute = static_cast<std::uint32_t>(now / 60);
  if (cell.load(std::memory_order_relaxed) != minute) cell.store(minute, std::memory_order_relaxed);
}

std::vector<KeyTable::Use> KeyTable::take_uses() const {
  std::vector<Use> out;
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    const std::uint32_t minute = used_[i].load(std::memory_order_relaxed);
    if (minute == taken_[i]) continue;
    taken_[i] = minute;
    out.push_back({{entries_[i].id.data(), entries_[i].id.size()}, std::int64_t{minute} * 60});
  }
  return out;
}

}  // namespace weir::identity
