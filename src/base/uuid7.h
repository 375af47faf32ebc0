// UUIDs that sort by time (RFC 9562 §5.7), for request ids. Any thread; no lock, no allocation. They are unique, not
// secret.
#pragma once

#include <cstddef>
#include <cstdint>

namespace weir {

inline constexpr std::size_t kUuidLength = 36;

// Writes 36 characters, "0190b2c4-5d6e-7f80-9abc-def012345678". `unix_ms`: wall time in milliseconds. Those made by
// one thread rise strictly, also within a millisecond and when the wall clock steps back (§6.2, method 1: a 12-bit
// counter in rand_a, begun anew at random each millisecond).
void uuid7(std::uint64_t unix_ms, char* out) noexcept;

}  // namespace weir
