// All filters there are. main hands the table to compile, `weir schema` and the docs; nothing registers itself.
#pragma once

#include <span>

#include "pipeline/filter.h"

namespace weir::filters {

// In phase order; within a phase in the order they run by default.
pipeline::FilterTable table();

}  // namespace weir::filters
