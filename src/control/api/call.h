// One request on its way through its handler: what was asked, by whom, and what there is to answer it with. Made by
// api.cc on the stack of an offload thread; lives until the handler returns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json.h"
#include "control/api/api.h"
#include "control/api/query.h"
#include "control/api/routes.h"

namespace weir::control::api {

struct Call {
  const ApiRequest& request;
  const Route& route;
  const Query& query;
  const Json& body;        // null: none
  const Operator* caller;  // nullptr on open pages only
  const Means& means;
  Counts& counts;
  std::int64_t now_ms = 0;
  bool dry_run = false;

  Kind kind() const noexcept { return *route.kind; }
  // What stands in the path for "{parameter}". Asking for one the path has not is a bug.
  const std::string& parameter(std::string_view name) const;
};

// 200 (or another) with a body.
ApiResponse answer(const Json& body, int status = 200);

// A store's result inside a handler.
template <class T>
Outcome<T> of(StoreResult<T> result) {
  if (!result) return std::unexpected(refusal(result.error()));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*result);
}

}  // namespace weir::control::api
