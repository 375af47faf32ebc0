// What limits have said about one exchange: for the RateLimit fields, the access log and the metrics, and the seats
// it has to leave. Part of the exchange; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "ports/rate_store.h"

namespace weir::pipeline {

class Limited {
 public:
  struct Entry {
    const ports::RateLimit* limit;
    ports::RateDecision decision;
    std::uint64_t quota;   // what the limit lets through at once, or in a period
    std::uint64_t window;  // µs in which that is there again; 0: of a kind without time
  };
  // Four filters with a few limits each; beyond it nothing more is told, though it is enforced.
  static constexpr std::size_t kMostEntries = 12;
  static constexpr std::size_t kMostSeats = 32;  // two by group of a caller in sixteen of them

  Limited() noexcept {}  // the entries stay unwritten until they are added
  void add(const Entry& entry) noexcept {
    degraded_ = degraded_ || entry.decision.degraded;
    if (!entry.decision.allowed) refused_by_ = entry.limit->name;
    if (count_ < kMostEntries) entries_[count_++] = entry;
  }
  std::span<const Entry> entries() const noexcept { return {entries_.data(), count_}; }

  // Some decision was made without the store that should have made it.
  bool degraded() const noexcept { return degraded_; }
  // The name of the limit that refused; empty: none did.
  std::string_view refused_by() const noexcept { return refused_by_; }

  // What a filter asked and has to wait for; in the exchange's arena.
  std::span<ports::RateAsk> pending;

  // Whether the fields are on the response already: several filters would write them, the first does.
  bool told = false;
  bool told_legacy = false;

  bool can_hold(std::size_t more) const noexcept { return more <= kMostSeats - seats_held_; }
  bool hold(ports::RateStore::Seat seat) noexcept {
    if (seats_held_ == kMostSeats) return false;
    seats_[seats_held_++] = seat;
    return true;
  }
  // Leaves every seat; again: nothing.
  void leave_all(ports::RateStore& store) noexcept {
    while (seats_held_ != 0) store.leave(seats_[--seats_held_]);
  }

 private:
  union {
    std::array<Entry, kMostEntries> entries_;
  };
  std::array<ports::RateStore::Seat, kMostSeats> seats_;
  std::string_view refused_by_;
  std::uint8_t count_ = 0;
  std::uint8_t seats_held_ = 0;
  bool degraded_ = false;
};

}  // namespace weir::pipeline
