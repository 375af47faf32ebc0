// A compiled config with its document beside it, and its routes in words and as JSON: what `weir routes` shows. Cold;
// the command's thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/json/json.h"
#include "snapshot/compile/routes.h"
#include "snapshot/snapshot.h"

namespace weir::explain {

struct RouteBook {
  std::shared_ptr<const snapshot::Snapshot> snapshot;
  std::vector<snapshot::RouteKey> keys;        // by Route::index
  std::vector<std::vector<std::string>> tags;  // by Route::index
  pipeline::FilterTable filters;
};

// The routes of `document`, which has been compiled to `snapshot`.
RouteBook make_route_book(const Json& document, std::shared_ptr<const snapshot::Snapshot> snapshot,
                          pipeline::FilterTable filters);

// Indices of all routes, the strongest first (snapshot/router/router.h); routes that never meet are in the order of
// their words.
std::vector<std::size_t> by_precedence(const RouteBook& book);

std::string join(const std::vector<std::string>& words, std::string_view separator, std::string_view if_empty);

std::string predicates_text(const snapshot::RouteKey& key);  // `header x-a = "1", query v is present`
std::string links_text(const snapshot::ChainLinks& links);   // "request_id (built in) > cors (route)"
// "http://users/v2" as the upstream is asked; `path` is behind the destination's prefix.
std::string url_text(const RouteBook& book, const pipeline::Destination& destination, std::string_view path);
std::string destination_text(const RouteBook& book, const pipeline::Route& route);  // with the canary
double canary_percent(const pipeline::Route& route);

// The filters of a route for calls of `consumer`: of its own and of its groups' as the config has them; empty: for
// anybody's.
snapshot::ChainLinks links_for(const RouteBook& book, std::size_t index, std::string_view consumer);

Json to_json(const RouteBook& book, std::size_t index, std::string_view consumer = {});

}  // namespace weir::explain
