// One fuzz input as a router's life: text lines are patterns and paths as written, other bytes make a small world.
// Shared by fuzz/router_fuzz.cc and the replay of its corpus in router_property_test.cc. Returns what broke, or an
// empty string.
#pragma once

#include <string>
#include <string_view>

#include "router_world.h"

namespace weir::snapshot {

// Lines that begin with '/': the first half are patterns, the others are paths that must be answered as the model
// does.
inline std::string broken_by_lines(std::string_view input) {
  std::vector<std::string> lines;
  while (!input.empty() && lines.size() < 64) {
    const std::size_t end = std::min(input.find('\n'), input.size());
    if (input.starts_with('/')) lines.emplace_back(input.substr(0, end));
    input.remove_prefix(std::min(end + 1, input.size()));
  }
  std::vector<RouteKey> keys;
  for (std::size_t i = 0; i < lines.size() / 2; ++i) {
    RouteKey key;
    key.id = std::to_string(i);
    key.path_pattern = lines[i];
    keys.push_back(key);
  }
  Router router;
  if (auto broken = make_buildable(keys, router); !broken.empty()) return broken;
  const LinearRouter model(keys);
  for (std::size_t i = lines.size() / 2; i < lines.size(); ++i) {
    const http::Fields fields;
    const Lookup lookup{"", lines[i], "GET", "", fields};
    if (answer(router, lookup) != model.answer(lookup)) return "router and model disagree about " + lines[i];
  }
  return "";
}

inline std::string broken_by_world(std::string_view input) {
  std::size_t at = 0;
  const Choice choice = [&](std::size_t below) -> std::size_t {
    return at < input.size() ? static_cast<std::uint8_t>(input[at++]) % below : 0;
  };
  std::vector<RouteKey> keys;
  for (std::size_t i = 0, count = choice(16); i < count; ++i) keys.push_back(make_route(choice, i));
  Router router;
  if (auto broken = make_buildable(keys, router); !broken.empty()) return broken;
  const LinearRouter model(keys);
  while (at < input.size()) {
    const WorldRequest request = make_request(choice);
    const std::string expected = model.answer(request.lookup());
    if (answer(router, request.lookup()) != expected) return "router and model disagree, the model says " + expected;
  }
  return "";
}

inline std::string broken_router_property(std::string_view input) {
  return input.starts_with('/') ? broken_by_lines(input) : broken_by_world(input);
}

}  // namespace weir::snapshot
