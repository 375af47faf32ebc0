// What tells the objects of a document's lists apart. Used by both halves of delta.h. Pure.
#pragma once

#include <string_view>

#include "base/json/json.h"

namespace weir::revision {

// Of a list of the document: the member that names an object. Empty: not a list whose objects have names.
inline std::string_view id_member(std::string_view list) noexcept {
  if (list == "routes") return "route_id";
  for (const std::string_view named : {"upstreams", "consumers", "groups", "plugin_chain", "certificates", "secrets"})
    if (list == named) return "name";
  return {};
}

// A group may be its name alone. Empty: it has none.
inline std::string_view id_of(const Json& object, std::string_view member) noexcept {
  if (object.is_string()) return object.as_string();
  const Json* id = object.find(member);
  return id == nullptr ? std::string_view() : id->as_string();
}

}  // namespace weir::revision
