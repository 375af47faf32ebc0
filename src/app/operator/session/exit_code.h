// Exit codes of the operator's commands. They are for scripts: they do not change.
#pragma once

namespace weir::remote {

inline constexpr int kOk = 0;
inline constexpr int kProblems = 1;  // nothing was done: what was asked for is wrong, or refused
inline constexpr int kUsage = 2;     // the command line is wrong
inline constexpr int kNotReached =
    3;  // the control plane cannot be asked, or a gateway does not run what it published

}  // namespace weir::remote
