// The two parts of a config: the instance's own (listeners, redis, state_dir, …), which stays in the file of each
// gateway, and the published part (routes, upstreams, …), which is a revision's document. Used by gateways that
// follow revisions and by the control plane when it takes up or proves a document. Pure functions, any thread.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/json/json.h"

namespace weir::snapshot {

// In the order of a file.
inline constexpr std::array<std::string_view, 7> kPublishedParts = {
    "upstreams", "routes", "plugin_chain", "consumers", "groups", "certificates", "secrets"};

bool is_published_part(std::string_view member) noexcept;

struct Parts {
  Json instance;  // an object
  Json document;  // an object; empty parts are left out
};
// `file` must be an object, else both are empty.
Parts split(const Json& file);

// A gateway's whole config: its own part and a revision's document. What `document` holds beyond the published parts
// is left out, so that no revision can open a port. Compile it with CompileOptions::published.
Json merge(const Json& instance, const Json& document);

// A mistake in a published document, told by the object's name where it has one: `route "orders": upstream_url:
// no upstream is named "ordres"; did you mean …`. For receipts, whose reader has no file to look into.
std::string describe_published(const Json& document, const Problem& problem);

}  // namespace weir::snapshot
