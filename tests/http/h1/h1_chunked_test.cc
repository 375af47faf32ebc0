// Chunked bodies: the same bytes out for every way of cutting them, and every malformed piece refused (attacks.md
// A6).
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "http/h1/h1_parser.h"

namespace weir::http {
namespace {

using namespace std::string_literals;

struct Decoded {
  std::string data = {};
  std::string trailers = {};
  std::size_t consumed = 0;
  bool done = false;
  Reason reason = Reason::ok;
  bool operator==(const Decoded&) const = default;
};

// Plays a connection: a buffer that grows to each cut and from whose front the consumed bytes are dropped.
Decoded decode(const std::string& wire, std::vector<std::size_t> cuts, const HeadLimits& limits = {}) {
  ChunkedDecoder decoder;
  Fields trailers;
  Decoded out;
  cuts.push_back(wire.size());
  for (const std::size_t cut : cuts) {
    for (;;) {
      const std::vector<char> buffer(wire.begin() + static_cast<std::ptrdiff_t>(out.consumed),
                                     wire.begin() + static_cast<std::ptrdiff_t>(cut));
      const auto step = decoder.step({buffer.data(), buffer.size()}, limits, trailers);
      if (!step) {
        out.reason = step.error().reason;
        out.consumed = 0;  // how far it got before an error depends on the cuts
        return out;
      }
      out.data.append(step->data);
      out.consumed += step->consumed;
      out.done = step->done;
      if (out.done) {
        for (const Field& field : trailers)
          out.trailers.append(field.name).append("=").append(field.value).append(";");
        return out;
      }
      if (step->data.empty()) break;
    }
  }
  return out;
}

void expect_for_every_split(const std::string& wire, const Decoded& expected) {
  EXPECT_EQ(decode(wire, {}), expected) << wire;
  std::vector<std::size_t> every;
  for (std::size_t i = 0; i < wire.size(); ++i) {
    every.push_back(i);
    ASSERT_EQ(decode(wire, {i}), expected) << i << "\n" << wire;
    for (std::size_t j = i; j < wire.size(); ++j)
      ASSERT_EQ(decode(wire, {i, j}), expected) << i << " " << j << "\n" << wire;
  }
  EXPECT_EQ(decode(wire, every), expected) << wire;
}

TEST(H1Chunked, EverySplitGivesTheSame) {
  expect_for_every_split("0\r\n\r\n", {.consumed = 5, .done = true});
  expect_for_every_split("5\r\nhello\r\n6;a=b\r\n\r\n wor\r\n1\r\nd\r\n000\r\n\r\n",
                         {.data = "hello\r\n word", .consumed = 38, .done = true});
  expect_for_every_split("1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0;x;y=\"z\"\r\n\r\nGET / HTTP/1.1\r\n\r\n",
                         {.data = "abcdefghijklmnopqrstuvwxyz", .consumed = 45, .done = true});
  expect_for_every_split("1\r\nA\r\n0\r\nX-T: 1\r\nY:\r\nU_V: x\r\n\r\nmore",
                         {.data = "A", .trailers = "X-T=1;Y=;", .consumed = 31, .done = true});
}

TEST(H1Chunked, WaitsForTheRest) {
  for (const std::string& wire : {""s, "5"s, "5\r"s, "5;x"s, "0\r\n"s, "0\r\n\r"s, "0\r\nX: y\r\n"s}) {
    const Decoded decoded = decode(wire, {});
    EXPECT_FALSE(decoded.done) << wire;
    EXPECT_EQ(decoded.reason, Reason::ok) << wire;
  }
  EXPECT_EQ(decode("5\r\nhel", {}).data, "hel");
  EXPECT_EQ(decode("5\r\nhello", {}).data, "hello");
}

TEST(H1Chunked, A6MalformedForEverySplit) {
  struct Case {
    std::string wire;
    std::string data;  // what may pass before the mistake
  };
  const std::vector<Case> cases = {
      {" 5\r\nhello\r\n", ""},
      {"\t5\r\nhello\r\n", ""},
      {"+5\r\nhello\r\n", ""},
      {"-5\r\nhello\r\n", ""},
      {"0x5\r\nhello\r\n", ""},
      {"5_0\r\nhello\r\n", ""},
      {"5 \r\nhello\r\n", ""},
      {"5 ;x\r\nhello\r\n", ""},
      {"5\nhello\r\n", ""},
      {"5\rhello\r\n", ""},
      {"5\r\r\nhello\r\n", ""},
      {"\r\n", ""},
      {";x\r\n", ""},
      {"g\r\n", ""},
      {"00000000000000005\r\nhello\r\n", ""},  // 17 digits
      {"8000000000000000\r\n", ""},
      {"ffffffffffffffff\r\n", ""},
      {"5;x\nhello\r\n", ""},
      {"5;x\rhello\r\n", ""},
      {"5;\0\r\nhello\r\n"s, ""},
      {"5;a b\r\nhello\r\n", ""},
      {"5;\x80\r\nhello\r\n", ""},
      {"5;\x7f\r\nhello\r\n", ""},
      {"5\r\nhello0\r\n\r\n", "hello"},
      {"5\r\nhello\n0\r\n\r\n", "hello"},
      {"5\r\nhello\r0\r\n\r\n", "hello"},
      {"5\r\nhello!\r\n0\r\n\r\n", "hello"},
      {"5\r\nhello\r\n\r\n0\r\n\r\n", "hello"},
      {"0\n\r\n", ""},
      {"0\r\n\n", ""},
      {"0\r\nX: y\n\r\n", ""},
      {"0\r\nX: y\r\n\n", ""},
      {"0\r\n X: y\r\n\r\n", ""},
      {"0\r\nX: y\r\n z\r\n\r\n", ""},
      {"0\r\nX : y\r\n\r\n", ""},
      {"0\r\nX: \x01\r\n\r\n", ""},
      {"0\r\nGET / HTTP/1.1\r\n\r\n", ""},
      {"0\r\nContent_Length: 5\r\n\r\n", ""},
  };
  for (const auto& [wire, data] : cases) {
    expect_for_every_split(wire, {.data = data, .reason = Reason::bad_request});
  }
}

TEST(H1Chunked, A6ExtensionBytesPerMessage) {
  const auto chunk = [](std::size_t extension) { return "1;" + std::string(extension - 1, 'x') + "\r\nA\r\n"; };
  const std::string end = "0\r\n\r\n";
  EXPECT_TRUE(decode(chunk(1024) + end, {}).done);
  EXPECT_EQ(decode(chunk(1025) + end, {}).reason, Reason::bad_request);
  EXPECT_TRUE(decode(chunk(512) + chunk(512) + end, {}).done);
  EXPECT_EQ(decode(chunk(512) + chunk(513) + end, {}).reason, Reason::bad_request);
  EXPECT_EQ(decode(chunk(1024) + "0;\r\n\r\n", {}).reason, Reason::bad_request);
  // 64 KiB of it is refused long before it ends.
  EXPECT_EQ(decode("1;" + std::string(1024, 'x'), {}).reason, Reason::bad_request);
  EXPECT_EQ(decode("1;" + std::string(1023, 'x'), {}).reason, Reason::ok);
}

TEST(H1Chunked, LargestChunkIsOnlyANumber) {
  ChunkedDecoder decoder;
  Fields trailers;
  const auto step = decoder.step("7FFFFFFFFFFFFFFF\r\nab", {}, trailers);
  ASSERT_TRUE(step);
  EXPECT_EQ(step->data, "ab");
  EXPECT_EQ(step->consumed, 20U);
}

TEST(H1Chunked, TrailerLimits) {
  const HeadLimits limits{.bytes = 64, .target_bytes = 8, .fields = 2};
  EXPECT_TRUE(decode("0\r\na: b\r\nc: d\r\n\r\n", {}, limits).done);
  EXPECT_EQ(decode("0\r\na: b\r\nc: d\r\ne: f\r\n\r\n", {}, limits).reason, Reason::headers_too_large);
  EXPECT_EQ(decode("0\r\na: " + std::string(61, 'x'), {}, limits).reason, Reason::headers_too_large);
  EXPECT_EQ(decode("0\r\na: b\r\nc: " + std::string(61, 'x'), {}, limits).reason, Reason::headers_too_large);
}

TEST(H1Chunked, DoneStaysDone) {
  ChunkedDecoder decoder;
  Fields trailers;
  ASSERT_TRUE(decoder.step("0\r\n\r\n", {}, trailers)->done);
  const auto again = decoder.step("5\r\nhello\r\n", {}, trailers);
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->done);
  EXPECT_EQ(again->consumed, 0U);
}

}  // namespace
}  // namespace weir::http
