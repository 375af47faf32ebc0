// The ONE table of what the admin API answers: method, path, parameters, body, who may, and the function that does
// it. docs/openapi.yaml says the same for clients; a test compares them. Built once, then constant; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "control/api/message/problem.h"

namespace weir::control::api {

struct Call;

// What a request needs its operator to be allowed, before anything is looked at. What a developer's teams allow is
// decided later, object by object.
enum class Need : std::uint8_t {
  nothing,  // open: no token
  token,    // any operator
  read,     // everything but the audit log
  audit,    // the audit log
  edit,     // objects of the row's kind
  publish,
  roll_back,  // also discard the draft
  see_operators,
  operators,  // make and change them
  keys,       // API keys of consumers
};

// Which body a request must have.
enum class Takes : std::uint8_t { nothing, json, optional_json, merge_patch };

// Where a request is answered.
enum class Way : std::uint8_t {
  thread,  // an offload thread: it may block
  loop,    // the control loop, at once: it needs nothing that could be away
  pulse,   // the control loop, of what a look at the store has found, which all such requests share
};

using Plain = Outcome<ApiResponse> (*)(Call&);                  // no store
using Reading = Outcome<ApiResponse> (*)(Call&, StoreView&);    // one consistent view
using Writing = Outcome<ApiResponse> (*)(Call&, StoreWriter&);  // one transaction; a refusal undoes it
using Handler = std::variant<Plain, Reading, Writing>;

struct Route {
  std::string_view method;
  std::string path;                   // "/v1/routes/{name}"
  std::vector<std::string> segments;  // of path; "{name}" takes any segment but an empty one
  Need need = Need::read;
  Takes takes = Takes::nothing;
  std::optional<Kind> kind;  // of the objects it is about
  std::vector<std::string_view> query;
  Handler handler;
  Way way = Way::thread;
};

const std::vector<Route>& routes();

// The route that takes the request (HEAD is GET); else 404, or 405 with what is allowed.
Outcome<const Route*> find_route(const ApiRequest& request);

}  // namespace weir::control::api
