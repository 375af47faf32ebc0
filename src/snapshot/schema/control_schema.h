// The two sections that say where a gateway's routes come from: `control` (this process is, or holds, the control
// plane) and `control_plane` (this gateway follows one). Used by document_schema.cc. What needs what is checked in
// snapshot/compile/control.cc.
#pragma once

#include <string>
#include <string_view>

#include "base/json/schema.h"

namespace weir::snapshot {

Schema control_plane_schema();
Schema control_schema(const Schema& tls);

// FormatCheck: 64 hex digits, as `weir control --public-key` prints them.
bool is_public_key(std::string_view text, std::string& why);

}  // namespace weir::snapshot
