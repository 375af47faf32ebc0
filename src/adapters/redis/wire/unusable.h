// The error codes by which Redis says that it, not the command, is the matter. Used wherever a reply is judged.
#pragma once

#include <string_view>

namespace weir::adapters::redis {

// In words of ours (static storage), or empty: an error that is the caller's to understand.
std::string_view unusable(std::string_view code) noexcept;

}  // namespace weir::adapters::redis
