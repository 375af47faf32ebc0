// SHA-256 and HMAC-SHA-256 of bytes in memory, for keys of caches and their authentication: fetched once, no
// allocation. Any thread; each has a context of its own.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace weir::jose {

using Digest = std::array<std::uint8_t, 32>;

// FIPS 180-4. All zeros if OpenSSL fails, which without memory it may.
Digest sha256(std::string_view bytes) noexcept;
Digest sha256(std::string_view first, std::string_view second) noexcept;  // of one after the other

// RFC 2104 with SHA-256.
Digest hmac_sha256(std::string_view key, std::string_view bytes) noexcept;

// In time that does not depend on where they differ.
bool same(std::string_view a, std::string_view b) noexcept;

}  // namespace weir::jose
