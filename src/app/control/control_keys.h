// The two keys of a control plane: the one it signs revisions with, the one it seals secrets by. Made
// beside the database when they are missing and it has not been worked on: a second key beside what the first one
// signed or sealed is an outage. Used by control_plane.cc and `weir control --public-key`. Blocking.
#pragma once

#include <expected>
#include <functional>
#include <memory>
#include <string>

#include "control/store.h"
#include "revision/signed.h"
#include "snapshot/control_settings.h"

namespace weir::app {

// Asked before a key is made, since its file is not there: nothing, or the sentence why not.
using MayMake = std::function<std::expected<void, std::string>()>;

// The errors are sentences.
std::expected<revision::SigningKey, std::string> signing_key(const snapshot::ControlSettings& settings,
                                                             const MayMake& may_make);
std::expected<std::string, std::string> master_key(const snapshot::ControlSettings& settings,
                                                   const MayMake& may_make);

// For `may_make`: not if a database has been worked on, for then there was another key. `store`: of that database, or
// why it cannot be opened.
using Opened = control::StoreResult<std::unique_ptr<control::Store>>;
std::expected<void, std::string> signs_nothing_yet(const snapshot::ControlSettings& settings, const Opened& store);
std::expected<void, std::string> seals_nothing_yet(const snapshot::ControlSettings& settings, const Opened& store);

}  // namespace weir::app
