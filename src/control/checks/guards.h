// Against the accident of publishing next to nothing: an empty config, or one that lost much of what was there. Used
// by publish; `force` passes both. Pure; any thread.
#pragma once

#include "control/finding.h"

namespace weir::control {

// Rules "empty_config" and "shrunken". More than `percent` of the routes, upstreams or consumers of `before` are gone
// in `after`; fewer than kFewObjects are never guarded: two of three are not an accident worth stopping.
inline constexpr std::size_t kFewObjects = 5;
Findings guard(const Json& before, const Json& after, int percent);

}  // namespace weir::control
