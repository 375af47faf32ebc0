// Building schemas and naming what they expect (schema.h). The check is in schema_check.cc.
#include "base/json/schema.h"

#include <algorithm>

namespace weir {
namespace {

std::string with_article(std::string_view noun) {
  const bool vowel = !noun.empty() && std::string_view("aeio").find(noun[0]) != std::string_view::npos;
  return (vowel ? "an " : "a ") + std::string(noun);
}

std::string in_plural(std::string_view noun) {
  return std::string(noun) + (noun.ends_with('s') || noun.ends_with('x') ? "es" : "s");
}

std::string_view plain_noun(Schema::Kind kind) noexcept {
  switch (kind) {
    case Schema::Kind::integer:
      return "whole number";
    case Schema::Kind::number:
      return "number";
    case Schema::Kind::string:
      return "string";
    case Schema::Kind::duration:
      return "duration";
    case Schema::Kind::size:
      return "size";
    case Schema::Kind::object:
    case Schema::Kind::map:
      return "object";
    default:
      return "value";
  }
}

bool kind_fits(const Schema& schema, const Json& value) noexcept {
  switch (schema.kind) {
    case Schema::Kind::boolean:
      return value.is_boolean();
    case Schema::Kind::integer:
    case Schema::Kind::number:
      return value.is_number();
    case Schema::Kind::string:
    case Schema::Kind::duration:
      return value.is_string();
    case Schema::Kind::size:
      return value.is_string() || value.is_number();
    case Schema::Kind::array:
      return value.is_array();
    case Schema::Kind::object:
    case Schema::Kind::map:
      return value.is_object();
    default:
      return true;
  }
}

// How well an object matches a form of its kind: all required fields are there and every tag (a required field with a
// single allowed word) agrees; or the tags agree; or neither.
enum class Match : std::uint8_t { kind_only, tags, whole };

Match match(const Schema& form, const Json& value) noexcept {
  bool tagged = false;
  bool complete = true;
  for (const Field& field : form.fields) {
    if (!field.is_required) continue;
    const Json* given = value.find(field.name);
    const bool tag = field.value.allowed.size() == 1;
    if (tag && (given == nullptr || given->as_string() != field.value.allowed[0])) return Match::kind_only;
    tagged = tagged || tag;
    complete = complete && given != nullptr;
  }
  if (complete) return Match::whole;
  return tagged ? Match::tags : Match::kind_only;
}

}  // namespace

Schema Schema::doc(Literal what) && {
  text = what.text();
  return std::move(*this);
}

Schema Schema::named(Literal what) && {
  noun = what.text();
  return std::move(*this);
}

Schema Schema::min_length(std::size_t bytes) && {
  least = bytes;
  return std::move(*this);
}

Schema Schema::max_length(std::size_t bytes) && {
  most = bytes;
  return std::move(*this);
}

Schema Schema::words(std::vector<std::string_view> closed_list) && {
  allowed = std::move(closed_list);
  return std::move(*this);
}

Schema Schema::format(FormatCheck well_formed) && {
  check = well_formed;
  return std::move(*this);
}

Schema Schema::names(FormatCheck well_formed) && {
  check = well_formed;
  return std::move(*this);
}

Schema Schema::min_items(std::size_t count) && {
  least = count;
  return std::move(*this);
}

Schema Schema::max_items(std::size_t count) && {
  most = count;
  return std::move(*this);
}

Schema Schema::unique() && {
  is_unique = true;
  return std::move(*this);
}

const Field* Schema::field(std::string_view name) const noexcept {
  const auto found = std::ranges::find(fields, name, &Field::name);
  return found == fields.end() ? nullptr : &*found;
}

const Schema& Schema::item() const noexcept { return parts.front(); }

const Schema* Schema::form_for(const Json& value) const noexcept {
  if (kind != Kind::one_of) return this;
  const Schema* best = nullptr;
  Match best_match = Match::kind_only;
  for (const Schema& form : parts) {
    if (!kind_fits(form, value)) continue;
    const Match found = form.kind == Kind::object ? match(form, value) : Match::whole;
    if (best != nullptr && found <= best_match) continue;
    best = &form;
    best_match = found;
  }
  return best;  // if it does not match whole, its check says what is missing
}

std::string Schema::describe() const {
  if (kind == Kind::one_of && noun.empty()) {
    std::string out;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      if (i != 0) out += i + 1 == parts.size() ? " or " : ", ";
      out += parts[i].describe();
    }
    return out;
  }
  if (kind == Kind::array && noun.empty()) return "a list of " + item().plural();
  if (kind == Kind::boolean) return "true or false";
  std::string out = with_article(noun.empty() ? plain_noun(kind) : noun);
  if (kind == Kind::duration) out += " such as \"10s\"";
  if (kind == Kind::size) out += " such as \"64KiB\"";
  return out;
}

