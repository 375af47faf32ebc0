// compile's part for routes; what it tells the router of each is also what `weir routes` shows.
#pragma once

#include <string>
#include <vector>

#include "snapshot/compile/context.h"
#include "snapshot/router/router.h"

namespace weir::snapshot {

// A route as the router sees it, and where each of its predicates stands in the document.
struct RoutePlan {
  RouteKey key;
  std::vector<std::string> predicate_paths;  // below the route: `headers["x-tenant"]`
};

RoutePlan plan_route(const Fields& route);

}  // namespace weir::snapshot
