#include "filters/tokens/verified_tokens.h"

#include <algorithm>
#include <cstring>

namespace weir::filters {

// A token's digest cannot be chosen but by trying, and only tokens that hold are kept: its bits need no more mixing.
std::size_t VerifiedTokens::set_of(const crypto::Digest& token, std::uint64_t filter) const noexcept {
  std::uint64_t bits;
  std::memcpy(&bits, token.data(), sizeof bits);
  return ((bits ^ filter) % kSets) * kWays;
}

VerifiedTokens::Entry* VerifiedTokens::find(const crypto::Digest& token, std::uint64_t filter,
                                            io::TimePoint now) noexcept {
  Entry* const set = &entries_[set_of(token, filter)];
  for (std::size_t i = 0; i < kWays; ++i) {
    if (set[i].token != token || set[i].filter != filter || set[i].grant.empty()) continue;
    if (now >= set[i].until) {
      forget(set[i]);
      return nullptr;
    }
    if (i != 0) std::rotate(set, set + i, set + i + 1);
    return set;
  }
  return nullptr;
}

void VerifiedTokens::keep(Entry entry) noexcept {
  Entry* const set = &entries_[set_of(entry.token, entry.filter)];
  std::size_t at = kWays - 1;
  for (std::size_t i = 0; i < kWays; ++i)
    if (set[i].grant.empty() || (set[i].token == entry.token && set[i].filter == entry.filter)) {
      at = i;
      break;
    }
  set[at] = std::move(entry);
  std::rotate(set, set + at, set + at + 1);
}

std::size_t VerifiedTokens::size() const noexcept {
  return static_cast<std::size_t>(
      std::ranges::count_if(entries_, [](const Entry& entry) { return !entry.grant.empty(); }));
}

}  // namespace weir::filters
