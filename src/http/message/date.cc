// Formatting the Date field (date.h). Called once per response made here.
#include "http/message/date.h"

#include <chrono>
#include <ctime>

namespace weir::http {
namespace {

struct Kept {
  std::int64_t second;
  char text[30];
};
constinit thread_local Kept kept{-1, "Thu, 01 Jan 1970 00:00:00 GMT"};

void write_digits(char* out, unsigned value, int count) noexcept {
  for (int i = count - 1; i >= 0; --i, value /= 10) out[i] = static_cast<char>('0' + value % 10);
}

void write_word(char* out, const char* words, unsigned index) noexcept {
  for (unsigned i = 0; i < 3; ++i) out[i] = words[3 * index + i];
}

void write_date(char* out, std::int64_t second) noexcept {
  const std::chrono::sys_seconds time{std::chrono::seconds(second)};
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  write_word(out, "SunMonTueWedThuFriSat", std::chrono::weekday(day).c_encoding());
  write_digits(out + 5, static_cast<unsigned>(date.day()), 2);
  write_word(out + 8, "JanFebMarAprMayJunJulAugSepOctNovDec", static_cast<unsigned>(date.month()) - 1);
  write_digits(out + 12, static_cast<unsigned>(static_cast<int>(date.year())), 4);
  write_digits(out + 17, static_cast<unsigned>(clock.hours().count()), 2);
  write_digits(out + 20, static_cast<unsigned>(clock.minutes().count()), 2);
  write_digits(out + 23, static_cast<unsigned>(clock.seconds().count()), 2);
}

}  // namespace

std::string_view date_text(std::int64_t second) noexcept {
  if (second != kept.second) {
    write_date(kept.text, second);
    kept.second = second;
  }
  return {kept.text, sizeof kept.text - 1};
}

std::string_view date_now() noexcept { return date_text(std::time(nullptr)); }

}  // namespace weir::http
