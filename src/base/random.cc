// The per-thread generator behind fast_random(). Called by filters for request, trace and span ids. A new process
// seeds anew, so a binary that takes over the sockets of another never repeats its ids.
#include "base/random.h"

#include <sys/random.h>

#include <bit>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace weir {
namespace {

struct Generator {
  std::uint64_t s[4];
  bool seeded;
};
constinit thread_local Generator generator{};

void seed(Generator& g) noexcept {
  // All zero is the one state the generator never leaves. Up to 256 bytes come whole once the kernel's pool is ready
  // (getrandom(2)), so a failure means a kernel without the call: no id could be trusted then.
  while ((g.s[0] | g.s[1] | g.s[2] | g.s[3]) == 0) {
    if (::getrandom(g.s, sizeof g.s, 0) == static_cast<ssize_t>(sizeof g.s) || errno == EINTR) continue;
    std::fputs("weir: getrandom() failed: no randomness for ids\n", stderr);
    std::abort();
  }
  g.seeded = true;
}

}  // namespace

std::uint64_t fast_random() noexcept {
  Generator& g = generator;
  if (!g.seeded) [[unlikely]] {
    seed(g);
  }
  const std::uint64_t out = std::rotl(g.s[0] + g.s[3], 23) + g.s[0];
  const std::uint64_t t = g.s[1] << 17;
  g.s[2] ^= g.s[0];
  g.s[3] ^= g.s[1];
  g.s[1] ^= g.s[2];
  g.s[0] ^= g.s[3];
  g.s[2] ^= t;
  g.s[3] = std::rotl(g.s[3], 45);
  return out;
}

}  // namespace weir
