// Names of targets to addresses, by something that blocks for as long as it likes (getaddrinfo with DNS that is
// down), within a time. Used by probe.cc only. Any thread.
#pragma once

#include <map>
#include <set>

#include "control/checks/probe.h"

namespace weir::control {

// Each of `names`, the late ones too. Returns within `patience`; threads that have not come back by then are left to
// themselves and end when they do.
std::map<std::string, Looked> look_up_all(const LookUp& look_up, const std::set<std::string>& names,
                                          std::chrono::milliseconds patience = kProbeTime);

}  // namespace weir::control
