// The reference of a schema as Markdown: one table per object. docs/configuration.md holds it between two markers.
#pragma once

#include <fmt/format.h>

#include <cmath>

#include "base/json/quantity.h"
#include "base/json/schema.h"

namespace weir::snapshot {

inline std::string bound(const Schema& schema, double value) {
  switch (schema.kind) {
    case Schema::Kind::duration:
      return format_duration(std::chrono::milliseconds(static_cast<std::int64_t>(value)));
    case Schema::Kind::size:
      return format_size(static_cast<std::int64_t>(value));
    default:
      return fmt::format("{}", value);
  }
}

inline std::string range(const Schema& schema) {
  // What a form is limited by anyway says nothing: sizes are not negative, durations end at ten years.
  const bool low = std::isfinite(schema.lowest) && (schema.lowest != 0 || std::isfinite(schema.highest));
  const bool high = std::isfinite(schema.highest) && schema.highest < 9e15;
  if (low && high) return fmt::format(", {} to {}", bound(schema, schema.lowest), bound(schema, schema.highest));
  if (low && schema.lowest != 0) return fmt::format(", at least {}", bound(schema, schema.lowest));
  return high ? fmt::format(", at most {}", bound(schema, schema.highest)) : "";
}

inline std::string form(const Schema& schema) {
  if (!schema.allowed.empty()) {
    std::string out;
    for (const std::string_view word : schema.allowed) out += fmt::format("{}`{}`", out.empty() ? "" : " or ", word);
    return out;
  }
  return schema.describe() + range(schema);
}

inline void add_objects(std::string& out, const Schema& schema, const std::string& path);

inline void add_below(std::string& out, const Schema& schema, const std::string& path) {
  if (schema.kind == Schema::Kind::object) return add_objects(out, schema, path);
  if (schema.kind == Schema::Kind::array) return add_below(out, schema.item(), path + "[]");
  if (schema.kind != Schema::Kind::one_of) return;
  for (const Schema& part : schema.parts)
    if (part.kind == Schema::Kind::object) add_objects(out, part, path);
}

inline void add_objects(std::string& out, const Schema& schema, const std::string& path) {
  out += fmt::format("\n### {}\n\n| field | form | default | meaning |\n|---|---|---|---|\n",
                     path.empty() ? "The file" : fmt::format("`{}`", path));
  for (const Field& field : schema.fields) {
    const std::string fallback = field.default_value ? fmt::format("`{}`", to_canonical(*field.default_value))
                                 : field.is_required ? "**required**"
                                                     : "";
    out += fmt::format("| `{}` | {} | {} | {} |\n", field.name, form(field.value), fallback, field.text);
  }
  for (const Field& field : schema.fields) {
    if (field.name == "plugin_chain") continue;  // filters have pages of their own
    add_below(out, field.value, path.empty() ? std::string(field.name) : fmt::format("{}.{}", path, field.name));
  }
}

inline std::string reference(const Schema& schema) {
  std::string out;
  add_objects(out, schema, "");
  return out + "\n";
}

}  // namespace weir::snapshot
