// What the configs of rate_limit, quota, concurrency_limit and flood_guard have in common: rates, modes, names. Read
// by make() only.
#pragma once

#include <expected>
#include <string>

#include "base/json/fields.h"
#include "base/rate.h"
#include "pipeline/exchange.h"
#include "pipeline/make_context.h"
#include "ports/rate_store.h"

namespace weir::filters {

Schema rate_schema();  // "100/s", or {requests: 100, per: 30s}
Rate read_rate(const Json& value);

Schema mode_schema();
ports::RateMode read_mode(std::string_view word);

// The fields that say the same in each: by what callers are told apart, the name, and the older response headers.
Field key_field(Literal doc = "By what callers are told apart, as in rate_limit.");
Field name_field(
    Literal doc =
        "For the RateLimit fields, the log and the metrics. A named limit is one and the same wherever the "
        "name stands; one without is the own of each route, or of the upstream, group or consumer in whose chain it "
        "stands.");
Field legacy_headers_field();

// What a limit without a name of its own is counted under: that of whose chain it stands in.
struct OwnScope {
  bool of_route = false;  // the route's id
  std::string text;       // else this; empty: all routes together

  std::string_view of(const pipeline::Exchange& exchange) const noexcept;
};
// A limit with a name is counted under no scope: it is one and the same wherever the name stands.
OwnScope own_scope(const Fields& fields, pipeline::MakeContext& context);

// Notes the limit with the config around it and fills in its index. `settings` as MakeContext::limit(); a mistake is
// told at `field`.
void note_limit(ports::RateLimit& limit, const std::string& settings, pipeline::MakeContext& context,
                const Fields& fields, std::string_view field, Problems& problems);

}  // namespace weir::filters
