// An `upstream_url` or `canary_upstream_url` of a route, taken apart. Which upstream it means is upstreams.cc's
// to say. Pure, any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>

#include "base/json/problem.h"

namespace weir::snapshot {

struct UpstreamUrl {
  bool https = false;
  std::string authority;    // as written: the name of an upstream, or a host with or without port
  std::string path_prefix;  // canonical, without a slash at its end; empty for none
};

// A Problem has a message and a hint, neither position nor path. The authority is not judged yet, but never empty.
std::expected<UpstreamUrl, Problem> parse_upstream_url(std::string_view text);

}  // namespace weir::snapshot
