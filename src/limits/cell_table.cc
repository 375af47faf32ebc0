// The memory of a CellTable: one anonymous mapping, zero and untouched at first, so that a gateway without limits
// pays for none.
#include "limits/cell_table.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

namespace weir::limits {

CellTable::CellTable(std::size_t cells)
    : count_(std::bit_ceil(cells < kWays ? kWays : cells)),
      shift_(64 - std::max(1, static_cast<int>(std::bit_width(count_ / kWays)) - 1)),
      bytes_(count_ * sizeof(Cell) + count_ / kWays) {
  void* memory = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    std::perror("weir: no memory for the table of limits");
    std::abort();
  }
  // Zero bytes are a std::atomic of an integer that holds 0, on every platform with lock-free atomics.
  static_assert(std::atomic<std::uint64_t>::is_always_lock_free && sizeof(Cell) == 16);
  cells_ = static_cast<Cell*>(memory);
  turns_ = reinterpret_cast<std::atomic<std::uint8_t>*>(static_cast<char*>(memory) + count_ * sizeof(Cell));
}

CellTable::~CellTable() { ::munmap(cells_, bytes_); }

}  // namespace weir::limits
