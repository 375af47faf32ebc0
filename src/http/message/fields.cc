// Looking up and changing header fields. Called by filters and the proxy on one exchange's thread. Linear on purpose:
// a head has ten fields, and comparing ten small numbers is cheaper than any index. Owns no text.
#include "http/message/fields.h"

#include <algorithm>

namespace weir::http {
namespace {

// `id` is field_name(name).
bool same(const Field& field, FieldName id, std::string_view name) noexcept {
  return field.id == id && (id != FieldName::other || equal_ignoring_case(field.name, name));
}

const Field* find_in(const Fields::Vector& fields, FieldName id, std::string_view name) noexcept {
  const auto found = std::ranges::find_if(fields, [&](const Field& field) { return same(field, id, name); });
  return found == fields.end() ? nullptr : &*found;
}

void set_in(Fields::Vector& fields, FieldName id, std::string_view name, std::string_view value) {
  const auto matches = [&](const Field& field) { return same(field, id, name); };
  const auto first = std::ranges::find_if(fields, matches);
  if (first == fields.end()) {
    fields.push_back({id, name, value});
    return;
  }
  *first = {id, name, value};
  fields.erase(std::remove_if(first + 1, fields.end(), matches), fields.end());
}

}  // namespace

const Field* Fields::find(FieldName id) const noexcept { return find_in(fields_, id, text(id)); }

const Field* Fields::find(std::string_view name) const noexcept { return find_in(fields_, field_name(name), name); }

void Fields::set(FieldName id, std::string_view value) { set_in(fields_, id, text(id), value); }

void Fields::set(std::string_view name, std::string_view value) { set_in(fields_, field_name(name), name, value); }

std::size_t Fields::remove(FieldName id) {
  return remove_if([id](const Field& field) { return field.id == id; });
}

std::size_t Fields::remove(std::string_view name) {
  const FieldName id = field_name(name);
  return remove_if([&](const Field& field) { return same(field, id, name); });
}

void Fields::rename(std::string_view from, std::string_view to) {
  const FieldName from_id = field_name(from);
  const FieldName to_id = field_name(to);
  for (Field& field : fields_) {
    if (!same(field, from_id, from)) continue;
    field.id = to_id;
    field.name = to;
  }
}

}  // namespace weir::http
