// Rates and calendar periods as people write them: "100/s", "10/m", days and months that begin at midnight somewhere.
// Used by the filters that limit and by the schema; pure functions, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/gcra.h"

namespace weir {

struct Rate {
  std::uint64_t requests = 0;
  std::uint64_t period = 0;  // µs
};

// A whole number from 1 to Gcra::kMostRequests, "/", and one of s, m, h, d.
std::optional<Rate> parse_rate(std::string_view text) noexcept;
std::string format_rate(const Rate& rate);  // "100/s"; "100/90s" for a period that has no letter

// A route's rate_limit_rps, exact to a millionth of a request per second. The burst is one second's worth, at least
// one. nullopt: not above 0, or more than Gcra::kMostRequests.
std::optional<Gcra> per_second(double requests) noexcept;

enum class CalendarPeriod : std::uint8_t { day, month };

// A quota's period: which one it is (a number that grows by one with each) and when it ends, in seconds since the
// epoch. `offset` is what local midnight is ahead of UTC's, in seconds. Proleptic Gregorian, no leap seconds, as
// POSIX time has it.
struct CalendarSpan {
  std::uint32_t index = 0;
  std::int64_t end = 0;
};
CalendarSpan calendar_span(CalendarPeriod period, std::int64_t now, std::int32_t offset) noexcept;

// How many days the month has that `now` is in.
std::uint64_t month_days(std::int64_t now, std::int32_t offset) noexcept;

// "+02:00", "-05:30", "Z": seconds ahead of UTC. nullopt for anything else or beyond 14 hours.
std::optional<std::int32_t> parse_utc_offset(std::string_view text) noexcept;

}  // namespace weir
