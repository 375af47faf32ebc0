// delta.h: what differs. A delta is {"lists": {NAME: {"gone": [ids], "put": [objects], "new": [objects]}},
// "whole": {NAME: value}, "without": [NAMES]}, each only if there is something in it. `put` replaces, in the order of
// the older list; `new` is merged into a list sorted by id. A list that cannot be told so (its order changed, an
// object without an id) goes whole.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "revision/delta.h"
#include "revision/identity_of.h"

namespace weir::revision {
namespace {

bool all_named(const Json::Array& list, std::string_view member) {
  return std::ranges::all_of(list, [&](const Json& object) { return !id_of(object, member).empty(); });
}

bool unique(const Json::Array& list, std::string_view member) {
  std::unordered_set<std::string_view> seen;
  seen.reserve(list.size());
  return std::ranges::all_of(list, [&](const Json& object) { return seen.insert(id_of(object, member)).second; });
}

struct ListDelta {
  Json::Array gone, put, fresh;

  Json json() && {
    Json out = Json::object();
    if (!gone.empty()) out.set("gone", Json(std::move(gone)));
    if (!fresh.empty()) out.set("new", Json(std::move(fresh)));
    if (!put.empty()) out.set("put", Json(std::move(put)));
    return out;
  }
};

// Both sorted: one walk over the two.
ListDelta merge(const Json::Array& from, const Json::Array& to, std::string_view member) {
  ListDelta out;
  auto a = from.begin();
  auto b = to.begin();
  while (a != from.end() || b != to.end()) {
    const int order = a == from.end() ? 1 : b == to.end() ? -1 : id_of(*a, member).compare(id_of(*b, member));
    if (order < 0) {
      out.gone.emplace_back(id_of(*a++, member));
    } else if (order > 0) {
      out.fresh.push_back(*b++);
    } else {
      if (*a != *b) out.put.push_back(*b);
      ++a;
      ++b;
    }
  }
  return out;
}

// In an order of its own: only what left and what changed in its place can be told. False: there is more to it.
bool in_place(const Json::Array& from, const Json::Array& to, std::string_view member, ListDelta& out) {
  if (!unique(from, member)) return false;
  auto b = to.begin();
  for (const Json& a : from) {
    if (b == to.end() || id_of(a, member) != id_of(*b, member)) {
      out.gone.emplace_back(id_of(a, member));
    } else {
      if (a != *b) out.put.push_back(*b);
      ++b;
    }
  }
  return b == to.end();
}

// nullopt: it has to go whole.
std::optional<Json> list_difference(std::string_view name, const Json& from, const Json& to) {
  const std::string_view member = id_member(name);
  if (member.empty() || !from.is_array() || !to.is_array()) return std::nullopt;
  if (!all_named(from.items(), member) || !all_named(to.items(), member)) return std::nullopt;
  if (sorted(from.items(), member) && sorted(to.items(), member))
    return merge(from.items(), to.items(), member).json();
  ListDelta out;
  if (!in_place(from.items(), to.items(), member, out)) return std::nullopt;
  return std::move(out).json();
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
    auto list = before != nullptr ? list_difference(next.name, *before, next.value) : std::nullopt;
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
