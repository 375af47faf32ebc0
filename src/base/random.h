// Random numbers for ids and samples: a few nanoseconds each, seeded by the kernel, one generator per thread. NOT for
// secrets: whoever sees enough of them can compute the next.
#pragma once

#include <cstdint>

namespace weir {

// 64 even bits (xoshiro256++, Blackman and Vigna 2019).
std::uint64_t fast_random() noexcept;

}  // namespace weir
