#include "base/json/quantity.h"

#include <array>
#include <charconv>
#include <span>

namespace weir {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// Smallest first: format() takes the last that divides.
constexpr std::array<Unit, 5> kDurationUnits{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}, {"d", 86'400'000}}};
constexpr std::array<Unit, 5> kSizeUnits{
    {{"B", 1}, {"KiB", 1LL << 10}, {"MiB", 1LL << 20}, {"GiB", 1LL << 30}, {"TiB", 1LL << 40}}};

constexpr std::int64_t kLongestDuration = 3650LL * 86'400'000;
constexpr std::int64_t kLargestSize = 1LL << 62;

std::optional<std::int64_t> parse(std::string_view text, std::span<const Unit> units, std::int64_t limit,
                                  bool bare) noexcept {
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;  // from_chars would take a sign
  std::int64_t count = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), count);
  if (parsed.ec != std::errc()) return std::nullopt;
  const std::string_view unit = text.substr(static_cast<std::size_t>(parsed.ptr - text.data()));
  if (unit.empty() && bare) return count <= limit ? std::optional(count) : std::nullopt;
  for (const Unit& known : units) {
    if (known.name == unit) return count <= limit / known.factor ? std::optional(count * known.factor) : std::nullopt;
  }
  return std::nullopt;
}

std::string format(std::int64_t value, std::span<const Unit> units) {
  const Unit* best = &units.front();
  for (const Unit& unit : units) {
    if (value != 0 && value % unit.factor == 0) best = &unit;
  }
  return std::to_string(value / best->factor) + std::string(best->name);
}

}  // namespace

std::optional<std::chrono::milliseconds> parse_duration(std::string_view text) noexcept {
  const auto count = parse(text, kDurationUnits, kLongestDuration, false);
  return count ? std::optional(std::chrono::milliseconds(*count)) : std::nullopt;
}

std::string format_duration(std::chrono::milliseconds duration) {
  return duration.count() == 0 ? "0s" : format(duration.count(), kDurationUnits);
}

std::optional<std::int64_t> parse_size(std::string_view text) noexcept {
  return parse(text, kSizeUnits, kLargestSize, true);
}

std::string format_size(std::int64_t bytes) { return format(bytes, kSizeUnits); }

}  // namespace weir
