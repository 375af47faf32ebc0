// Which route takes a request that a person describes, and why: `weir routes --match`. The same canonical path, host
// and router as the gateway uses, its rule for CORS preflights included, and what its filters make of the way
// upstream (rehearsal.h); nothing is sent. Cold; the command's thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "app/explain/route_book.h"

namespace weir::explain {

// Everything is text of the command line, which outlives it.
struct AskedRequest {
  std::string method;
  std::string target;
  std::string host;                                         // --host; else the target's own
  std::vector<std::pair<std::string, std::string>> fields;  // name, value
  std::string consumer;                                     // who calls; empty: nobody known
};

// From --match, --host and -H; the error is for people.
std::expected<AskedRequest, std::string> parse_asked(std::string_view match, std::string_view host,
                                                     const std::vector<std::string>& headers);

// As JSON: "outcome" (found, bad_path, bad_request, no_route, method_not_allowed), "status", and what is known.
struct MatchReport {
  bool found = false;
  std::string text;  // several lines; the first names the route or the status
  Json json;
};
MatchReport report_match(const RouteBook& book, const AskedRequest& asked);

}  // namespace weir::explain
