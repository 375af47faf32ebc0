// All filters there are. main hands the table to compile, `weir schema` and the docs; nothing registers itself.
#pragma once

#include <span>

#include "pipeline/filter.h"

namespace weir::filters {

// In phase order; within a phase in the order they run by default.
pipeline::FilterTable table();

// One per file of this folder.
pipeline::FilterSpec request_id_spec();
pipeline::FilterSpec trace_context_spec();
pipeline::FilterSpec ip_filter_spec();
pipeline::FilterSpec flood_guard_spec();
pipeline::FilterSpec cors_spec();
pipeline::FilterSpec oauth2_introspection_spec();
pipeline::FilterSpec forward_auth_spec();
pipeline::FilterSpec jwt_spec();
pipeline::FilterSpec api_key_spec();
pipeline::FilterSpec basic_spec();
pipeline::FilterSpec hmac_spec();
pipeline::FilterSpec mtls_spec();
pipeline::FilterSpec require_identity_spec();
pipeline::FilterSpec concurrency_limit_spec();
pipeline::FilterSpec rate_limit_spec();
pipeline::FilterSpec quota_spec();
pipeline::FilterSpec body_limit_spec();
pipeline::FilterSpec headers_spec();
pipeline::FilterSpec rewrite_spec();
pipeline::FilterSpec redirect_spec();
pipeline::FilterSpec respond_spec();
pipeline::FilterSpec proxy_spec();
pipeline::FilterSpec access_log_spec();

}  // namespace weir::filters
