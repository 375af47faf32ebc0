// What leaves when a Gather is written: every byte, in the order added, whether copied or left where it was.
#include "http/gather.h"

#include "tests/http/wire.h"

namespace weir::http {
namespace {

using std::chrono::seconds;

class GatherTest : public OnBothBackends {
 protected:
  static io::Task<io::IoStatus> write(Gather& out, io::Stream& stream) {
    const io::IoResult result = co_await out.write(stream, seconds(5));
    out.sent();
    co_return result.status;
  }
  // Writes what was gathered; what came out at the other end.
  std::string flushed(Gather& out) {
    std::string heard;
    EXPECT_EQ(wire.run(write(out, *wire.stream), [&] { heard += wire.heard(); }), io::IoStatus::ok);
    return heard + wire.heard();
  }
};

TEST_P(GatherTest, WritesTextNumbersAndFieldsInOrder) {
  Gather out(wire.buffers);
  EXPECT_TRUE(out.empty());
  out.text("GET / HTTP/1.1\r\n");
  out.field("Host", "shop.example.com");
  out.text("Content-Length: ");
  out.number(0);
  out.text("\r\nX: ");
  out.number(18'446'744'073'709'551'615U);
  out.text("\r\n\r\n");
  out.text("");
  EXPECT_FALSE(out.empty());
  EXPECT_EQ(flushed(out),
            "GET / HTTP/1.1\r\nHost: shop.example.com\r\nContent-Length: 0\r\nX: 18446744073709551615\r\n\r\n");
  EXPECT_TRUE(out.empty());
}

TEST_P(GatherTest, ChunkSizesAreHexadecimal) {
  Gather out(wire.buffers);
  for (const std::uint64_t size : {1U, 15U, 16U, 65'536U}) out.chunk_size(size);
  out.chunk_size(0xffff'ffff'ffff'ffffU);
  EXPECT_EQ(flushed(out), "1\r\nf\r\n10\r\n10000\r\nffffffffffffffff\r\n");
}

TEST_P(GatherTest, LargeAndSmallRunsOfBodyKeepTheirPlacesBetweenTexts) {
  const std::string large(40'000, 'L'), small(10, 's');
  Gather out(wire.buffers);
  out.text("head ");
  out.body(large);
  out.text(" middle ");
  out.body(small);
  out.body("");
  out.body(large);
  out.text(" end");
  EXPECT_EQ(flushed(out), "head " + large + " middle " + small + large + " end");
}

TEST_P(GatherTest, CanBeUsedAgainAfterAWrite) {
  Gather out(wire.buffers);
  for (const std::string_view text : {"one", "two", "three"}) {
    out.text(text);
    EXPECT_EQ(flushed(out), text);
  }
}

TEST_P(GatherTest, SaysItIsFullBeforeAnythingIsLost) {
  const std::string run(3'000, 'r');  // too large to be copied: a part of its own
  Gather out(wire.buffers);
  std::string expected, heard;
  for (int i = 0; i < 500; ++i) {
    if (out.full()) heard += flushed(out);
    out.chunk_size(run.size());
    out.body(run);
    out.text("\r\n");
    expected += "bb8\r\n" + run + "\r\n";
    ASSERT_FALSE(out.overflown()) << "after " << i;
  }
  heard += flushed(out);
  EXPECT_EQ(heard.size(), expected.size());
  EXPECT_EQ(heard, expected);
}

TEST_P(GatherTest, SmallRunsToo) {
  Gather out(wire.buffers);
  std::string expected, heard;
  for (int i = 0; i < 300; ++i) {
    if (out.full()) heard += flushed(out);
    const std::string run(2'000, static_cast<char>('a' + i % 26));
    out.body(run);  // copied: `run` need not stay
    expected += run;
    ASSERT_FALSE(out.overflown()) << "after " << i;
  }
  heard += flushed(out);
  EXPECT_EQ(heard, expected);
}

TEST_P(GatherTest, MoreTextThanFitsIsToldAndForgottenByReset) {
  Gather out(wire.buffers);
  const std::string value(30'000, 'v');
  for (int i = 0; i < 10; ++i) out.field("X", value);
  EXPECT_TRUE(out.overflown());
  out.reset();
  EXPECT_FALSE(out.overflown());
  EXPECT_TRUE(out.empty());
  out.text("fresh");
  EXPECT_EQ(flushed(out), "fresh");
}

INSTANTIATE_TEST_SUITE_P(Both, GatherTest, testing::Values(Backend::epoll, Backend::io_uring), backend_name);

}  // namespace
}  // namespace weir::http
