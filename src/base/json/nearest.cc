#include "base/json/nearest.h"

#include <algorithm>
#include <array>

namespace weir {
namespace {

// Longer words are not compared: nobody mistypes them by hand, and the cost is the product of the lengths.
constexpr std::size_t kLongestWord = 64;
// A hint stays readable on one line.
constexpr std::size_t kMostListed = 20;

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

// Optimal string alignment distance; three rows of the table suffice.
std::size_t distance(std::string_view a, std::string_view b) {
  std::array<std::array<std::size_t, kLongestWord + 1>, 3> rows{};
  for (std::size_t j = 0; j <= b.size(); ++j) rows[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    auto& now = rows[i % 3];
    const auto& above = rows[(i - 1) % 3];
    now[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replace = above[j - 1] + (lower(a[i - 1]) == lower(b[j - 1]) ? 0 : 1);
      now[j] = std::min({replace, above[j] + 1, now[j - 1] + 1});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) now[j] = std::min(now[j], rows[(i - 2) % 3][j - 2] + 1);
    }
  }
  return rows[a.size() % 3][b.size()];
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& candidates) {
  std::string_view best;
  // A word of two letters is two edits away from every other: never accept replacing all of it.
  std::size_t limit = std::min(std::max<std::size_t>(2, word.size() / 3), word.empty() ? 0 : word.size() - 1);
  if (word.size() > kLongestWord) return best;
  for (const std::string_view candidate : candidates) {
    if (candidate.size() > kLongestWord) continue;
    const std::size_t edits = distance(word, candidate);
    if (edits < limit || (edits == limit && best.empty())) {
      best = candidate;
      limit = edits;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string_view>& candidates,
                         std::string_view label) {
  if (const std::string_view best = nearest(word, candidates); !best.empty()) {
    return "did you mean \"" + std::string(best) + "\"?";
  }
  if (candidates.empty()) return {};
  std::string out = std::string(label) + ": ";
  for (std::size_t i = 0; i < candidates.size() && i < kMostListed; ++i) {
    if (i != 0) out += ", ";
    out += candidates[i];
  }
  if (candidates.size() > kMostListed) out += ", …";
  return out;
}

}  // namespace weir
