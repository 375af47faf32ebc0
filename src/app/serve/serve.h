// `weir serve`: the whole gateway in this process, from one file; `weir gateway`: the same, on the revisions of a
// control plane.
#pragma once

#include <string>

#include "pipeline/filter.h"

namespace weir::app {

struct ServeOptions {
  std::string config;    // empty: ./weir.yaml
  int workers = 0;       // 0: as the file says, or one per core
  bool follows = false;  // `weir gateway`: the file must have `control_plane`
};

// Runs until SIGTERM or SIGINT, or until a successor has taken over (SIGUSR2). The process's exit status; what was
// wrong, if it could not start, is on standard error.
int serve(const ServeOptions& options, pipeline::FilterTable filters);

}  // namespace weir::app