std::string Schema::plural() const {
  if (!noun.empty()) return in_plural(noun);
  if (kind == Kind::array) return "lists of " + item().plural();
  if (kind == Kind::boolean) return "true or false";
  if (kind != Kind::one_of) return in_plural(plain_noun(kind));
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i != 0) out += i + 1 == parts.size() ? " or " : ", ";
    out += parts[i].plural();
  }
  return out;
}

Field Field::required() && {
  is_required = true;
  return std::move(*this);
}

Field Field::fallback(Json fallback_value) && {
  default_value = std::move(fallback_value);
  return std::move(*this);
}

Field Field::doc(Literal what) && {
  text = what.text();
  return std::move(*this);
}

Field Field::not_built(Literal why) && {
  missing_feature = why.text();
  return std::move(*this);
}

namespace schema {
namespace {

Schema of_kind(Schema::Kind kind) {
  Schema schema;
  schema.kind = kind;
  return schema;
}

// The widest integers stand for "no limit", so that messages and the JSON Schema do not print them.
void set_range(Schema& schema, std::int64_t min, std::int64_t max) {
  if (min != std::numeric_limits<std::int64_t>::min()) schema.lowest = static_cast<double>(min);
  if (max != std::numeric_limits<std::int64_t>::max()) schema.highest = static_cast<double>(max);
}

}  // namespace

Schema any() { return of_kind(Schema::Kind::any); }
Schema boolean() { return of_kind(Schema::Kind::boolean); }
Schema string() { return of_kind(Schema::Kind::string); }

Schema integer(std::int64_t min, std::int64_t max) {
  Schema out = of_kind(Schema::Kind::integer);
  set_range(out, min, max);
  return out;
}

Schema number(double min, double max) {
  Schema out = of_kind(Schema::Kind::number);
  out.lowest = min;
  out.highest = max;
  return out;
}

Schema duration(std::chrono::milliseconds min, std::chrono::milliseconds max) {
  Schema out = of_kind(Schema::Kind::duration);
  set_range(out, min.count(), max.count());
  return out;
}

Schema size(std::int64_t min, std::int64_t max) {
  Schema out = of_kind(Schema::Kind::size);
  set_range(out, min, max);
  return out;
}

Schema array(Schema item) {
  Schema out = of_kind(Schema::Kind::array);
  out.parts.push_back(std::move(item));
  return out;
}

Schema object(std::vector<Field> fields) {
  Schema out = of_kind(Schema::Kind::object);
  out.fields = std::move(fields);
  return out;
}

Schema map(Schema value) {
  Schema out = of_kind(Schema::Kind::map);
  out.parts.push_back(std::move(value));
  return out;
}

Schema one_of(std::vector<Schema> forms) {
  Schema out = of_kind(Schema::Kind::one_of);
  out.parts = std::move(forms);
  return out;
}

Field field(Literal name, Schema value) {
  Field out;
  out.name = name.text();
  out.value = std::move(value);
  return out;
}

}  // namespace schema
}  // namespace weir
