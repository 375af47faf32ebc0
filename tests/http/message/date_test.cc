#include "http/message/date.h"

#include <gtest/gtest.h>

#include <ctime>
#include <string>

namespace weir::http {
namespace {

TEST(Date, IsTheExampleOfTheRfc) {
  EXPECT_EQ(date_text(784'111'777), "Sun, 06 Nov 1994 08:49:37 GMT");  // RFC 9110 §5.6.7
}

TEST(Date, TheTextOfTheSecondBeforeIsNotKept) {
  EXPECT_EQ(date_text(0), "Thu, 01 Jan 1970 00:00:00 GMT");
  EXPECT_EQ(date_text(1'772'323'199), "Sat, 28 Feb 2026 23:59:59 GMT");
  EXPECT_EQ(date_text(1'772'323'200), "Sun, 01 Mar 2026 00:00:00 GMT");
  EXPECT_EQ(date_text(1'772'323'200), "Sun, 01 Mar 2026 00:00:00 GMT");
  EXPECT_EQ(date_text(253'402'300'799), "Fri, 31 Dec 9999 23:59:59 GMT");
}

// Against the C library, over leap years, month ends and every day of the week.
TEST(Date, AgreesWithStrftime) {
  for (std::int64_t second = 951'696'000; second < 1'100'000'000; second += 86'400 * 3 + 3'661) {
    const std::time_t time = second;
    std::tm parts{};
    ::gmtime_r(&time, &parts);
    char wanted[40];
    std::strftime(wanted, sizeof wanted, "%a, %d %b %Y %H:%M:%S GMT", &parts);
    ASSERT_EQ(date_text(second), wanted);
  }
}

TEST(Date, NowIsNow) {
  const std::time_t before = std::time(nullptr);
  const std::string now(date_now());
  const std::time_t after = std::time(nullptr);
  EXPECT_TRUE(now == date_text(before) || now == date_text(after)) << now;
}

}  // namespace
}  // namespace weir::http
