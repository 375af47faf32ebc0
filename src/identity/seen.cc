#include "identity/seen.h"

#include <cstring>

namespace weir::identity {
namespace {

constexpr std::uint64_t kTimeMask = 0xffffff;

// Whether the end in a cell is before `now`, both by their low 24 bits.
bool over(std::uint64_t cell, std::uint64_t now) noexcept { return ((now - cell) & kTimeMask) < kTimeMask / 2; }

}  // namespace

Seen::Seen() : sets_(std::make_unique<Set[]>(kSets)) {}

bool Seen::add(const crypto::Digest& mark, std::int64_t now, std::int64_t until) noexcept {
  std::uint64_t low, high;
  std::memcpy(&low, mark.data(), sizeof low);
  std::memcpy(&high, mark.data() + sizeof low, sizeof high);
  Set& set = sets_[low % kSets];
  const auto time = static_cast<std::uint64_t>(now);
  const std::uint64_t wanted = (high & ~kTimeMask) | (static_cast<std::uint64_t>(until) & kTimeMask);
  const auto is_free = [time](std::uint64_t value) { return value == 0 || over(value, time); };
  const auto is_same = [&](std::uint64_t value) { return !is_free(value) && ((value ^ wanted) & ~kTimeMask) == 0; };
  Cell* taken = nullptr;
  while (taken == nullptr) {
    Cell* best = nullptr;  // a free one, else the one that ends first
    std::uint64_t best_value = 0;
    for (Cell& cell : set.cells) {
      const std::uint64_t value = cell.load();
      if (is_same(value)) return false;
      if (best != nullptr && is_free(best_value)) continue;
      const bool sooner = best == nullptr || ((value - best_value) & kTimeMask) > kTimeMask / 2;
      if (!is_free(value) && !sooner) continue;
      best = &cell;
      best_value = value;
    }
    if (best->compare_exchange_strong(best_value, wanted)) taken = best;
  }
  // Two threads that add one mark at once take two cells. At least one of them sees the other's here (all of this is
  // sequentially consistent) and gives way; both may, which is refusing too much and never accepting twice.
  for (Cell& cell : set.cells)
    if (&cell != taken && is_same(cell.load())) return false;
  return true;
}

}  // namespace weir::identity
