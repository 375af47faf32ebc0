// What filters share when they read their config: names of header fields and templates, checked with the mistakes
// told at their place. Called by make() only.
#pragma once

#include <string>
#include <string_view>

#include "base/json/fields.h"
#include "http/message/field_name.h"
#include "pipeline/make_context.h"
#include "pipeline/template.h"

namespace weir::filters {

enum class Side : std::uint8_t { request, response };

// A header field named in the config, its number looked up once.
struct FieldRef {
  http::FieldName id = http::FieldName::other;
  std::string name;

  const http::Field* find(const http::Fields& fields) const noexcept {
    return id != http::FieldName::other ? fields.find(id) : fields.find(std::string_view(name));
  }
  // All values in their order, ", " between them (RFC 9110 §5.3); one alone as it stands. Empty: there is none.
  std::string_view joined(const http::Fields& fields, Arena& arena) const;
  void set(http::Fields& fields, std::string_view value) const {
    id != http::FieldName::other ? fields.set(id, value) : fields.set(std::string_view(name), value);
  }
  void append(http::Fields& fields, std::string_view value) const { fields.append({id, name, value}); }
  void remove(http::Fields& fields) const {
    id != http::FieldName::other ? fields.remove(id) : fields.remove(std::string_view(name));
  }
};
FieldRef field_ref(std::string_view name);

// Format checks for schemas (FormatCheck).
bool is_field_name(std::string_view text, std::string& why);  // a token (RFC 9110 §5.6.2) without "_"

// Why a config must not touch the field of that name on that side, with what to do instead; an empty message: it may.
// These are the fields that frame messages or belong to one connection (RFC 9110 §7.6.1, RFC 9112 §6), the pseudo
// fields, and those that Weir writes itself after all filters.
pipeline::Template::Mistake refused_field(std::string_view name, Side side);

// Parses `value`; a mistake goes to `problems` with that path, and an empty template comes back.
pipeline::Template read_template(const Json& value, std::string path, pipeline::Template::Use use,
                                 Problems& problems);

}  // namespace weir::filters
