// What the control plane counts of itself, for its /metrics. Written by its loop and its threads: any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "control/api/state/instance_board.h"
#include "control/store.h"

namespace weir::control::api {

class Counts {
 public:
  void answered(int status) noexcept;
  void published(bool refused) noexcept { add(refused ? refused_ : published_); }
  void login_failed() noexcept { add(logins_failed_); }
  void note_dropped() noexcept { add(notes_dropped_); }
  void store_failed(StoreError::Kind kind) noexcept { add(store_errors_[static_cast<std::size_t>(kind)]); }

  // Prometheus' text format 0.0.4. `last`: the number of the last revision, 0: none or not known.
  std::string exposition(const std::vector<InstanceBoard::Instance>& instances, std::uint64_t last) const;

 private:
  using Cell = std::atomic<std::uint64_t>;
  static void add(Cell& cell) noexcept { cell.fetch_add(1, std::memory_order_relaxed); }

  std::array<Cell, 600> by_status_{};
  std::array<Cell, 4> store_errors_{};
  Cell published_{};
  Cell refused_{};
  Cell logins_failed_{};
  Cell notes_dropped_{};
};

}  // namespace weir::control::api
