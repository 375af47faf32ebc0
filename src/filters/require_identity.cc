// Filter require_identity: a caller nobody knows goes no further. It is in the chain of every route with
// `auth_required: true`, first in its phase, and never asks by what kind of credential the caller was established:
// the auth filters do that. Exchange's thread.
#include "filters/config.h"
#include "filters/table.h"

namespace weir::filters {
namespace {

using pipeline::Exchange;
using pipeline::Verdict;

const Schema& schema_of() {
  static const Schema kSchema = schema::object({});
  return kSchema;
}

class RequireIdentity final : public pipeline::Filter {
 public:
  pipeline::Hooks hooks() const noexcept override { return {.request = true, .response = false, .finish = false}; }

  Verdict on_request(Exchange& exchange) const override {
    const pipeline::Authentication& auth = exchange.auth;
    if (auth.identity.known()) return Verdict::next();
    const Reason reason = auth.failure.reason == Reason::ok ? Reason::unauthenticated : auth.failure.reason;
    // RFC 9110 §11.6.1: a 401 names the ways to do better.
    if (info(reason).status == 401) {
      for (const std::string_view challenge : auth.challenges())
        exchange.response.fields.append("WWW-Authenticate", challenge);
    }
    return Verdict::refuse(reason, auth.failure.detail);
  }
};

std::expected<std::unique_ptr<pipeline::Filter>, Problems> make(const Json&, pipeline::MakeContext&) {
  return std::make_unique<RequireIdentity>();
}

}  // namespace

pipeline::FilterSpec require_identity_spec() {
  return {"require_identity",
          pipeline::Phase::routing,
          "Refuses callers whom no auth filter could establish.",
          schema_of,
          make,
          -1};
}

}  // namespace weir::filters
