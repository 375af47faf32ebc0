// The filters of this phase, one per file of its name; filters/table.cc lists them.
#pragma once

#include "pipeline/filter.h"

namespace weir::filters {

pipeline::FilterSpec request_id_spec();
pipeline::FilterSpec trace_context_spec();
pipeline::FilterSpec ip_filter_spec();
pipeline::FilterSpec flood_guard_spec();
pipeline::FilterSpec cors_spec();

}  // namespace weir::filters
