// Durations and sizes as people write them: "250ms", "10s", "64KiB". Used by the schema check, Fields and the command
// line. Units are never guessed: a bare number is not a duration. Any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace weir {

// A whole number and one of ms, s, m, h, d, without a space or sign; at most 10 years (larger is a slip, and every
// deadline computed from it stays far from overflow).
std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept;
std::string format_duration(std::chrono::milliseconds duration);  // in the largest unit that is exact; reads back

// Bytes: a whole number, alone or with B, KiB, MiB, GiB or TiB (powers of 1024); at most 2^62. "64k" and "64KB" are
// refused: they mean different things to different people.
std::optional<std::int64_t> parse_size(std::string_view text) noexcept;
std::string format_size(std::int64_t bytes);  // in the largest unit that is exact; reads back

}  // namespace weir
