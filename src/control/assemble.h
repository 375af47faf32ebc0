// Objects become the document of a revision, and a document becomes objects again. Canonical in itself: lists sorted
// by name, policies by order, then name; empty lists left out. Used by publish, rollback, seeding and diffs. Pure but
// for the reading; any thread.
#pragma once

#include <span>
#include <vector>

#include "control/store.h"

namespace weir::control {

Json assemble(std::span<const Object> objects);
StoreResult<Json> assemble(StoreView& view);

// Versions and authors are not in a document, nor are the tags and orders of policies: those of `present` with the
// same name are kept where the document's order allows. assemble(objects_of(d)) is d for every d that assemble()
// made.
std::vector<Object> objects_of(const Json& document, std::span<const Object> present = {});

// The last revision's document; an empty object if there is none.
StoreResult<Json> published_document(StoreView& view);

}  // namespace weir::control
