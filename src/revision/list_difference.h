// What differs between two lists of objects, whether they are values or still text. Used by difference.cc and
// splice.cc. Pure; linear in the objects.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "base/json/json.h"

namespace weir::revision {

struct Item {
  std::string_view id;          // empty: it has none
  const Json* value = nullptr;  // or, if that is nullptr:
  std::string_view text = {};   // its canonical text

  bool same_as(const Item& other) const noexcept { return value ? *value == *other.value : text == other.text; }
  Json json() const;
};

// nullopt: it has to go whole.
std::optional<Json> list_difference(std::span<const Item> from, std::span<const Item> to);

}  // namespace weir::revision
