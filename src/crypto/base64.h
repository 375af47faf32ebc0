// Base64 of RFC 4648 §4; the one of URLs is jose/base64url.h. Pure functions; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace weir::crypto {

std::string to_base64(std::span<const unsigned char> bytes);  // padded
bool from_base64(std::string_view text, std::string& out);    // strict; padding may be left out

}  // namespace weir::crypto
