// The words of the phases, called by `weir schema`, the docs and messages; and what a filter that never waits answers
// if it is asked to.
#include "pipeline/filter.h"

namespace weir::pipeline {

io::Task<Verdict> Filter::wait(Exchange&) const { co_return Verdict::refuse(Reason::internal); }

std::string_view text(Phase phase) noexcept {
  switch (phase) {
    case Phase::pre_auth:
      return "pre_auth";
    case Phase::auth:
      return "auth";
    case Phase::routing:
      return "routing";
    case Phase::transformation:
      return "transformation";
    case Phase::execution:
      return "execution";
    case Phase::post_execution:
      return "post_execution";
  }
  return "";
}

}  // namespace weir::pipeline
