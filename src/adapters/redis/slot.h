// Which of a cluster's 16384 slots a key belongs to (Redis Cluster specification, "Key distribution model"). Used by
// cluster.cc. Pure.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::adapters::redis {

inline constexpr std::uint16_t kSlots = 16384;

// CRC-16/XMODEM: polynomial 0x1021, nothing reflected, begins at 0.
std::uint16_t crc16(std::string_view bytes) noexcept;

// Only what is between the first { and the next } counts, if there is something there: keys that share it share a
// slot.
std::uint16_t slot_of(std::string_view key) noexcept;

}  // namespace weir::adapters::redis
