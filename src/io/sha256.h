// SHA-256 (FIPS 180-4) of bytes in memory: the digest of a document, and of files whose change must be noticed. A
// pure function over OpenSSL, whose headers stop in this room; any thread, not for the way of a request.
#pragma once

#include <string>
#include <string_view>

namespace weir::io {

std::string sha256_hex(std::string_view bytes);  // 64 lower-case digits

}  // namespace weir::io
