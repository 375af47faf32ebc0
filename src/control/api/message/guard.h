// Whom a request was meant for (its Host) and which page sent it (its Origin). A page of another site whose name was
// made to resolve to this machine (DNS rebinding) is thereby told apart from an operator. Pure; any thread.
#pragma once

#include <span>
#include <string>

#include "control/api/message/problem.h"

namespace weir::control::api {

// Host must be an address of this machine's loopback, localhost, or among `allowed` (names without ports, or with one
// that must then fit). Origin, if there is one, must be the same host and port as Host.
Outcome<void> check_origin(const ApiRequest& request, std::span<const std::string> allowed);

}  // namespace weir::control::api
