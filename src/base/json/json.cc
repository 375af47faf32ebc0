// Json's accessors and builders (json.h). Reading lives in json_parse.cc, writing in json_write.cc.
#include "base/json/json.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

namespace weir {
namespace {

// Every integer up to 2^53 is exact in a double; beyond it "a number without a fraction" means nothing.
constexpr double kExactLimit = 9007199254740992.0;

[[noreturn]] void wrong_kind(const char* what) {
  std::fprintf(stderr, "weir: bug: Json::%s on a value of another kind\n", what);
  std::abort();
}

}  // namespace

bool Json::as_boolean() const noexcept {
  const bool* value = std::get_if<bool>(&value_);
  return value != nullptr && *value;
}

std::int64_t Json::as_integer() const noexcept {
  if (const auto* whole = std::get_if<std::int64_t>(&value_)) return *whole;
  const auto* number = std::get_if<double>(&value_);
  if (number == nullptr || std::trunc(*number) != *number || std::abs(*number) > kExactLimit) return 0;
  return static_cast<std::int64_t>(*number);
}

double Json::as_number() const noexcept {
  if (const auto* number = std::get_if<double>(&value_)) return *number;
  const auto* whole = std::get_if<std::int64_t>(&value_);
  return whole != nullptr ? static_cast<double>(*whole) : 0.0;
}

std::string_view Json::as_string() const noexcept {
  const auto* text = std::get_if<std::string>(&value_);
  return text != nullptr ? std::string_view(*text) : std::string_view();
}

const Json::Array& Json::items() const noexcept {
  static const Array kNone;
  const auto* items = std::get_if<Array>(&value_);
  return items != nullptr ? *items : kNone;
}

const Json::Object& Json::members() const noexcept {
  static const Object kNone;
  const auto* members = std::get_if<Object>(&value_);
  return members != nullptr ? *members : kNone;
}

const Json* Json::find(std::string_view name) const noexcept {
  for (const Member& member : members()) {
    if (member.name == name) return &member.value;
  }
  return nullptr;
}

Json& Json::push(Json item) {
  if (is_null()) value_ = Array();
  auto* items = std::get_if<Array>(&value_);
  if (items == nullptr) wrong_kind("push");
  items->push_back(std::move(item));
  return *this;
}

Json& Json::set(std::string_view name, Json value) {
  if (is_null()) value_ = Object();
  auto* members = std::get_if<Object>(&value_);
  if (members == nullptr) wrong_kind("set");
  const auto place = std::ranges::find(*members, name, &Member::name);
  if (place != members->end()) {
    place->value = std::move(value);
  } else {
    members->push_back({std::string(name), std::move(value), {}});
  }
  return *this;
}

bool Json::operator==(const Json& other) const noexcept {
  if (kind() != other.kind()) return false;
  if (is_object()) {
    return std::ranges::equal(members(), other.members(), [](const Member& a, const Member& b) {
      return a.name == b.name && a.value == b.value;
    });
  }
  switch (kind()) {
    case Kind::boolean:
      return as_boolean() == other.as_boolean();
    case Kind::integer:
      return as_integer() == other.as_integer();
    case Kind::number:
      return as_number() == other.as_number();
    case Kind::string:
      return as_string() == other.as_string();
    case Kind::array:
      return items() == other.items();
    default:
      return true;
  }
}

const Json::Member* find_duplicate(const Json::Object& members) {
  // Sorting keeps a hostile object of a million members from costing a million times a million comparisons.
  std::vector<const Json::Member*> sorted(members.size());
  std::ranges::transform(members, sorted.begin(), [](const Json::Member& member) { return &member; });
  std::ranges::sort(sorted, [](const Json::Member* a, const Json::Member* b) {
    return a->name != b->name ? a->name < b->name : a < b;
  });
  const auto twin = std::ranges::adjacent_find(
      sorted, [](const Json::Member* a, const Json::Member* b) { return a->name == b->name; });
  return twin == sorted.end() ? nullptr : *std::next(twin);
}

}  // namespace weir
