// The filters of this phase, one per file of its name; filters/table.cc lists them.
#pragma once

#include "pipeline/filter.h"

namespace weir::filters {

pipeline::FilterSpec redirect_spec();
pipeline::FilterSpec respond_spec();
pipeline::FilterSpec proxy_spec();

}  // namespace weir::filters
