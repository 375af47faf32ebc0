#include "control/objects.h"

#include <fmt/chrono.h>

#include <algorithm>

#include "identity/seal.h"
#include "snapshot/schema/document_schema.h"

namespace weir::control {
namespace {

using schema::field;

// An item of the global plugin_chain with what orders it; always an object, so that it has a name.
Schema policy_schema(pipeline::FilterTable filters) {
  std::vector<Schema> forms;
  for (const pipeline::FilterSpec& spec : filters) {
    forms.push_back(schema::object({
                                       field("name", schema::string().words({spec.name})).required(),
                                       field("config", spec.schema()),
                                       field("disabled", schema::boolean()).fallback(false),
                                       // As far apart as anybody numbers lines.
                                       field("order", schema::integer(-1'000'000, 1'000'000))
                                           .fallback(0)
                                           .doc("Its place among the policies of its phase: lower first, then by "
                                                "name."),
                                       snapshot::tags_field(),
                                   })
                        .doc(Literal::forever(spec.summary)));
  }
  return schema::one_of(std::move(forms)).named("policy");
}

Schema group_schema(const Schema& plugin_chain) {
  // The list's item is a name or an object; as an object of the draft it is always the latter.
  const Schema list = snapshot::groups_schema(plugin_chain);
  for (const Schema& form : list.item().parts)
    if (form.kind == Schema::Kind::object) return form;
  return list.item();
}

Schema schema_of(Kind kind, pipeline::FilterTable filters, const Schema& plugin_chain) {
  switch (kind) {
    case Kind::route:
      return snapshot::route_schema(plugin_chain);
    case Kind::upstream:
      return snapshot::upstream_schema(plugin_chain);
    case Kind::consumer:
      return snapshot::consumer_schema(plugin_chain);
    case Kind::group:
      return group_schema(plugin_chain);
    case Kind::policy:
      return policy_schema(filters);
    case Kind::certificate:
      return snapshot::certificates_schema().item();
    case Kind::secret:
      return snapshot::secrets_schema().item();
  }
  return {};
}

// Neither may be shown, whatever is wrong with it.
bool is_secret_field(Kind kind, std::string_view path) {
  return (kind == Kind::secret && path == "value") || (kind == Kind::certificate && path == "key");
}

void patch_into(Json& target, const Json& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  Json::Object out = target.members();
  for (const Json::Member& member : patch.members()) {
    const auto at = std::ranges::find(out, member.name, &Json::Member::name);
    if (member.value.is_null()) {
      if (at != out.end()) out.erase(at);
    } else if (at != out.end()) {
      patch_into(at->value, member.value);
    } else {
      out.push_back({member.name, {}, {}});
      patch_into(out.back().value, member.value);
    }
  }
  target = Json(std::move(out));
}

}  // namespace

Schemas::Schemas(pipeline::FilterTable filters) : filters_(filters) {
  const Schema plugin_chain = snapshot::plugin_chain_schema(filters);
  for (std::size_t i = 0; i < kinds_.size(); ++i) kinds_[i] = schema_of(static_cast<Kind>(i), filters, plugin_chain);
}

const pipeline::FilterSpec* Schemas::filter(std::string_view name) const noexcept {
  const auto at = std::ranges::find(filters_, name, &pipeline::FilterSpec::name);
  return at == filters_.end() ? nullptr : &*at;
}

std::string_view name_member(Kind kind) noexcept { return kind == Kind::route ? "route_id" : "name"; }

std::string_view name_of(Kind kind, const Json& body) noexcept {
  const Json* name = body.find(name_member(kind));
  return name == nullptr ? std::string_view() : name->as_string();
}

std::vector<std::string> tags_of(const Json& body) {
  std::vector<std::string> out;
  const Json* tags = body.find("tags");
  if (tags == nullptr) return out;
  for (const Json& tag : tags->items()) out.emplace_back(tag.as_string());
  return out;
}

bool has_tag(const Json& body, std::string_view tag) noexcept {
  const Json* tags = body.find("tags");
  return tags != nullptr &&
         std::ranges::any_of(tags->items(), [&](const Json& one) { return one.as_string() == tag; });
}

Findings check_body(const Schemas& schemas, Kind kind, std::string_view name, const Json& body) {
  Findings out;
  for (Problem& problem : check(body, schemas.of(kind))) {
    if (is_secret_field(kind, problem.path)) problem.message = "is not a text";
    out.push_back(finding_of(kind, name, problem));
  }
  const std::string_view own = name_of(kind, body);
  if (out.empty() && own != name)
    out.push_back({.rule = "invalid",
                   .kind = kind,
                   .name = std::string(name),
                   .field = std::string(name_member(kind)),
                   .message = fmt::format("is \"{}\", but the object is \"{}\"", own, name),
                   .hint = "an object is renamed by making the new one and removing the old"});
  return out;
}

Json normal_form(Kind kind, Json body, std::int64_t at_ms) {
  if (kind == Kind::group && body.is_string()) {
    Json group = Json::object();
    group.set("name", std::move(body));
    return group;
  }
  if (kind == Kind::route && body.is_object()) body.set("updated_at", time_text(at_ms));
  return body;
}

bool same_body(Kind kind, const Json& a, const Json& b) {
  if (kind != Kind::route || !a.is_object() || !b.is_object()) return to_canonical(a) == to_canonical(b);
  Json first = a, second = b;
  first.set("updated_at", Json());
  second.set("updated_at", Json());
  return to_canonical(first) == to_canonical(second);
}

Json merge_patch(Json target, const Json& patch) {
  patch_into(target, patch);
  return target;
}

std::string time_text(std::int64_t at_ms) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(static_cast<std::time_t>(at_ms / 1000)));
}

}  // namespace weir::control
