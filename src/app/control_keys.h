// The two keys of a control plane: the one it signs revisions with, the one it seals secrets by. Made beside the
// database when the config lets them be made. Used by control_plane.cc and `weir control --public-key`. Blocking.
#pragma once

#include <expected>
#include <string>

#include "revision/signed.h"
#include "snapshot/control_schema.h"

namespace weir::app {

// The errors are sentences.
std::expected<revision::SigningKey, std::string> signing_key(const snapshot::ControlSettings& settings);
std::expected<std::string, std::string> master_key(const snapshot::ControlSettings& settings);

}  // namespace weir::app
