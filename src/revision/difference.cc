// delta.h: what differs. A delta is {"lists": {NAME: {"gone": [ids], "put": [objects], "new": [objects]}},
// "whole": {NAME: value}, "without": [NAMES]}, each only if there is something in it. `put` replaces, in the order of
// the older list; `new` is merged into a list sorted by id. A list that cannot be told so (its order changed, an
// object without an id) goes whole.
#include <unordered_map>

#include "revision/delta.h"
#include "revision/identity_of.h"
#include "revision/list_difference.h"

namespace weir::revision {
namespace {

std::vector<Item> items_of(const Json& list, std::string_view member) {
  std::vector<Item> out;
  out.reserve(list.items().size());
  for (const Json& object : list.items()) out.push_back({id_of(object, member), &object});
  return out;
}

// nullopt: it has to go whole.
std::optional<Json> difference_of(std::string_view name, const Json& from, const Json& to) {
  const std::string_view member = id_member(name);
  if (member.empty() || !from.is_array() || !to.is_array()) return std::nullopt;
  return list_difference(items_of(from, member), items_of(to, member));
}

// The objects of one member of a document by what tells them apart; what is no list of objects counts as one.
std::unordered_map<std::string, const Json*> objects(std::string_view name, const Json* value) {
  std::unordered_map<std::string, const Json*> out;
  if (value == nullptr) return out;
  const std::string_view member = id_member(name);
  if (member.empty() || !value->is_array()) {
    out.emplace("", value);
    return out;
  }
  out.reserve(value->items().size());
  for (const Json& object : value->items()) {
    const std::string_view id = id_of(object, member);
    out.emplace(id.empty() ? to_canonical(object) : std::string(id), &object);
  }
  return out;
}

void count(std::string_view name, const Json* from, const Json* to, Extent& extent) {
  const auto before = objects(name, from), after = objects(name, to);
  extent.before += before.size();
  for (const auto& [id, object] : before) {
    const auto found = after.find(id);
    if (found == after.end()) {
      ++extent.removed;
    } else if (*found->second != *object) {
      ++extent.changed;
    }
  }
  for (const auto& [id, object] : after) extent.added += before.contains(id) ? 0 : 1;
}

}  // namespace

Json difference(const Json& from, const Json& to) {
  Json lists = Json::object(), whole = Json::object(), without = Json::array();
  for (const Json::Member& next : to.members()) {
    const Json* before = from.find(next.name);
    if (before != nullptr && *before == next.value) continue;
    auto list = before != nullptr ? difference_of(next.name, *before, next.value) : std::nullopt;
    if (list) {
      lists.set(next.name, std::move(*list));
    } else {
      whole.set(next.name, next.value);
    }
  }
  for (const Json::Member& before : from.members())
    if (to.find(before.name) == nullptr) without.push(before.name);
  Json out = Json::object();
  if (!lists.members().empty()) out.set("lists", std::move(lists));
  if (!whole.members().empty()) out.set("whole", std::move(whole));
  if (!without.items().empty()) out.set("without", std::move(without));
  return out;
}

Extent extent(const Json& from, const Json& to) {
  Extent out;
  for (const Json::Member& next : to.members()) count(next.name, from.find(next.name), &next.value, out);
  for (const Json::Member& before : from.members())
    if (to.find(before.name) == nullptr) count(before.name, &before.value, nullptr, out);
  return out;
}

}  // namespace weir::revision
