// Reading rates, offsets and calendars (rate.h). Cold, but for calendar_span, which quotas ask on every request: a
// handful of divisions, no table.
#include "base/rate.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace weir {
namespace {

constexpr std::uint64_t kSecond = 1'000'000;

struct Unit {
  char letter;
  std::uint64_t period;
};
constexpr Unit kUnits[] = {{'s', kSecond}, {'m', 60 * kSecond}, {'h', 3600 * kSecond}, {'d', 86'400 * kSecond}};

constexpr std::int64_t kDay = 86'400;

constexpr std::int64_t floor_divide(std::int64_t a, std::int64_t b) noexcept {
  return a / b - (a % b != 0 && (a % b < 0) != (b < 0) ? 1 : 0);
}

// Days since the epoch of a month's first day, months counted from January of year 0 (Hinnant, "chrono-compatible
// low-level date algorithms").
constexpr std::int64_t first_day(std::int64_t months) noexcept {
  std::int64_t year = floor_divide(months, 12);
  const std::int64_t month = months - year * 12 + 1;
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = floor_divide(year, 400);
  const std::int64_t of_era = year - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5;
  return era * 146'097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719'468;
}

constexpr std::int64_t month_of_day(std::int64_t day) noexcept {
  const std::int64_t z = day + 719'468;
  const std::int64_t era = floor_divide(z, 146'097);
  const std::int64_t doe = z - era * 146'097;
  const std::int64_t yoe = (doe - doe / 1460 + doe / 36'524 - doe / 146'096) / 365;
  const std::int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
  const std::int64_t mp = (5 * doy + 2) / 153;
  const std::int64_t month = mp + (mp < 10 ? 3 : -9);
  return (yoe + era * 400 + (month <= 2 ? 1 : 0)) * 12 + month - 1;
}
static_assert(month_of_day(0) == 1970 * 12 && first_day(1970 * 12) == 0);
static_assert(month_of_day(19'782) == 2024 * 12 + 1 && first_day(2024 * 12 + 2) == 19'783);  // 29 February 2024

}  // namespace

std::optional<Rate> parse_rate(std::string_view text) noexcept {
  Rate out;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, out.requests);
  if (error != std::errc() || end - at != 2 || *at != '/') return std::nullopt;
  for (const Unit& unit : kUnits)
    if (at[1] == unit.letter) out.period = unit.period;
  if (out.period == 0 || out.requests == 0 || out.requests > Gcra::kMostRequests) return std::nullopt;
  return out;
}

std::string format_rate(const Rate& rate) {
  std::string out = std::to_string(rate.requests) + "/";
  for (const Unit& unit : kUnits)
    if (rate.period == unit.period) return out + unit.letter;
  if (rate.period % kSecond == 0) return out + std::to_string(rate.period / kSecond) + "s";
  return out + std::to_string(rate.period / 1000) + "ms";
}

std::optional<Gcra> per_second(double requests) noexcept {
  if (!(requests > 0) || requests > static_cast<double>(Gcra::kMostRequests)) return std::nullopt;
  const double burst = std::max(1.0, std::ceil(requests));
  // The fewest decimals that say it: 33.3 is 333 in ten seconds.
  std::uint64_t scale = 1;
  while (scale < 1'000'000 && requests * static_cast<double>(scale) < static_cast<double>(Gcra::kMostRequests) / 10 &&
         std::abs(requests * static_cast<double>(scale) - std::round(requests * static_cast<double>(scale))) >
             1e-9 * requests * static_cast<double>(scale))
    scale *= 10;
  const auto whole = static_cast<std::uint64_t>(std::round(requests * static_cast<double>(scale)));
  return Gcra::make(std::max<std::uint64_t>(whole, 1), kSecond * scale, static_cast<std::uint64_t>(burst));
}

CalendarSpan calendar_span(CalendarPeriod period, std::int64_t now, std::int32_t offset) noexcept {
  const std::int64_t day = floor_divide(now + offset, kDay);
  if (period == CalendarPeriod::day) return {static_cast<std::uint32_t>(day), (day + 1) * kDay - offset};
  const std::int64_t month = month_of_day(day);
  return {static_cast<std::uint32_t>(month), first_day(month + 1) * kDay - offset};
}

std::uint64_t month_days(std::int64_t now, std::int32_t offset) noexcept {
  const std::int64_t month = month_of_day(floor_divide(now + offset, kDay));
  return static_cast<std::uint64_t>(first_day(month + 1) - first_day(month));
}

std::optional<std::int32_t> parse_utc_offset(std::string_view text) noexcept {
  if (text == "Z") return 0;
  if (text.size() != 6 || (text[0] != '+' && text[0] != '-') || text[3] != ':') return std::nullopt;
  for (const std::size_t i : {1u, 2u, 4u, 5u})
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
  const int hours = (text[1] - '0') * 10 + (text[2] - '0');
  const int minutes = (text[4] - '0') * 10 + (text[5] - '0');
  if (minutes > 59 || hours * 60 + minutes > 14 * 60) return std::nullopt;
  const int seconds = (hours * 60 + minutes) * 60;
  return text[0] == '-' ? -seconds : seconds;
}

}  // namespace weir
