// Objects, entries and revisions for tests of stores.
#pragma once

#include "control/store.h"

namespace weir::control {

inline Object route(std::string name, std::vector<std::string> tags = {}) {
  Object out;
  out.kind = Kind::route;
  out.name = std::move(name);
  Json tag_list = Json::array();
  for (const std::string& tag : tags) tag_list.push(tag);
  out.body.set("route_id", out.name).set("path_pattern", "/a/{b}").set("tags", std::move(tag_list));
  out.tags = std::move(tags);
  out.updated_at = 1'700'000'000'123;
  out.updated_by = "ada";
  return out;
}

inline AuditEntry entry(std::uint64_t seq) {
  AuditEntry out;
  out.seq = seq;
  out.at_ms = 1'700'000'000'000 + static_cast<std::int64_t>(seq);
  out.actor = "ada";
  out.from = "127.0.0.1";
  out.action = "put";
  out.kind = "route";
  out.name = "r";
  out.after.set("n", static_cast<std::int64_t>(seq));
  out.previous = std::string(64, '0');
  out.hash = std::string(64, 'a');
  return out;
}

inline revision::Signed signed_revision(std::uint64_t number, std::string document = R"({"routes":[]})") {
  static const revision::SigningKey key = revision::SigningKey::generate();
  return key.sign(number, std::move(document), 1'700'000'000);
}

inline RevisionInfo info_of(const revision::Signed& revision) {
  RevisionInfo out;
  out.number = revision.number;
  out.digest = revision.digest;
  out.made_at = revision.made_at;
  out.made_by = "ada";
  out.message = "fünf 'quoted' \\ words";
  out.changes.set("added", 1);
  return out;
}

}  // namespace weir::control
