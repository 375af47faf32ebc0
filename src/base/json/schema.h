// ONE description of what a config value may be. From it come: the strict check with did-you-mean (`check`), the
// defaults (`Fields`, fields.h) and the JSON Schema 2020-12 for editors and the console (`to_json_schema`). Built
// once at start-up by the document model and by every filter; afterwards constant and shared by all threads. It knows
// no rule that spans two fields: those are written in code, with Fields::problem.
//
//   const Schema kRoute = schema::object({
//       schema::field("route_id", schema::string().min_length(1)).required().doc("Unique name of the route."),
//       schema::field("http_methods", schema::array(schema::string().one_of({"GET", "POST"})).unique()),
//       schema::field("timeout", schema::duration(1ms, 1h)).fallback("30s"),
//   });
//
// The words passed in are literals: they must outlive the schema.
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/json.h"

namespace weir {

// True if `text` is well-formed; otherwise `why` says what is wrong ("expected a port from 0 to 65535").
using FormatCheck = bool (*)(std::string_view text, std::string& why);

struct Field;

// Text that a schema keeps for ever. Made from a literal it proves itself at compile time, so that no text put
// together on the way can dangle; forever() is for text that is known to be as good as one.
class Literal {
 public:
  // NOLINTNEXTLINE(google-explicit-constructor): a literal is what is meant.
  consteval Literal(const char* text) : text_(text) {}
  static constexpr Literal forever(std::string_view text) { return Literal(text, Checked{}); }
  constexpr std::string_view text() const noexcept { return text_; }

 private:
  struct Checked {};
  constexpr Literal(std::string_view text, Checked) : text_(text) {}
  std::string_view text_;
};

// Made by the functions in namespace schema below; read freely, never changed once it is in use.
struct Schema {
  enum class Kind : std::uint8_t {
    any,
    boolean,
    integer,
    number,
    string,
    duration,
    size,
    array,
    object,
    map,
    one_of
  };

  // Refinements: each returns the refined schema.
  Schema doc(Literal text) &&;              // one or two sentences for the reference and the editor
  Schema named(Literal what) &&;            // what messages call it: "path pattern"
  Schema min_length(std::size_t bytes) &&;  // string
  Schema max_length(std::size_t bytes) &&;  // string
  Schema words(std::vector<std::string_view> closed_list) &&;  // string
  Schema format(FormatCheck check) &&;                         // string
  Schema names(FormatCheck check) &&;                          // map: what every name must pass
  Schema min_items(std::size_t count) &&;                      // array, map
  Schema max_items(std::size_t count) &&;                      // array, map
  Schema unique() &&;                                          // array: no two equal items

  const Field* field(std::string_view name) const noexcept;  // of an object; nullptr if unknown
  const Schema& item() const noexcept;                       // of an array or a map
  // For a one_of the form whose shape `value` has (nullptr: none); for every other kind the schema itself.
  const Schema* form_for(const Json& value) const noexcept;

  std::string describe() const;  // "a list of strings", as in "expected …"
  std::string plural() const;    // "lists of strings"

  Kind kind = Kind::any;
  bool is_unique = false;
  std::string_view text;
  std::string_view noun;
  double lowest = -std::numeric_limits<double>::infinity();  // of a number; a duration in ms; a size in bytes
  double highest = std::numeric_limits<double>::infinity();
  std::size_t least = 0;  // bytes of a string, items of an array or map
  std::size_t most = std::numeric_limits<std::size_t>::max();
  std::vector<std::string_view> allowed;  // of a string; empty: any
  FormatCheck check = nullptr;            // of a string, or of a map's names
  std::vector<Schema> parts;              // array and map: the item; one_of: the forms
  std::vector<Field> fields;              // of an object
};

// One field of an object.
struct Field {
  std::string_view name;
  Schema value;
  bool is_required = false;
  std::optional<Json> default_value;  // in the form of the file: "30s", not 30000
  std::string_view text;              // documentation
  std::string_view missing_feature;   // not empty: the field is known but not built yet, see not_built()

  Field required() &&;
  Field fallback(Json value) &&;  // in the form of the file; default_problems() proves it valid
  Field doc(Literal text) &&;
  // The name is reserved, its behaviour does not exist yet: the check refuses it with `why`, the JSON Schema leaves
  // it out. Nothing is ever silently ignored.
  Field not_built(Literal why) &&;
};

namespace schema {
Schema any();
Schema boolean();
Schema integer(std::int64_t min = std::numeric_limits<std::int64_t>::min(),
               std::int64_t max = std::numeric_limits<std::int64_t>::max());
Schema number(double min = -std::numeric_limits<double>::infinity(),
              double max = std::numeric_limits<double>::infinity());
Schema string();
Schema duration(std::chrono::milliseconds min = {}, std::chrono::milliseconds max = std::chrono::milliseconds::max());
Schema size(std::int64_t min = 0, std::int64_t max = std::numeric_limits<std::int64_t>::max());  // bytes
Schema array(Schema item);
Schema object(std::vector<Field> fields);
Schema map(Schema value);  // free names, one kind of value
// Forms told apart by their JSON kind; several objects by their tags (a required field that allows a single word,
// such as type: jwt), then by having all their required fields.
Schema one_of(std::vector<Schema> forms);
Field field(Literal name, Schema value);
}  // namespace schema

// Every mistake of `value`, in the order of the text, with positions and paths below `path`. Empty: Fields may read
// it.
Problems check(const Json& value, const Schema& schema, std::string_view path = {});

// The defaults that do not satisfy their own schema, for one test per schema.
Problems default_problems(const Schema& schema, std::string_view path = {});

// JSON Schema 2020-12 with `title`; self-contained, no $ref.
Json to_json_schema(const Schema& schema, std::string_view title);

// "routes" + 2 → "routes[2]"; "" + "routes" → "routes"; "set" + "x-a" → "set[\"x-a\"]".
std::string item_path(std::string_view path, std::size_t index);
std::string member_path(std::string_view path, std::string_view name);

// For messages: `the number 3`, `the string "x"`, `a list`, `nothing`.
std::string describe_value(const Json& value);

}  // namespace weir
