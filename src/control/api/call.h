// One request on its way through its handler: what was asked, by whom, and what there is to answer it with. Made by
// api.cc on the stack of an offload thread; lives until the handler returns.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/json/schema.h"
#include "control/api/api.h"
#include "control/api/message/query.h"
#include "control/api/routes.h"

namespace weir::control::api {

struct Call {
  const ApiRequest& request;
  const Route& route;
  const Query& query;
  const Json& body;  // null: none
  Author author;     // of open pages nobody
  const Means& means;
  Counts& counts;
  std::mutex& keys_lock;  // held while means.keys is used
  const Pulse* pulse;     // nullptr: nobody has looked yet
  bool dry_run = false;
  bool publish = false;
  // Of ?publish; set by handlers whose body has them.
  std::string publish_message{};
  bool force = false;
  // Upstreams of what was published and nobody has probed yet: done behind the transaction, warnings of it are added
  // to the answer.
  std::vector<ProbeTarget> unprobed{};

  Kind kind() const noexcept { return *route.kind; }
  std::uint64_t number_floor() const { return means.number_floor ? means.number_floor() : 0; }
  // What stands in the path for "{parameter}". Asking for one the path has not is a bug.
  const std::string& parameter(std::string_view name) const;
};

// 200 (or another) with a body.
ApiResponse answer(const Json& body, int status = 200);

// The body has passed `schema`, or all its mistakes: 422.
Outcome<void> check_body(const Call& call, const Schema& schema);

// A store's result inside a handler.
template <class T>
Outcome<T> of(StoreResult<T> result) {
  if (!result) return std::unexpected(refusal(result.error()));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*result);
}
template <class T>
Outcome<T> of(Agreed<T> result) {
  if (!result) return std::unexpected(refusal(result.error()));
  if constexpr (std::is_void_v<T>)
    return {};
  else
    return std::move(*result);
}

}  // namespace weir::control::api
