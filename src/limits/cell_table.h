// A bounded table of 64-bit words by 64-bit keys, shared by all workers: what buckets, quotas and counts in flight
// are kept in (local_store.h). Finding a key and changing its word take no lock and no memory. Any thread.
//
// A key's set is eight cells, two cache lines. Where all eight are taken the one worth least makes room: which that
// is the owner says, and 0 means that nothing is lost with it. So a flood of new keys drives out other new keys, not
// those that have used up much. Memory is fixed, whatever clients send (attacks: 10^5 distinct keys).
#pragma once

#include <atomic>
#include <bit>
#include <cstdint>
#include <limits>

#include <sched.h>

namespace weir::limits {

class CellTable {
 public:
  static constexpr std::size_t kWays = 8;
  static constexpr std::uint64_t kNeverEvict = std::numeric_limits<std::uint64_t>::max();

  struct Cell {
    std::atomic<std::uint64_t> tag;  // 0: free, or being handed over
    std::atomic<std::uint64_t> word;
  };

  // `cells` is rounded up to a power of two. 16 bytes each, which become memory when they are first touched.
  explicit CellTable(std::size_t cells);
  CellTable(const CellTable&) = delete;
  CellTable& operator=(const CellTable&) = delete;
  ~CellTable();

  static std::uint64_t tag_of(std::uint64_t key) noexcept { return key == 0 ? 1 : key; }

  // The key's cell, or a claimed one with the word `fresh`; nullptr if all eight are worth kNeverEvict.
  // `worth(word)` must not be 0 for a word that somebody may be about to change; `fresh` must differ from the word
  // of whatever is driven out (it holds the time).
  template <class Worth>
  Cell* find_or_claim(std::uint64_t key, std::uint64_t fresh, Worth worth) noexcept {
    const std::uint64_t tag = tag_of(key);
    if (Cell* found = find_tag(tag)) return found;
    return claim(tag, fresh, worth);
  }
  Cell* find(std::uint64_t key) noexcept { return find_tag(tag_of(key)); }
  // For a key without room: another key's cell, always the same.
  Cell* any_of_set(std::uint64_t key) noexcept { return cells_ + set_of(tag_of(key)) * kWays + key % kWays; }

  // Changes a key's word by `step(word)`, which may be called several times and returns the new word, or the same one
  // to leave it. False: there was no room (see find_or_claim).
  template <class Worth, class Step>
  bool update(std::uint64_t key, std::uint64_t fresh, Worth worth, Step step) noexcept {
    const std::uint64_t tag = tag_of(key);
    for (;;) {
      Cell* cell = find_or_claim(key, fresh, worth);
      if (cell == nullptr) return false;
      std::uint64_t word = cell->word.load(std::memory_order_acquire);
      while (cell->tag.load(std::memory_order_acquire) == tag) {
        const std::uint64_t next = step(word);
        if (next == word) return true;
        if (!cell->word.compare_exchange_weak(word, next, std::memory_order_acq_rel, std::memory_order_acquire))
          continue;
        if (cell->tag.load(std::memory_order_acquire) == tag) return true;
        break;  // it was handed over in between: again, under its own cell
      }
    }
  }

  // Frees the cells that are worth 0. Returns how many are taken then. For a thread with time.
  template <class Worth>
  std::size_t sweep(Worth worth) noexcept {
    std::size_t taken = 0;
    for (std::size_t i = 0; i < count_; ++i) {
      Cell& cell = cells_[i];
      const std::uint64_t tag = cell.tag.load(std::memory_order_acquire);
      if (tag == 0) continue;
      ++taken;
      std::uint64_t word = cell.word.load(std::memory_order_acquire);
      if (worth(word) != 0) continue;
      Turn turn(turns_[i / kWays]);
      if (cell.tag.load(std::memory_order_acquire) != tag) continue;
      cell.tag.store(0, std::memory_order_release);
      // A word that changed meanwhile is somebody's again.
      if (cell.word.compare_exchange_strong(word, 0, std::memory_order_acq_rel))
        --taken;
      else
        cell.tag.store(tag, std::memory_order_release);
    }
    return taken;
  }

  // Calls each(tag, word) for every taken cell; what changes meanwhile is seen or not.
  template <class Each>
  void for_each(Each each) const {
    for (std::size_t i = 0; i < count_; ++i)
      if (const std::uint64_t tag = cells_[i].tag.load(std::memory_order_acquire); tag != 0)
        each(tag, cells_[i].word.load(std::memory_order_acquire));
  }

  std::size_t size() const noexcept { return count_; }
  // Cells that had to make room though they were worth something.
  std::uint64_t evicted() const noexcept { return evicted_.load(std::memory_order_relaxed); }

 private:
  // Why a lock here: two threads that bring the same new key must not make two cells of it. Only who brings a new key
  // takes it, for some ten instructions; who finds its key never looks at it.
  class Turn {
   public:
    explicit Turn(std::atomic<std::uint8_t>& flag) noexcept : flag_(flag) {
      for (int tries = 0; flag_.exchange(1, std::memory_order_acquire) != 0;)
        if (++tries % 64 == 0) ::sched_yield();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    ~Turn() { flag_.store(0, std::memory_order_release); }

   private:
    std::atomic<std::uint8_t>& flag_;
  };

  std::size_t set_of(std::uint64_t tag) const noexcept {
    return static_cast<std::size_t>(tag >> shift_) & (count_ / kWays - 1);
  }

  Cell* find_tag(std::uint64_t tag) noexcept {
    Cell* const set = cells_ + set_of(tag) * kWays;
    for (std::size_t i = 0; i < kWays; ++i)
      if (set[i].tag.load(std::memory_order_acquire) == tag) return set + i;
    return nullptr;
  }

  template <class Worth>
  Cell* claim(std::uint64_t tag, std::uint64_t fresh, Worth worth) noexcept {
    Cell* const set = cells_ + set_of(tag) * kWays;
    Turn turn(turns_[set_of(tag)]);
    for (;;) {
      if (Cell* found = find_tag(tag)) return found;
      Cell* least = nullptr;
      std::uint64_t least_worth = kNeverEvict, least_word = 0;
      for (std::size_t i = 0; i < kWays && least_worth != 0; ++i) {
        const bool free = set[i].tag.load(std::memory_order_acquire) == 0;
        const std::uint64_t word = set[i].word.load(std::memory_order_acquire);
        const std::uint64_t its = free ? 0 : worth(word);
        if (its < least_worth) {
          least = set + i;
          least_worth = its;
          least_word = word;
        }
      }
      if (least == nullptr) return nullptr;
      const std::uint64_t before = least->tag.load(std::memory_order_relaxed);
      least->tag.store(0, std::memory_order_release);
      // Whoever changed the word since it was judged keeps the cell.
      if (!least->word.compare_exchange_strong(least_word, fresh, std::memory_order_acq_rel)) {
        least->tag.store(before, std::memory_order_release);
        continue;
      }
      if (least_worth != 0) evicted_.fetch_add(1, std::memory_order_relaxed);
      least->tag.store(tag, std::memory_order_release);
      return least;
    }
  }

  std::size_t count_;
  int shift_;  // the set is told by the tag's upper bits
  std::size_t bytes_;
  Cell* cells_;
  std::atomic<std::uint8_t>* turns_;  // one per set
  std::atomic<std::uint64_t> evicted_{0};
};

}  // namespace weir::limits
