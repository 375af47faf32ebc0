// Reading an object that has passed check(): no error handling is left, defaults come from the schema. Used by the
// document model and by filters reading their settings. A view: the Json and the Schema must outlive it.
//
//   Fields route(json, kRoute, "routes[2]");
//   out.id = route.string("route_id");
//   out.timeout = route.duration("timeout");                       // as written, or the schema's default
//   for (const Fields& target : route.objects("targets")) …
//   if (…) problems.push_back(route.problem("upstream_url", "no upstream is named \"usres\"", hint));
//
// Asking for a name the schema does not know, or in another kind, is a bug and aborts with both names.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/json.h"
#include "base/json/schema.h"

namespace weir {

class Fields {
 public:
  // `schema` is an object, or a one_of with an object form that `object` has the shape of.
  Fields(const Json& object, const Schema& schema, std::string path = {});

  bool knows(std::string_view name) const noexcept { return schema_->field(name) != nullptr; }  // the schema has it
  bool has(std::string_view name) const;  // written in the text; a default does not count
  // The value as written, else the default, else nullptr. For `any` and one_of fields.
  const Json* find(std::string_view name) const;

  // The value, else the schema's default, else the empty value: false, 0, "", 0 ms, no items.
  bool boolean(std::string_view name) const;
  std::int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  std::string_view string(std::string_view name) const;  // lives as long as the Json and the Schema
  std::chrono::milliseconds duration(std::string_view name) const;
  std::int64_t size(std::string_view name) const;  // bytes
  std::vector<std::string> strings(std::string_view name) const;
  const Json::Array& items(std::string_view name) const;
  const Json::Object& members(std::string_view name) const;  // of a map

  Fields object(std::string_view name) const;  // if it is missing: all defaults
  std::vector<Fields> objects(std::string_view name) const;

  const Json& json() const noexcept { return *json_; }
  const std::string& path() const noexcept { return path_; }
  std::string path(std::string_view name) const { return member_path(path_, name); }
  Position position(std::string_view name) const;  // of the value; of the object if the field is not written

  // A mistake only code can see, at the place of the field (or of one of its items).
  Problem problem(std::string_view name, std::string message, std::string hint = {}) const;
  Problem problem(std::string_view name, std::size_t index, std::string message, std::string hint = {}) const;

 private:
  const Field& known(std::string_view name) const;
  const Json& value(std::string_view name, Schema::Kind kind) const;

  const Json* json_;
  const Schema* schema_;
  std::string path_;
};

}  // namespace weir
