// SHA-1 (FIPS 180-4) of bytes in memory, only as a name that others have agreed on: Redis calls its scripts by it. It
// protects nothing. A pure function over OpenSSL, whose headers stop in this room; any thread.
#pragma once

#include <string>
#include <string_view>

namespace weir::io {

std::string sha1_hex(std::string_view bytes);  // 40 lower-case digits

}  // namespace weir::io
