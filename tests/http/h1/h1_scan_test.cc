// Finding the end of a head: the verdict depends on the bytes and never on how they arrived.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/h1/h1_parser.h"

namespace weir::http {
namespace {

struct Verdict {
  std::size_t end = 0;
  std::size_t skipped = 0;
  Reason reason = Reason::ok;
  bool operator==(const Verdict&) const = default;
};

// Gives the scanner the text up to each of `cuts` and then all of it; stops at the first result.
Verdict scan(const std::string& text, const std::vector<std::size_t>& cuts, const HeadLimits& limits) {
  HeadScanner scanner;
  Verdict verdict;
  auto steps = cuts;
  steps.push_back(text.size());
  for (const std::size_t size : steps) {
    const std::string piece = text.substr(0, size);  // moved in memory each time, as a growing buffer is
    const auto result = scanner.scan(piece, limits);
    verdict.skipped = scanner.skipped();
    if (!result) {
      verdict.reason = result.error().reason;
      return verdict;
    }
    if (*result != 0) {
      verdict.end = *result;
      return verdict;
    }
  }
  return verdict;
}

const std::string kRequest = "GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";

TEST(H1Scan, EverySplitGivesTheSame) {
  const HeadLimits limits{.bytes = 64, .target_bytes = 64, .fields = 10};
  struct Case {
    std::string text;
    Verdict verdict;
  };
  const std::size_t size = kRequest.size();
  const std::vector<Case> cases = {
      {kRequest, {.end = size}},
      {kRequest + "body\n\r\n\r\n", {.end = size}},
      {"\r\n" + kRequest, {.end = size + 2, .skipped = 2}},
      {"GET / HTTP/1.1\r\n\r\n", {.end = 18}},
      {kRequest.substr(0, size - 1), {}},
      {"", {}},
      {"\r", {}},
      {"\r\n", {.skipped = 2}},
      {"\r\n\r\n" + kRequest, {.skipped = 2, .reason = Reason::bad_request}},
      {"\n" + kRequest, {.reason = Reason::bad_request}},
      {"GET / HTTP/1.1\nHost: a\r\n\r\n", {.reason = Reason::bad_request}},
      {"GET / HTTP/1.1\r\nHost: a\n\r\n", {.reason = Reason::bad_request}},
      {"GET / HTTP/1.1\r\nHost: a\r\n\n", {.reason = Reason::bad_request}},
      {std::string(64, 'a'), {.reason = Reason::uri_too_long}},
      {std::string(63, 'a'), {}},
      {std::string(63, 'a') + "\n", {.reason = Reason::bad_request}},
      {"GET / HTTP/1.1\r\n" + std::string(80, 'a'), {.reason = Reason::headers_too_large}},
      {"GET / HTTP/1.1\r\n" + std::string(47, 'a') + "\n", {.reason = Reason::bad_request}},
      {"GET / HTTP/1.1\r\n" + std::string(48, 'a') + "\n", {.reason = Reason::headers_too_large}},
      {"GET / HTTP/1.1\r\n" + std::string(44, 'a') + "\r\n\r\n", {.end = 64}},
      {"\r\nGET / HTTP/1.1\r\n" + std::string(44, 'a') + "\r\n\r\n", {.end = 66, .skipped = 2}},
      {"GET / HTTP/1.1\r\n" + std::string(45, 'a') + "\r\n\r\n", {.reason = Reason::headers_too_large}},
  };
  for (const auto& [text, verdict] : cases) {
    EXPECT_EQ(scan(text, {}, limits), verdict) << text;
    std::vector<std::size_t> every;
    for (std::size_t i = 0; i < text.size(); ++i) {
      every.push_back(i);
      EXPECT_EQ(scan(text, {i}, limits), verdict) << i << text;
      for (std::size_t j = i; j < text.size(); ++j)
        EXPECT_EQ(scan(text, {i, j}, limits), verdict) << i << " " << j << text;
    }
    EXPECT_EQ(scan(text, every, limits), verdict) << text;
  }
}

TEST(H1Scan, ParsedHeadIsTheSameForEverySplit) {
  const std::string text = "\r\nPOST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
  for (std::size_t i = 0; i <= text.size(); ++i) {
    HeadScanner scanner;
    auto end = scanner.scan(std::string_view(text).substr(0, i), {});
    if (end && *end == 0) end = scanner.scan(text, {});
    ASSERT_TRUE(end);
    RequestHead head;
    ASSERT_TRUE(
        parse_request_head(std::string_view(text).substr(scanner.skipped(), *end - scanner.skipped()), {}, head));
    EXPECT_EQ(head.content_length, 5U);
    EXPECT_EQ(text.substr(*end), "hello");
  }
}

TEST(H1Scan, ResetBeginsANewHead) {
  HeadScanner scanner;
  ASSERT_EQ(*scanner.scan("\r\n" + kRequest, {}), kRequest.size() + 2);
  scanner.reset();
  EXPECT_EQ(scanner.skipped(), 0U);
  EXPECT_EQ(*scanner.scan(kRequest, {}), kRequest.size());
}

}  // namespace
}  // namespace weir::http
