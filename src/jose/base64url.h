// base64url as JOSE uses it (RFC 4648 §5 without padding, RFC 7515 §2), strictly: no padding, no white space, no
// other alphabet, no bits set behind the last byte, so that one value has one spelling. Pure functions, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace weir::jose {

// nullopt: the text is not the one spelling of any bytes.
std::optional<std::string> decode_base64url(std::string_view text);

std::string encode_base64url(std::string_view bytes);

}  // namespace weir::jose
