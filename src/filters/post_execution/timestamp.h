// Wall time as RFC 3339 in UTC with microseconds, "2026-02-28T23:59:59.123456Z": for log records. Any thread.
#pragma once

#include <cstdint>
#include <string_view>

namespace weir::filters {

// `us`: microseconds since the epoch, not before it and before the year 10000. The date and time to the second are
// kept per thread, as most records share them with the one before. The view is good until the thread asks again.
std::string_view timestamp(std::int64_t us);

}  // namespace weir::filters
