// The forms of the objects: what a body may say, by kind, taken from the config file's own schema. Also their names,
// tags and normal form. Used by changes, assemble and the admin API (which shows the schemas). Pure; any thread.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "base/json/schema.h"
#include "control/finding.h"
#include "control/model.h"
#include "pipeline/filter.h"

namespace weir::control {

// Built once per process: some milliseconds.
class Schemas {
 public:
  explicit Schemas(pipeline::FilterTable filters);
  const Schema& of(Kind kind) const noexcept { return kinds_[static_cast<std::size_t>(kind)]; }
  pipeline::FilterTable filters() const noexcept { return filters_; }
  const pipeline::FilterSpec* filter(std::string_view name) const noexcept;  // nullptr: unknown

 private:
  pipeline::FilterTable filters_;
  std::array<Schema, kKindCount> kinds_;
};

std::string_view name_member(Kind kind) noexcept;                // "route_id", else "name"
std::string_view name_of(Kind kind, const Json& body) noexcept;  // empty: none
std::vector<std::string> tags_of(const Json& body);
bool has_tag(const Json& body, std::string_view tag) noexcept;

// Everything wrong with the form of `body`, and that its name is `name`. What only shows beside other objects (a
// dangling upstream) is publish's to find. Messages do not repeat secrets.
Findings check_body(const Schemas& schemas, Kind kind, std::string_view name, const Json& body);

// In the form it is stored in: a group's name alone becomes an object, a route gets `updated_at`. Sealing is
// secrets.h's. The order of members stays the operator's.
Json normal_form(Kind kind, Json body, std::int64_t at_ms);
// Equal but for updated_at: a change that changes nothing.
bool same_body(Kind kind, const Json& a, const Json& b);

// RFC 7396.
Json merge_patch(Json target, const Json& patch);

std::string time_text(std::int64_t at_ms);  // "2026-01-31T12:00:00Z"

}  // namespace weir::control
