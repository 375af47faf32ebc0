// What the control plane judges drafts by. Made once by app/ from the config, then only read, by any thread.
#pragma once

#include <string>

#include "control/checks/lint.h"
#include "control/checks/probe.h"
#include "control/objects.h"

namespace weir::control {

struct Rules {
  explicit Rules(pipeline::FilterTable filters) : schemas(filters) {}

  Schemas schemas;
  // A gateway's own part that documents are compiled with (snapshot/parts.h), e.g. {listeners: [{address:
  // "127.0.0.1:0"}], redis: …, control: …}. With `control` or `control_plane` in it a document without routes
  // compiles.
  Json instance = Json::object();
  std::string base_dir{};    // of file names in documents
  std::string master_key{};  // seals secrets; empty: they are refused
  LintSettings lint{};
  int shrink_percent = 50;  // 100: no guard
  Probe probe{};            // empty: upstreams are not probed
};

}  // namespace weir::control
