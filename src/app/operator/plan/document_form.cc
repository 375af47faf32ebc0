#include "app/operator/plan/document_form.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "snapshot/schema/document_schema.h"

namespace weir::remote {
namespace {

using control::Kind;

// What routes point to stands before them.
constexpr std::array<Kind, control::kKindCount> kSections = {
    Kind::upstream, Kind::group, Kind::consumer, Kind::policy, Kind::route, Kind::certificate, Kind::secret};

std::int64_t order_of(const DraftObject& object) {
  const Json* order = object.body.find("order");
  return order == nullptr ? 0 : order->as_integer();
}

// As a section has it: a filter or a group without anything else is its name.
Json item_of(const DraftObject& object) {
  Json out = Json::object();
  for (const Json::Member& member : object.body.members()) {
    // Of a policy the list says the order, and a chain knows no tags.
    const bool said = object.kind == Kind::policy && (member.name == "order" || member.name == "tags");
    if (!said) out.set(member.name, member.value);
  }
  const bool bare = object.kind == Kind::policy || object.kind == Kind::group;
  if (bare && out.members().size() == 1 && out.find("name") != nullptr) return *out.find("name");
  return out;
}

bool carries(const Json& item, std::string_view tag) {
  if (tag.empty()) return true;
  const Json* tags = item.find("tags");
  return tags != nullptr &&
         std::ranges::any_of(tags->items(), [tag](const Json& one) { return one.as_string() == tag; });
}

Json in_order(const Json& value, const Schema& schema) {
  const Schema* form = schema.form_for(value);
  if (form == nullptr) return value;
  if (value.is_array() && form->kind == Schema::Kind::array) {
    Json out = Json::array();
    for (const Json& item : value.items()) out.push(in_order(item, form->item()));
    return out;
  }
  if (!value.is_object() || form->kind != Schema::Kind::object) return value;
  Json out = Json::object();
  for (const Field& field : form->fields)
    if (const Json* member = value.find(field.name)) out.set(field.name, in_order(*member, field.value));
  for (const Json::Member& member : value.members())
    if (form->field(member.name) == nullptr) out.set(member.name, member.value);
  return out;
}

}  // namespace

Json document_of(std::span<const DraftObject> draft) {
  std::vector<const DraftObject*> sorted;
  for (const DraftObject& object : draft) sorted.push_back(&object);
  std::ranges::sort(sorted, {}, [](const DraftObject* object) {
    return std::tuple(object->kind, object->kind == Kind::policy ? order_of(*object) : 0,
                      std::string_view(object->name));
  });
  Json out = Json::object();
  for (const Kind kind : kSections) {
    Json list = Json::array();
    for (const DraftObject* object : sorted)
      if (object->kind == kind) list.push(item_of(*object));
    if (!list.items().empty()) out.set(section(kind), std::move(list));
  }
  return out;
}

Json ordered(const Json& document, pipeline::FilterTable filters, std::string_view tag) {
  const Schema schema = snapshot::document_schema(filters);
  Json out = Json::object();
  for (const Kind kind : kSections) {
    const Json* list = document.find(section(kind));
    const Field* field = schema.field(section(kind));
    if (list == nullptr || field == nullptr) continue;
    Json kept = Json::array();
    for (const Json& item : in_order(*list, field->value).items())
      if (carries(item, tag)) kept.push(item);
    if (!kept.items().empty()) out.set(section(kind), std::move(kept));
  }
  return out;
}

}  // namespace weir::remote
