// What differs between two documents, object by object, for people: /v1/draft, /v1/revisions/{n}/diff. The delta that
// gateways apply is revision/delta.h's. Pure; any thread.
#pragma once

#include <string>
#include <vector>

#include "base/json/json.h"
#include "control/model.h"

namespace weir::control {

struct Difference {
  enum class What : std::uint8_t { added, changed, removed };
  What what = What::changed;
  Kind kind = Kind::route;
  std::string name{};
  Json before{};  // redacted (audit.h); null: it was not there
  Json after{};
  std::vector<std::string> fields{};  // of changed: the names of the members that differ
};

// By kind, then name. The order of policies is a field `order` of those whose neighbours changed.
std::vector<Difference> differences(const Json& from, const Json& to);

std::string_view word(Difference::What what) noexcept;  // "added"
// {change, kind, name, fields?, before?, after?}
Json to_json(const Difference& difference);
struct DifferenceCounts {
  std::size_t added = 0, changed = 0, removed = 0;
};
DifferenceCounts count(const std::vector<Difference>& all) noexcept;

}  // namespace weir::control
