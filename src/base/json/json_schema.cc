// Writes a Schema as JSON Schema 2020-12 (schema.h), for `weir schema`, editors and the console. What a FormatCheck
// tests cannot be said there: editors accept a little more than `weir check` does, never less.
#include <cmath>

#include "base/json/schema.h"

namespace weir {
namespace {

// What parse_duration and parse_size take, less their upper bounds.
constexpr std::string_view kDurationPattern = "^[0-9]+(ms|s|m|h|d)$";
constexpr std::string_view kSizePattern = "^[0-9]+(B|KiB|MiB|GiB|TiB)?$";

Json of_type(std::string_view type) { return Json::object().set("type", type); }

void set_count(Json& out, const Schema& schema, std::string_view least, std::string_view most) {
  if (schema.least != 0) out.set(least, schema.least);
  if (schema.most != std::numeric_limits<std::size_t>::max()) out.set(most, schema.most);
}

void set_range(Json& out, const Schema& schema) {
  if (std::isfinite(schema.lowest)) out.set("minimum", schema.lowest);
  if (std::isfinite(schema.highest)) out.set("maximum", schema.highest);
}

Json write(const Schema& schema);

Json write_string(const Schema& schema) {
  Json out = of_type("string");
  if (schema.allowed.empty()) {
    // JSON Schema counts characters, we count bytes. A text has at most as many characters as bytes, so the upper
    // limit stays safe to state; the lower one only as "not empty".
    if (schema.least != 0) out.set("minLength", 1);
    if (schema.most != std::numeric_limits<std::size_t>::max()) out.set("maxLength", schema.most);
    return out;
  }
  Json words = Json::array();
  for (const std::string_view word : schema.allowed) words.push(word);
  return out.set("enum", std::move(words));
}

Json write_size(const Schema& schema) {
  Json bytes = of_type("integer");
  set_range(bytes, schema);
  return Json::object().set(
      "anyOf", Json::array().push(std::move(bytes)).push(of_type("string").set("pattern", kSizePattern)));
}

Json write_object(const Schema& schema) {
  Json properties = Json::object();
  Json required = Json::array();
  for (const Field& field : schema.fields) {
    if (!field.missing_feature.empty()) continue;
    Json property = write(field.value);
    if (!field.text.empty()) property.set("description", field.text);
    if (field.default_value) property.set("default", *field.default_value);
    properties.set(field.name, std::move(property));
    if (field.is_required) required.push(field.name);
  }
  Json out = of_type("object").set("properties", std::move(properties));
  if (!required.items().empty()) out.set("required", std::move(required));
  return out.set("additionalProperties", false);
}

Json write_form(const Schema& schema) {
  switch (schema.kind) {
    case Schema::Kind::any:
      return Json::object();
    case Schema::Kind::boolean:
      return of_type("boolean");
    case Schema::Kind::integer:
    case Schema::Kind::number: {
      Json out = of_type(schema.kind == Schema::Kind::integer ? "integer" : "number");
      set_range(out, schema);
      return out;
    }
    case Schema::Kind::string:
      return write_string(schema);
    case Schema::Kind::duration:
      return of_type("string").set("pattern", kDurationPattern);
    case Schema::Kind::size:
      return write_size(schema);
    case Schema::Kind::array: {
      Json out = of_type("array").set("items", write(schema.item()));
      set_count(out, schema, "minItems", "maxItems");
      return schema.is_unique ? out.set("uniqueItems", true) : out;
    }
    case Schema::Kind::object:
      return write_object(schema);
    case Schema::Kind::map: {
      Json out = of_type("object").set("additionalProperties", write(schema.item()));
      set_count(out, schema, "minProperties", "maxProperties");
      return out;
    }
    case Schema::Kind::one_of: {
      Json forms = Json::array();
      for (const Schema& form : schema.parts) forms.push(write(form));
      return Json::object().set("anyOf", std::move(forms));
    }
  }
  return Json::object();
}

Json write(const Schema& schema) {
  Json out = write_form(schema);
  if (!schema.text.empty()) out.set("description", schema.text);
  return out;
}

}  // namespace

Json to_json_schema(const Schema& schema, std::string_view title) {
  Json out = Json::object().set("$schema", "https://json-schema.org/draft/2020-12/schema").set("title", title);
  const Json body = write(schema);
  for (const Json::Member& member : body.members()) out.set(member.name, member.value);
  return out;
}

}  // namespace weir
