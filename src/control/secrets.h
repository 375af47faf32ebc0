// Secrets and keys of certificates on their way into the draft: sealed under the master key, whether they come in
// plain or sealed already. Used by control/changes/changes.h. identity/seal.h does the sealing. Pure; any thread.
#pragma once

#include <expected>
#include <string_view>

#include "control/finding.h"

namespace weir::control {

// The body with its secret sealed. What equals the secret of `before` keeps its sealed text, so that saying the same
// again changes nothing. Findings: no master key, sealed under another key or for another name.
std::expected<Json, Findings> sealed_body(Kind kind, std::string_view name, Json body, const Json* before,
                                          std::string_view master_key);

}  // namespace weir::control
