// `weir diff`: what `weir apply` with the same files would do.
#include <fmt/format.h>

#include <cstdio>

#include "app/operator/commands.h"
#include "app/operator/plan/change_text.h"
#include "app/operator/plan/plan.h"
#include "app/operator/session/terminal.h"

namespace weir::remote {

int diff(const DiffOptions& options, pipeline::FilterTable filters) {
  auto server = Server::at(options.server);
  if (!server) return tell("diff", server.error());
  const auto plan = make_plan("diff", *server, options.files, {.prune = options.prune, .tag = options.tag}, filters);
  if (!plan) return plan.error();
  const std::vector<Change>& changes = (*plan)->comparison.changes;
  if (options.json) {
    fmt::print("{}\n", to_pretty(to_json(changes)));
  } else if (changes.empty()) {
    fmt::print("no difference ({} objects)\n", (*plan)->comparison.same);
  } else {
    fmt::print("{}{}\n", change_text(changes, shows_colour()), count_text(changes));
  }
  return changes.empty() ? kOk : kProblems;
}

}  // namespace weir::remote
