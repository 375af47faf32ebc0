// UUIDv7 (uuid7.h). Called once per request that brings no id of its own.
#include "base/uuid7.h"

#include "base/hex.h"
#include "base/random.h"

namespace weir {
namespace {

struct Last {
  std::uint64_t ms;
  std::uint32_t counter;
};
constinit thread_local Last last{};

constexpr std::uint32_t kCounterMost = 0xfff;

}  // namespace

void uuid7(std::uint64_t unix_ms, char* out) noexcept {
  const std::uint64_t random = fast_random();
  if (unix_ms > last.ms) {
    // The top bit stays free, so that at least 2048 more fit into this millisecond.
    last = {unix_ms, static_cast<std::uint32_t>(random >> 53)};
  } else if (last.counter < kCounterMost) {
    ++last.counter;
  } else {
    // §6.2: when the counter is used up the timestamp may run ahead.
    last = {last.ms + 1, 0};
  }
  const std::uint64_t low = (fast_random() & 0x3fff'ffff'ffff'ffff) | 0x8000'0000'0000'0000;
  out = write_hex(out, last.ms >> 16, 4);
  *out++ = '-';
  out = write_hex(out, last.ms, 2);
  *out++ = '-';
  out = write_hex(out, 0x7000 | last.counter, 2);
  *out++ = '-';
  out = write_hex(out, low >> 48, 2);
  *out++ = '-';
  write_hex(out, low, 6);
}

}  // namespace weir
