#include "control/diff.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "control/assemble.h"
#include "control/audit.h"

namespace weir::control {
namespace {

constexpr std::array<std::string_view, 3> kWords = {"added", "changed", "removed"};

using Key = std::pair<Kind, std::string>;

std::map<Key, Json> bodies_of(const Json& document) {
  std::map<Key, Json> out;
  for (Object& object : objects_of(document)) {
    // Made up by objects_of(): what it says, out_of_order() finds.
    if (object.kind == Kind::policy) {
      Json::Object members = object.body.members();
      std::erase_if(members, [](const Json::Member& member) { return member.name == "order"; });
      object.body = Json(std::move(members));
    }
    out.insert_or_assign({object.kind, object.name}, std::move(object.body));
  }
  return out;
}

std::vector<std::string> policies_of(const Json& document) {
  std::vector<std::string> out;
  for (const Object& object : objects_of(document))
    if (object.kind == Kind::policy) out.push_back(object.name);
  return out;
}

// Policies of both that stand before or behind others now.
std::set<std::string> out_of_order(const Json& from, const Json& to) {
  std::vector<std::string> before = policies_of(from), after = policies_of(to);
  const auto keep_common = [](std::vector<std::string>& list, const std::vector<std::string>& other) {
    std::erase_if(list, [&](const std::string& name) { return std::ranges::find(other, name) == other.end(); });
  };
  keep_common(before, after);
  keep_common(after, before);
  std::set<std::string> out;
  for (std::size_t i = 0; i < before.size(); ++i)
    if (before[i] != after[i]) out.insert(after[i]);
  return out;
}

std::vector<std::string> changed_fields(const Json& before, const Json& after) {
  std::set<std::string> names;
  for (const Json* body : {&before, &after})
    for (const Json::Member& member : body->members()) names.insert(member.name);
  std::erase_if(names, [&](const std::string& name) {
    const Json *a = before.find(name), *b = after.find(name);
    return a != nullptr && b != nullptr && to_canonical(*a) == to_canonical(*b);
  });
  return {names.begin(), names.end()};
}

}  // namespace

std::vector<Difference> differences(const Json& from, const Json& to) {
  std::map<Key, Json> before = bodies_of(from), after = bodies_of(to);
  const std::set<std::string> moved = out_of_order(from, to);
  std::vector<Difference> out;
  std::set<Key> keys;
  for (const auto* side : {&before, &after})
    for (const auto& [key, body] : *side) keys.insert(key);
  for (const Key& key : keys) {
    const auto old = before.find(key), fresh = after.find(key);
    Difference one{.kind = key.first, .name = key.second};
    if (old == before.end()) {
      one.what = Difference::What::added;
    } else if (fresh == after.end()) {
      one.what = Difference::What::removed;
    } else {
      one.fields = changed_fields(old->second, fresh->second);
      if (key.first == Kind::policy && moved.contains(key.second)) one.fields.emplace_back("order");
      if (one.fields.empty()) continue;
    }
    if (old != before.end()) one.before = redacted(key.first, std::move(old->second));
    if (fresh != after.end()) one.after = redacted(key.first, std::move(fresh->second));
    out.push_back(std::move(one));
  }
  return out;
}

std::string_view word(Difference::What what) noexcept { return kWords[static_cast<std::size_t>(what)]; }

Json to_json(const Difference& difference) {
  Json out = Json::object();
  out.set("change", word(difference.what));
  out.set("kind", word(difference.kind));
  out.set("name", difference.name);
  if (!difference.fields.empty()) {
    Json fields = Json::array();
    for (const std::string& field : difference.fields) fields.push(field);
    out.set("fields", std::move(fields));
  }
  if (!difference.before.is_null()) out.set("before", difference.before);
  if (!difference.after.is_null()) out.set("after", difference.after);
  return out;
}

DifferenceCounts count(const std::vector<Difference>& all) noexcept {
  DifferenceCounts out;
  for (const Difference& one : all) {
    if (one.what == Difference::What::added) ++out.added;
    if (one.what == Difference::What::changed) ++out.changed;
    if (one.what == Difference::What::removed) ++out.removed;
  }
  return out;
}

}  // namespace weir::control
