// The filters of this phase, one per file of its name; filters/table.cc lists them.
#pragma once

#include "pipeline/filter.h"

namespace weir::filters {

pipeline::FilterSpec require_identity_spec();
pipeline::FilterSpec concurrency_limit_spec();
pipeline::FilterSpec rate_limit_spec();
pipeline::FilterSpec quota_spec();

}  // namespace weir::filters
