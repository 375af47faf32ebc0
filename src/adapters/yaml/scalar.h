// What an unquoted YAML scalar means (YAML 1.2.2 §10.3.2, the core schema). Used by load.cc only; any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/json/json.h"

namespace weir::yaml {

// The value, or why it is refused: numbers out of range, with leading zeros (octal in YAML 1.1, decimal in 1.2), .inf
// and .nan (JSON has neither).
std::expected<Json, std::string> resolve_plain(std::string_view text);

}  // namespace weir::yaml
