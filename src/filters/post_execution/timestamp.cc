// Formatting log times (timestamp.h). Called once per record.
#include "filters/post_execution/timestamp.h"

#include <chrono>

namespace weir::filters {
namespace {

constexpr std::size_t kLength = 27;

void write_digits(char* out, unsigned value, int count) noexcept {
  for (int i = count - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

struct Kept {
  std::int64_t second;
  char text[kLength + 1];
};
constinit thread_local Kept kept{-1, "0000-00-00T00:00:00.000000Z"};

void write_second(char* out, std::int64_t second) noexcept {
  const std::chrono::sys_seconds time{std::chrono::seconds(second)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  write_digits(out, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  write_digits(out + 5, static_cast<unsigned>(date.month()), 2);
  write_digits(out + 8, static_cast<unsigned>(date.day()), 2);
  write_digits(out + 11, static_cast<unsigned>(clock.hours().count()), 2);
  write_digits(out + 14, static_cast<unsigned>(clock.minutes().count()), 2);
  write_digits(out + 17, static_cast<unsigned>(clock.seconds().count()), 2);
}

}  // namespace

std::string_view timestamp(std::int64_t us) {
  const std::int64_t second = us / 1'000'000;
  if (second != kept.second) {
    write_second(kept.text, second);
    kept.second = second;
  }
  write_digits(kept.text + 20, static_cast<unsigned>(us % 1'000'000), 6);
  return {kept.text, kLength};
}

}  // namespace weir::filters
