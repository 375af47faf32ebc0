// The words of the phases. Called by `weir schema`, the docs and messages; never on the way of a request.
#include "pipeline/filter.h"

namespace weir::pipeline {

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
