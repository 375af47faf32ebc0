// Monotonic time as the loop sees it. Everything on the way of a request waits by this clock, so that a step of the
// wall clock moves no deadline. Wall time is only read for log records and Date.
#pragma once

#include <chrono>

namespace weir::io {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;

inline constexpr TimePoint kNever = TimePoint::max();

}  // namespace weir::io
