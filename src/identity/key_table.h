// All API keys of a fleet in a few megabytes: made once from records, then immutable and shared by all workers. Small
// enough that 50,000 keys are loaded in milliseconds and found with two cache misses; bench/key_lookup.cc measures
// it. It knows no secret, only hashes, and computes none. Any thread; last_used is a cell per key that all may touch.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/siphash.h"
#include "crypto/digest.h"
#include "identity/api_key.h"
#include "identity/key_record.h"

namespace weir::identity {

class KeyTable {
 public:
  struct Entry {
    std::array<char, kApiKeyIdLength> id;
    bool disabled = false;
    bool revoked = false;
    std::uint8_t secret_count = 0;
    std::array<crypto::Digest, kMostSecrets> hashes;
    std::array<std::int64_t, kMostSecrets> secret_expires;  // seconds; 0: never
    std::int64_t expires = 0;
    std::uint32_t consumer = 0;  // into the table's words
    std::uint32_t custom_id = 0;
    std::uint32_t groups = 0;  // into the table's lists
    std::uint32_t scopes = 0;
  };

  // Records with an id that is none are left out; of two with one id the later counts.
  explicit KeyTable(std::span<const KeyRecord> records);
  KeyTable(const KeyTable&) = delete;
  KeyTable& operator=(const KeyTable&) = delete;
  ~KeyTable();

  const Entry* find(std::string_view id) const noexcept;  // nullptr: there is none
  std::span<const Entry> entries() const noexcept { return entries_; }
  std::size_t size() const noexcept { return entries_.size(); }
  std::size_t bytes() const noexcept;  // that it holds, about

  std::string_view word(std::uint32_t index) const noexcept { return words_[index]; }
  std::span<const std::string_view> list(std::uint32_t index) const noexcept { return lists_[index]; }

  // Notes that the key was used at `now`; written at most once a minute, so that workers do not fight over the cell.
  void used(const Entry& entry, std::int64_t now) const noexcept;
  // Every key used since the last call, with when. For the feed, which tells the store.
  struct Use {
    std::string_view id;
    std::int64_t at = 0;
  };
  std::vector<Use> take_uses() const;

 private:
  class Interner;
  using List = std::vector<std::string_view>;
  // A slot holds the entry's index plus one and 32 bits of its hash, so that a probe that misses reads no entry.
  std::uint64_t hash(std::string_view id) const noexcept { return siphash(id, seed_); }

  HashSeed seed_;
  std::vector<std::uint64_t> slots_;  // a power of two, at most half full
  std::vector<Entry> entries_;
  std::unique_ptr<char[]> text_;  // what the words point into
  std::size_t text_size_ = 0;
  std::vector<std::string_view> words_;
  std::vector<List> lists_;
  // Minutes since the epoch, and the same as last taken.
  std::unique_ptr<std::atomic<std::uint32_t>[]> used_;
  mutable std::vector<std::uint32_t> taken_;  // the feed's thread
};

}  // namespace weir::identity
