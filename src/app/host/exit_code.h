// What `weir` ends with.
#pragma once

namespace weir::app {

// Exit codes are for scripts: they do not change.
inline constexpr int kOk = 0;
inline constexpr int kProblems = 1;  // the config has problems, or no route takes the request asked for
inline constexpr int kUsage = 2;     // the command line is wrong

}  // namespace weir::app
