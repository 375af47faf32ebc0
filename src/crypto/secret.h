// Secrets: made, and wiped. Any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace weir::crypto {

// From OpenSSL's generator, which the kernel seeds; ends the process when it cannot.
void random_bytes(std::span<unsigned char> out) noexcept;

// 0-9A-Za-z, each digit equally likely.
std::string random_base62(std::size_t digits);

// Overwrites a secret in a way the compiler does not leave out.
void wipe(std::string& secret) noexcept;

}  // namespace weir::crypto
