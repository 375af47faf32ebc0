// `weir control`: the control plane of many gateways as a process of its own: the admin API, and publishing over
// Redis.
#pragma once

#include <string>

#include "pipeline/filter.h"

namespace weir::app {

struct ControlOptions {
  std::string config;       // empty: ./weir.yaml
  bool migrate = false;     // the database's schema first
  bool public_key = false;  // print it and end
  std::string new_token;    // an operator's name: make a token, print it and end
};

// Runs until SIGTERM or SIGINT. The process's exit status; what was wrong, if it could not start, is on standard
// error.
int control(const ControlOptions& options, pipeline::FilterTable filters);

}  // namespace weir::app
