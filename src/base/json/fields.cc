#include "base/json/fields.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "base/json/quantity.h"

namespace weir {
namespace {

// Stands for every field that is neither written nor has a default.
const Json& nothing() noexcept {
  static const Json kNothing;
  return kNothing;
}

[[noreturn]] void bug(const std::string& path, std::string_view name, const char* what) {
  std::fprintf(stderr, "weir: bug: Fields at \"%s\": \"%.*s\" %s\n", path.c_str(), static_cast<int>(name.size()),
               name.data(), what);
  std::abort();
}

bool allows(const Schema& schema, Schema::Kind kind) {
  if (schema.kind == kind) return true;
  return schema.kind == Schema::Kind::one_of &&
         std::ranges::any_of(schema.parts, [&](const Schema& form) { return allows(form, kind); });
}

// The object form of a field that is not written.
const Schema* object_form(const Schema& schema) {
  if (schema.kind != Schema::Kind::one_of) return &schema;
  const auto form = std::ranges::find(schema.parts, Schema::Kind::object, &Schema::kind);
  return form == schema.parts.end() ? nullptr : &*form;
}

}  // namespace

Fields::Fields(const Json& object, const Schema& schema, std::string path) : json_(&object), path_(std::move(path)) {
  schema_ = object.is_null() ? object_form(schema) : schema.form_for(object);
  if (schema_ == nullptr || schema_->kind != Schema::Kind::object) bug(path_, "", "is not an object of its schema");
}

const Field& Fields::known(std::string_view name) const {
  const Field* field = schema_->field(name);
  if (field == nullptr) bug(path_, name, "is not in the schema");
  return *field;
}

bool Fields::has(std::string_view name) const {
  known(name);
  return json_->find(name) != nullptr;
}

const Json* Fields::find(std::string_view name) const {
  const Field& field = known(name);
  if (const Json* written = json_->find(name)) return written;
  return field.default_value ? &*field.default_value : nullptr;
}

const Json& Fields::value(std::string_view name, Schema::Kind kind) const {
  if (!allows(known(name).value, kind)) bug(path_, name, "has another kind in the schema");
  const Json* found = find(name);
  return found != nullptr ? *found : nothing();
}

bool Fields::boolean(std::string_view name) const { return value(name, Schema::Kind::boolean).as_boolean(); }

std::int64_t Fields::integer(std::string_view name) const { return value(name, Schema::Kind::integer).as_integer(); }

double Fields::number(std::string_view name) const { return value(name, Schema::Kind::number).as_number(); }

std::string_view Fields::string(std::string_view name) const { return value(name, Schema::Kind::string).as_string(); }

std::chrono::milliseconds Fields::duration(std::string_view name) const {
  return parse_duration(value(name, Schema::Kind::duration).as_string()).value_or(std::chrono::milliseconds(0));
}

std::int64_t Fields::size(std::string_view name) const {
  const Json& written = value(name, Schema::Kind::size);
  return written.is_string() ? parse_size(written.as_string()).value_or(0) : written.as_integer();
}

std::vector<std::string> Fields::strings(std::string_view name) const {
  std::vector<std::string> out;
  for (const Json& item : items(name)) out.emplace_back(item.as_string());
  return out;
}

const Json::Array& Fields::items(std::string_view name) const { return value(name, Schema::Kind::array).items(); }

const Json::Object& Fields::members(std::string_view name) const { return value(name, Schema::Kind::map).members(); }

Fields Fields::object(std::string_view name) const {
  return {value(name, Schema::Kind::object), known(name).value, path(name)};
}

std::vector<Fields> Fields::objects(std::string_view name) const {
  std::vector<Fields> out;
  const Json& list = value(name, Schema::Kind::array);
  const Schema* schema = known(name).value.form_for(list);
  for (std::size_t i = 0; i < list.items().size(); ++i) {
    out.emplace_back(list.items()[i], schema->item(), item_path(path(name), i));
  }
  return out;
}

Position Fields::position(std::string_view name) const {
  known(name);
  const Json* written = json_->find(name);
  return written != nullptr ? written->position : json_->position;
}

Problem Fields::problem(std::string_view name, std::string message, std::string hint) const {
  return {position(name), path(name), std::move(message), std::move(hint)};
}

Problem Fields::problem(std::string_view name, std::size_t index, std::string message, std::string hint) const {
  const Json::Array& list = items(name);
  const Position where = index < list.size() ? list[index].position : position(name);
  return {where, item_path(path(name), index), std::move(message), std::move(hint)};
}

}  // namespace weir
