// The filters of this phase, one per file of its name; filters/table.cc lists them.
#pragma once

#include "pipeline/filter.h"

namespace weir::filters {

pipeline::FilterSpec mtls_spec();
pipeline::FilterSpec api_key_spec();
pipeline::FilterSpec hmac_spec();
pipeline::FilterSpec basic_spec();
pipeline::FilterSpec jwt_spec();
pipeline::FilterSpec oauth2_introspection_spec();
pipeline::FilterSpec forward_auth_spec();

}  // namespace weir::filters
