// What was seen lately, in a fixed piece of memory that all workers share without a lock: by it a signed request is
// accepted once. Remembers at least until `until` as long as there is room; when an attacker who holds a key fills
// it, the oldest go first. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "crypto/digest.h"

namespace weir::identity {

class Seen {
 public:
  Seen();

  // False: `mark` was added before and its time is not over. Times in seconds.
  bool add(const crypto::Digest& mark, std::int64_t now, std::int64_t until) noexcept;

 private:
  // 65,536 cells in sets of 8: 512 KiB, which holds five minutes of 200 signed requests a second.
  static constexpr std::size_t kSets = 8192;
  static constexpr std::size_t kWays = 8;
  // 40 bits of the mark and 24 of the end, in seconds (194 days); 0: free.
  using Cell = std::atomic<std::uint64_t>;
  struct alignas(64) Set {
    std::array<Cell, kWays> cells;
  };
  std::unique_ptr<Set[]> sets_;
};

}  // namespace weir::identity
