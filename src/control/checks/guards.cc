#include "control/checks/guards.h"

#include <fmt/format.h>

#include <set>
#include <string>
#include <string_view>

#include "revision/identity_of.h"

namespace weir::control {
namespace {

std::set<std::string_view> names_of(const Json& document, std::string_view list) {
  std::set<std::string_view> out;
  const Json* items = document.find(list);
  if (items == nullptr) return out;
  for (const Json& item : items->items()) out.insert(revision::id_of(item, revision::id_member(list)));
  return out;
}

}  // namespace

Findings guard(const Json& before, const Json& after, int percent) {
  Findings out;
  if (names_of(after, "routes").empty() && (!names_of(before, "routes").empty() || before.members().empty()))
    out.push_back({.severity = Severity::block,
                   .rule = "empty_config",
                   .message = "there are no routes: every request would be answered 404",
                   .hint = "add a route, or publish with force if that is what you want"});
  for (const std::string_view list : {"routes", "upstreams", "consumers"}) {
    const auto had = names_of(before, list), has = names_of(after, list);
    if (had.size() < kFewObjects) continue;
    std::size_t gone = 0;
    for (const std::string_view name : had) gone += has.contains(name) ? 0 : 1;
    if (gone * 100 <= had.size() * static_cast<std::size_t>(percent)) continue;
    out.push_back(
        {.severity = Severity::block,
         .rule = "shrunken",
         .message = fmt::format("{} of {} {} are gone, more than {} percent", gone, had.size(), list, percent),
         .hint = "look at the draft's diff; publish with force if that is what you want"});
  }
  return out;
}

}  // namespace weir::control
