#include "base/rate.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

TEST(Rate, IsReadAsWritten) {
  EXPECT_EQ(parse_rate("100/s")->requests, 100u);
  EXPECT_EQ(parse_rate("100/s")->period, 1'000'000u);
  EXPECT_EQ(parse_rate("10/m")->period, 60'000'000u);
  EXPECT_EQ(parse_rate("1/h")->period, 3'600'000'000u);
  EXPECT_EQ(parse_rate("1000000000/d")->period, 86'400'000'000u);
  for (const char* text :
       {"", "s", "/s", "0/s", "1/", "1/x", "1/sec", "1s", "-1/s", "1.5/s", "1/s ", "1000000001/s", "1 /s"})
    EXPECT_FALSE(parse_rate(text)) << text;
  for (const char* text : {"100/s", "10/m", "7/h", "5/d"}) EXPECT_EQ(format_rate(*parse_rate(text)), text);
  EXPECT_EQ(format_rate({100, 90'000'000}), "100/90s");
}

TEST(Rate, PerSecondIsExactAndHasABurstOfOneSecond) {
  EXPECT_EQ(*per_second(100), *Gcra::make(100, 1'000'000, 100));
  EXPECT_EQ(*per_second(33.3), *Gcra::make(333, 10'000'000, 34));
  EXPECT_EQ(*per_second(0.5), *Gcra::make(5, 10'000'000, 1));
  EXPECT_EQ(*per_second(0.001), *Gcra::make(1, 1'000'000'000, 1));
  EXPECT_FALSE(per_second(0));
  EXPECT_FALSE(per_second(-1));
  EXPECT_FALSE(per_second(2e9));
}

TEST(Calendar, DaysAndMonthsEndAtMidnight) {
  constexpr std::int64_t kFebruary29 = 1'709'164'800;  // 2024-02-29T00:00:00Z
  const auto day = calendar_span(CalendarPeriod::day, kFebruary29 + 5, 0);
  EXPECT_EQ(day.end, kFebruary29 + 86'400);
  EXPECT_EQ(calendar_span(CalendarPeriod::day, kFebruary29 - 1, 0).index + 1, day.index);
  const auto month = calendar_span(CalendarPeriod::month, kFebruary29 + 5, 0);
  EXPECT_EQ(month.end, kFebruary29 + 86'400) << "1 March";
  EXPECT_EQ(calendar_span(CalendarPeriod::month, month.end, 0).index, month.index + 1);
  EXPECT_EQ(calendar_span(CalendarPeriod::month, month.end, 0).end, month.end + 31 * 86'400);
  EXPECT_EQ(month_days(kFebruary29, 0), 29u);
  EXPECT_EQ(month_days(kFebruary29, 24 * 3600), 31u);
  const auto december = calendar_span(CalendarPeriod::month, 1'704'067'199, 0);  // the last second of 2023
  EXPECT_EQ(december.end, 1'704'067'200);
  EXPECT_EQ(calendar_span(CalendarPeriod::month, december.end, 0).index, december.index + 1);
}

TEST(Calendar, AnOffsetMovesMidnight) {
  constexpr std::int64_t kMidnight = 1'709'164'800;
  const auto east = calendar_span(CalendarPeriod::day, kMidnight - 1, 2 * 3600);
  EXPECT_EQ(east.end, kMidnight + 22 * 3600);
  const auto west = calendar_span(CalendarPeriod::day, kMidnight + 1, -5 * 3600);
  EXPECT_EQ(west.end, kMidnight + 5 * 3600);
}

TEST(Calendar, OffsetsAreReadStrictly) {
  EXPECT_EQ(parse_utc_offset("Z"), 0);
  EXPECT_EQ(parse_utc_offset("+02:00"), 7200);
  EXPECT_EQ(parse_utc_offset("-05:30"), -19'800);
  for (const char* text : {"", "2", "+2:00", "+0200", "+15:00", "+02:60", "02:00", "+02:0x"})
    EXPECT_FALSE(parse_utc_offset(text)) << text;
}

}  // namespace
}  // namespace weir
