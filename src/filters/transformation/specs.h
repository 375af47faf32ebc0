// The filters of this phase, one per file of its name; filters/table.cc lists them.
#pragma once

#include "pipeline/filter.h"

namespace weir::filters {

pipeline::FilterSpec body_limit_spec();
pipeline::FilterSpec headers_spec();
pipeline::FilterSpec rewrite_spec();

}  // namespace weir::filters
