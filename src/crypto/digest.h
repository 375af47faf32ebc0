// SHA-256 (FIPS 180-4) and its HMAC (RFC 2104), in bytes and in hex, and comparison in constant time: for documents,
// keys, passwords and signatures alike. No header of OpenSSL is needed for it; those who need its objects include
// openssl.h. Pure functions; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace weir::crypto {

using Digest = std::array<unsigned char, 32>;

Digest sha256(std::string_view bytes) noexcept;
Digest sha256(std::initializer_list<std::string_view> parts) noexcept;  // of one after the other
std::string sha256_hex(std::string_view bytes);                         // 64 lower-case digits

// SHA-1 (FIPS 180-4), only as a name that others have agreed on: Redis calls its scripts by it. It protects nothing.
std::string sha1_hex(std::string_view bytes);  // 40 lower-case digits

// HMAC-SHA-256 under one key, with the key's two blocks hashed once: what is left is two blocks for a short text.
class Mac {
 public:
  explicit Mac(std::string_view key) noexcept;
  Mac(const Mac&) = default;
  Mac& operator=(const Mac&) = default;
  ~Mac();

  Digest operator()(std::initializer_list<std::string_view> parts) const noexcept;
  Digest operator()(std::string_view text) const noexcept { return (*this)({text}); }

 private:
  struct State {
    alignas(8) std::array<std::byte, 112> bytes;  // a SHA256_CTX
  };
  State inner_;
  State outer_;
};

// Takes as long whatever the bytes are; false at once when the lengths differ.
bool equal_in_constant_time(std::span<const unsigned char> a, std::span<const unsigned char> b) noexcept;
bool equal_in_constant_time(std::string_view a, std::string_view b) noexcept;

std::string to_hex(std::span<const unsigned char> bytes);    // lower case
bool from_hex(std::string_view text, Digest& out) noexcept;  // exactly 64 digits, either case

}  // namespace weir::crypto
