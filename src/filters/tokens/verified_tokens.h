// The tokens that one worker has verified lately, by SHA-256, so that a token's signature is verified once and not
// with every request. Bounded, without a lock, without an allocation when it is asked. Outlives snapshots
// (pipeline/kept.h); shared by all jwt filters of the worker. It decides nothing: the filter checks times and
// revocation at every hit.
#pragma once

#include <string>
#include <vector>

#include "crypto/digest.h"
#include "pipeline/kept.h"

namespace weir::filters {

class VerifiedTokens final : public pipeline::Kept::Item {
 public:
  struct Entry {
    crypto::Digest token{};         // of the whole token
    std::uint64_t filter = 0;       // of the settings it was judged by: another route's filter may judge otherwise
    std::uint64_t keys = 0;         // of the key set it was verified with: with another set it is verified anew
    std::uint32_t issuer = 0;       // of the filter's list
    io::TimePoint until{};          // how long it is kept
    std::uint64_t revocations = 0;  // the list's version under which it was not revoked
    std::string grant;              // encoded; empty: the slot is free
  };

  VerifiedTokens() : entries_(kSets * kWays) {}
  bool busy() const noexcept override { return false; }

  // nullptr: not there. Holds until keep() or until the caller waits.
  Entry* find(const crypto::Digest& token, std::uint64_t filter, io::TimePoint now) noexcept;

  void keep(Entry entry) noexcept;
  void forget(Entry& entry) noexcept { entry = {}; }
  std::size_t size() const noexcept;

  // 8192 tokens: some 6 MB a worker when full of them. A token is verified again if 4 others of its set were used
  // since.
  static constexpr std::size_t kSets = 2048;
  static constexpr std::size_t kWays = 4;

 private:
  std::size_t set_of(const crypto::Digest& token, std::uint64_t filter) const noexcept;
  std::vector<Entry> entries_;  // of each set the last used first
};

}  // namespace weir::filters
