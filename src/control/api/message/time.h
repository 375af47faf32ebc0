// Times as the API writes them: RFC 3339 in UTC, to the millisecond where it is known. Pure; any thread.
#pragma once

#include <fmt/chrono.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace weir::control::api {

// "2026-01-31T12:00:00Z"
inline std::string time_text(std::int64_t seconds) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(seconds)));
}

// "2026-01-31T12:00:00.123Z"
inline std::string time_text_ms(std::int64_t ms) {
  const std::int64_t part = (ms % 1000 + 1000) % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(static_cast<std::time_t>((ms - part) / 1000)), part);
}

}  // namespace weir::control::api
