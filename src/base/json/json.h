// A JSON value that remembers where it stood in its text: what config files, documents and the admin API are read
// into. Used by the loaders (json_parse.cc, adapters/yaml), the schema check and the writers. Not for bodies in
// flight: it copies every string. A plain value, any thread.
#pragma once

#include <concepts>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/json/problem.h"

namespace weir {

// Containers deeper than this are refused by every reader, so that walking and destroying a value may recurse. A
// config file nests about 8 deep; 64 leaves room and costs some 10 KB of stack.
inline constexpr int kJsonDepthLimit = 64;

class Json {
 public:
  enum class Kind : std::uint8_t { null, boolean, integer, number, string, array, object };
  struct Member;
  using Array = std::vector<Json>;
  using Object = std::vector<Member>;  // in the order of the text; names are unique when read by a loader of ours

  Json() noexcept;  // null
  Json(std::same_as<bool> auto value) noexcept : value_(value) {}
  Json(std::integral auto value) noexcept
    requires(!std::same_as<decltype(value), bool>)
      : value_(std::in_place_type<std::int64_t>, value) {}
  Json(std::floating_point auto value) noexcept : value_(std::in_place_type<double>, value) {}
  Json(std::string value) noexcept;
  Json(std::string_view value);
  Json(const char* value);
  Json(Array items) noexcept;
  Json(Object members) noexcept;
  static Json array();
  static Json object();

  Kind kind() const noexcept { return static_cast<Kind>(value_.index()); }
  bool is_null() const noexcept { return kind() == Kind::null; }
  bool is_boolean() const noexcept { return kind() == Kind::boolean; }
  bool is_integer() const noexcept { return kind() == Kind::integer; }
  bool is_number() const noexcept { return kind() == Kind::integer || kind() == Kind::number; }
  bool is_string() const noexcept { return kind() == Kind::string; }
  bool is_array() const noexcept { return kind() == Kind::array; }
  bool is_object() const noexcept { return kind() == Kind::object; }

  // Reading: the value, or the empty one (false, 0, "", no items) when the kind is another. Views and references live
  // as long as this value stays unchanged.
  bool as_boolean() const noexcept;
  std::int64_t as_integer() const noexcept;  // a number without a fraction counts (1e3, 2.0)
  double as_number() const noexcept;
  std::string_view as_string() const noexcept;
  const Array& items() const noexcept;
  const Object& members() const noexcept;
  const Json* find(std::string_view name) const noexcept;  // nullptr: no such member, or not an object; linear

  // Building. push() makes an array of a null, set() an object; on another kind they abort: that is a bug.
  Json& push(Json item);
  Json& set(std::string_view name, Json value);  // replaces the member in its place, or appends it

  Position position;  // of the first byte of the value; {0,0} when it came from no text

  // Same kind and content; positions do not count, the order of members does.
  bool operator==(const Json& other) const noexcept;

 private:
  std::variant<std::monostate, bool, std::int64_t, double, std::string, Array, Object> value_;
};

struct Json::Member {
  std::string name;
  Json value;
  Position name_position;
};

// Here and not in the class: the variant needs Member whole.
inline Json::Json() noexcept = default;
inline Json::Json(std::string value) noexcept : value_(std::move(value)) {}
inline Json::Json(std::string_view value) : value_(std::string(value)) {}
inline Json::Json(const char* value) : value_(std::string(value)) {}
inline Json::Json(Array items) noexcept : value_(std::move(items)) {}
inline Json::Json(Object members) noexcept : value_(std::move(members)) {}
inline Json Json::array() { return {Array()}; }
inline Json Json::object() { return {Object()}; }

// RFC 8259, strictly: UTF-8 only, no BOM, no duplicate names, no lone surrogates, no trailing bytes, nothing deeper
// than kJsonDepthLimit, integers within 64 bits and numbers within a double. The position of every node is set.
std::expected<Json, Problem> parse_json(std::string_view text);

// The later of the first two members that share a name, or nullptr. For loaders.
const Json::Member* find_duplicate(const Json::Object& members);

// The form of a document that is hashed and signed: members sorted by the bytes of their names, no white space, the
// shortest number that reads back the same. Equal values give equal bytes, and it reads back as an equal value (a
// whole double may read back as an integer).
std::string to_canonical(const Json& value);

// For people: two spaces, members in their order, no newline at the end.
std::string to_pretty(const Json& value);

// Appends `text` as a JSON string with its quotes. The output is valid JSON and holds no control byte, whatever
// `text` holds: C0 controls and DEL become escapes, each byte that is not UTF-8 becomes \ufffd. On the way of a
// request (access log): no allocation beyond the growth of `out`, eight bytes per step while nothing needs escaping.
void append_json_string(std::string& out, std::string_view text);

// How many bytes of `text`, from its begin, stand in a JSON string as they are: all of it, for nearly every text.
std::size_t plain_json_prefix(std::string_view text) noexcept;

}  // namespace weir
