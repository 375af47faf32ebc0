#include "control/assemble.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

#include "control/objects.h"
#include "revision/identity_of.h"

namespace weir::control {
namespace {

std::string_view list_of(Kind kind) { return kind == Kind::policy ? "plugin_chain" : collection(kind); }

// Between two policies there is room for others.
constexpr std::int64_t kOrderStep = 10;

std::int64_t order_of(const Json& body) {
  const Json* order = body.find("order");
  return order == nullptr ? 0 : order->as_integer();
}

Json without(const Json& body, std::initializer_list<std::string_view> names) {
  Json out = Json::object();
  for (const Json::Member& member : body.members())
    if (std::ranges::find(names, member.name) == names.end()) out.set(member.name, member.value);
  return out;
}

Json form_of(const Object& object) {
  if (object.kind == Kind::policy) return without(object.body, {"order", "tags"});
  if (object.kind == Kind::group && object.body.members().size() == 1) return Json(object.name);
  return object.body;
}

Object object_of(Kind kind, const Json& item, const Object* present) {
  Object out;
  out.kind = kind;
  out.name = revision::id_of(item, name_member(kind));
  out.body = item;
  if (item.is_string()) {
    out.body = Json::object();
    out.body.set("name", item);
  }
  const Json* tags = kind == Kind::policy && present != nullptr ? present->body.find("tags") : nullptr;
  if (tags != nullptr) out.body.set("tags", *tags);
  out.tags = tags_of(out.body);
  return out;
}

// Policies in the order of `chain`: the orders they have already if those give it, else new ones.
void set_orders(std::span<Object> chain, const std::map<std::string_view, const Object*>& present) {
  const auto order = [&](const Object& object) {
    const auto at = present.find(object.name);
    return at == present.end() ? std::int64_t{0} : order_of(at->second->body);
  };
  const bool fits = std::ranges::is_sorted(chain, [&](const Object& a, const Object& b) {
    return std::tuple(order(a), std::string_view(a.name)) < std::tuple(order(b), std::string_view(b.name));
  });
  std::int64_t next = 0;
  for (Object& object : chain) {
    const auto at = present.find(object.name);
    const bool said = at != present.end() && at->second->body.find("order") != nullptr;
    if (!fits || said) object.body.set("order", fits ? order(object) : next += kOrderStep);
  }
}

}  // namespace

Json assemble(std::span<const Object> objects) {
  std::array<std::vector<const Object*>, kKindCount> kinds;
  for (const Object& object : objects) kinds[static_cast<std::size_t>(object.kind)].push_back(&object);
  Json out = Json::object();
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    if (kinds[i].empty()) continue;
    const Kind kind = static_cast<Kind>(i);
    std::ranges::sort(kinds[i], {}, [](const Object* object) {
      return std::tuple(object->kind == Kind::policy ? order_of(object->body) : 0, std::string_view(object->name));
    });
    Json::Array items;
    items.reserve(kinds[i].size());
    for (const Object* object : kinds[i]) items.push_back(form_of(*object));
    out.set(list_of(kind), Json(std::move(items)));
  }
  return out;
}

StoreResult<Json> assemble(StoreView& view) {
  auto objects = view.all_objects();
  if (!objects) return std::unexpected(std::move(objects.error()));
  return assemble(*objects);
}

std::vector<Object> objects_of(const Json& document, std::span<const Object> present) {
  std::vector<Object> out;
  std::map<std::string_view, const Object*> policies;
  for (const Object& object : present)
    if (object.kind == Kind::policy) policies[object.name] = &object;
  for (int i = 0; i < kKindCount; ++i) {
    const Kind kind = static_cast<Kind>(i);
    const Json* list = document.find(list_of(kind));
    if (list == nullptr) continue;
    const std::size_t begin = out.size();
    for (const Json& item : list->items()) {
      const auto known = kind == Kind::policy ? policies.find(revision::id_of(item, "name")) : policies.end();
      out.push_back(object_of(kind, item, known == policies.end() ? nullptr : known->second));
    }
    if (kind == Kind::policy) set_orders(std::span(out).subspan(begin), policies);
  }
  return out;
}

StoreResult<Json> published_document(StoreView& view) {
  auto latest = view.document(0);
  if (!latest) return std::unexpected(std::move(latest.error()));
  if (!*latest) return Json::object();
  auto document = parse_json((*latest)->document);
  if (!document)
    return std::unexpected(StoreError{StoreError::Kind::broken,
                                      "the last revision's document in the database is "
                                      "damaged: " +
                                          document.error().message});
  return std::move(*document);
}

}  // namespace weir::control
