// Objects of the draft as the sections of a config file, and a document in the order that people write it: dump's way
// to files that apply reads. Used by dump and explain. Pure.
#pragma once

#include <span>

#include "app/operator/plan/changes.h"
#include "pipeline/filter.h"

namespace weir::remote {

// {routes: [...], plugin_chain: [...], ...}: empty sections left out, policies in their order.
Json document_of(std::span<const DraftObject> draft);

// Sections and members in the order of the schema: a route begins with its route_id. What carries `tag`, if it is not
// empty.
Json ordered(const Json& document, pipeline::FilterTable filters, std::string_view tag = {});

}  // namespace weir::remote
