// The one list of filters (table.h). Called once by main and by tests. Adding a filter is one line here and one in
// specs.h of its phase.
#include "filters/table.h"

#include <array>

#include "filters/auth/specs.h"
#include "filters/execution/specs.h"
#include "filters/post_execution/specs.h"
#include "filters/pre_auth/specs.h"
#include "filters/routing/specs.h"
#include "filters/transformation/specs.h"

namespace weir::filters {

pipeline::FilterTable table() {
  static const std::array kTable{
      request_id_spec(),            // first: every refusal after it is told with its id
      trace_context_spec(),         // before anything that may refuse: refusals belong to the trace too
      ip_filter_spec(),             // before cors: who may not come in gets no preflight answered
      flood_guard_spec(),           // before all that costs something
      cors_spec(),                  // before auth: a preflight carries no credentials
      mtls_spec(),                  // the handshake has done the work
      api_key_spec(),               // all in memory
      hmac_spec(),                  // hashed here
      basic_spec(),                 // mostly remembered
      jwt_spec(),                   // verified here: no question to anybody
      oauth2_introspection_spec(),  // behind what needs no question
      forward_auth_spec(),          // last: it sees what those before it established
      require_identity_spec(),      // before the limits: who is nobody uses up nothing of anybody
      concurrency_limit_spec(),     // before what counts for good: who must wait has used up nothing
      rate_limit_spec(),
      quota_spec(),       // last of the limits: what the others refuse is not counted
      body_limit_spec(),  // cheapest first
      headers_spec(),     // sees the path as the client sent it
      rewrite_spec(),
      redirect_spec(),
      respond_spec(),
      proxy_spec(),
      access_log_spec(),
  };
  return kTable;
}

}  // namespace weir::filters
