// Why a request to the admin API is refused: ONE table of reasons, and the ONE place that writes problems (RFC 9457).
// Handlers return a Refusal; control/api/api.cc turns it into the answer. Plain values; any thread.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/json/problem.h"
#include "control/api/message/message.h"
#include "control/objection.h"

namespace weir::control::api {

// Order is free; a test compares the table in problem.cc with it.
enum class Why : std::uint8_t {
  bad_request,            // the request itself: target, parameters, body that is no JSON
  unauthenticated,        // no token, or one that does not hold
  forbidden,              // known, but the role does not reach this far
  host_not_allowed,       // Host or Origin: DNS rebinding, or another site's page
  not_found,              //
  method_not_allowed,     //
  exists,                 // POST of what is there
  stale,                  // If-Match names another version
  too_large,              //
  media_type,             // the body's type is another
  invalid,                // the body is well-formed JSON and says something that cannot be
  not_publishable,        // the draft does not compile, or a guard or a lint rule stands in the way
  key_reused,             // an Idempotency-Key with another request
  precondition_required,  // a write without If-Match or If-None-Match
  throttled,              // too many failed logins
  busy,                   // too much waits already
  store_unavailable,      // the database is away
  store_read_only,        // it is a standby
  store_outdated,         // its schema is another version's
  internal,               // ours
};
inline constexpr int kWhyCount = static_cast<int>(Why::internal) + 1;

struct WhyInfo {
  Why why;
  std::string_view word;  // of the problem's type, stable: urn:weir:problem:WORD
  int status;
  std::string_view title;
};
const WhyInfo& info(Why why) noexcept;

// One mistake: of which object (empty: of the request), which field of it, what, and the fix.
struct FieldProblem {
  std::string kind{};
  std::string name{};
  std::string field{};
  std::string message{};
  std::string hint{};
  std::string severity{};  // "error", "block", "warn"; empty: none said
  std::string rule{};      // of lint and guards
};
FieldProblem field_problem(const Finding& finding);

struct Refusal {
  Why why = Why::internal;
  std::string detail{};  // a sentence about this request
  std::vector<FieldProblem> errors{};
  std::vector<std::pair<std::string, std::string>> fields{};  // Allow, Retry-After, WWW-Authenticate, ETag
  int status = 0;  // not 0: of a message that is no request, by base/error.h
};

template <class T>
using Outcome = std::expected<T, Refusal>;

std::unexpected<Refusal> refuse(Why why, std::string detail);
// One field of the request is wrong: bad_request for parameters and headers, invalid for bodies.
std::unexpected<Refusal> refuse(Why why, FieldProblem error);

// What the store could not do; every sentence an operator reads about it is written here.
Refusal refusal(const StoreError& error);
// The same for what control/changes/changes.h and control/changes/publish.h object to.
Refusal refusal(const Objection& objection);

Json to_json(const FieldProblem& problem);

ApiResponse respond(const Refusal& refusal);

}  // namespace weir::control::api
