// The way from files to what must be done: read, checked by the schema, compared with the draft. Shared by apply and
// diff. Blocking; the command's thread.
#pragma once

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/operator/plan/changes.h"
#include "app/operator/session/server.h"

namespace weir::remote {

// Files, draft and what they differ in, kept together: the comparison points into the others.
struct Plan {
  ObjectFiles files;
  std::vector<DraftObject> draft;
  Comparison comparison;
};

// Notices go to standard error, as do the problems of the files (then the exit code is the error).
std::expected<std::unique_ptr<Plan>, int> make_plan(std::string_view command, Server& server,
                                                    const std::vector<std::string>& paths,
                                                    const CompareOptions& options, pipeline::FilterTable filters);

// All objects of the draft, by kind. `tag`: only those that carry it; empty: all.
Outcome<std::vector<DraftObject>> read_draft(Server& server, std::string_view tag = {});

}  // namespace weir::remote
