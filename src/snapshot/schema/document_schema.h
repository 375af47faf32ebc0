// What a config file may say: every field with its form, its default and the reason of that default. `weir check`,
// `weir schema`, compile and docs/configuration.md all come from here. Rules that span two fields are not here but in
// snapshot/compile/. Built once per compile or command (some 50 µs); any thread.
#pragma once

#include "base/json/schema.h"
#include "pipeline/filter.h"

namespace weir::snapshot {

// The whole file. The config of every filter in `filters` is part of it, so that one check finds every mistake.
Schema document_schema(pipeline::FilterTable filters);
// The same for this one: routes are required unless they come from a control plane, and listeners unless it is only
// one (`weir control`).
Schema file_schema(pipeline::FilterTable filters, const Json& document);

// Its parts, for compile and for docs.
const Schema& listener_schema();
Schema upstream_schema(const Schema& plugin_chain);
const Schema& limits_schema();
Schema consumer_schema(const Schema& plugin_chain);
Schema certificates_schema();
Schema secrets_schema();
Schema listener_certificates_schema();
Schema groups_schema(const Schema& plugin_chain);
Field tags_field();  // of routes, upstreams, consumers and groups
const Schema& credentials_schema();
Schema redis_schema();
const Schema& tokens_schema();
Schema route_schema(const Schema& plugin_chain);
Schema plugin_chain_schema(pipeline::FilterTable filters);

}  // namespace weir::snapshot
