// The draft's objects: one table per kind, with the body as it was put and columns made from it by the database. See
// writer.h.
#include "base/json/utf8.h"
#include "control/sql/columns.h"
#include "control/sql/writer.h"

namespace weir::control::sql {
namespace {

std::string table(Kind kind) { return '"' + std::string(collection(kind)) + '"'; }
// The only kind whose name has another name.
const char* key_of(Kind kind) { return kind == Kind::route ? "route_id" : "name"; }

std::string select(Kind kind) {
  return "SELECT " + std::string(key_of(kind)) + ", body, tags, version, updated_ms, updated_by FROM " + table(kind);
}

StoreResult<Object> object_of(Kind kind, Row& row) {
  Object out;
  out.kind = kind;
  out.name = std::move(row[0]);
  auto body = json(row[1], word(kind), out.name);
  if (!body) return std::unexpected(std::move(body.error()));
  auto tags = json(row[2], word(kind), out.name);
  if (!tags) return std::unexpected(std::move(tags.error()));
  out.body = std::move(*body);
  out.tags = words(*tags);
  out.version = unsigned_number(row[3]);
  out.updated_at = number(row[4]);
  out.updated_by = std::move(row[5]);
  return out;
}

StoreResult<std::vector<Object>> objects_of(Kind kind, StoreResult<Rows> rows) {
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::vector<Object> out;
  out.reserve(rows->size());
  for (Row& row : *rows) {
    auto object = object_of(kind, row);
    if (!object) return std::unexpected(std::move(object.error()));
    out.push_back(std::move(*object));
  }
  return out;
}

// LIKE's pattern for: contains `text`, in lower case.
std::string pattern_of(std::string_view text) {
  std::string out = "%";
  for (const char c : text) {
    if (c == '%' || c == '_' || c == '\\') out += '\\';
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out += '%';
}

}  // namespace

bool storable(std::string_view text) noexcept {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0 || text.front() == '\0') return false;
    text.remove_prefix(length);
  }
  return true;
}

StoreResult<std::optional<Object>> Writer::object(Kind kind, std::string_view name) {
  if (!storable(name)) return std::nullopt;
  const Value values[] = {name};
  auto found = objects_of(kind, session_.run(select(kind) + " WHERE " + key_of(kind) + " = $1", values));
  if (!found) return std::unexpected(std::move(found.error()));
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

StoreResult<std::vector<Object>> Writer::objects(Kind kind, const Page& page) {
  if (!storable(page.after) || !storable(page.tag) || !storable(page.text)) return {};
  const std::string key = key_of(kind);
  const std::string pattern = pattern_of(page.text);
  std::vector<Value> values = {page.after, static_cast<std::int64_t>(page.limit)};
  std::string statement = select(kind) + " WHERE " + key + " > $1";
  if (!page.tag.empty()) {
    values.emplace_back(page.tag);
    statement += " AND " + session_.has_tag(static_cast<int>(values.size()));
  }
  if (!page.text.empty()) {
    values.emplace_back(pattern);
    statement += " AND lower(" + key + ") LIKE $" + std::to_string(values.size()) + " ESCAPE '\\'";
  }
  return objects_of(kind, session_.run(statement + " ORDER BY " + key + " LIMIT $2", values));
}

StoreResult<std::vector<Object>> Writer::all_objects() {
  std::vector<Object> out;
  for (int i = 0; i < kKindCount; ++i) {
    const auto kind = static_cast<Kind>(i);
    auto some = objects_of(kind, session_.run(select(kind) + " ORDER BY " + key_of(kind)));
    if (!some) return std::unexpected(std::move(some.error()));
    for (Object& object : *some) out.push_back(std::move(object));
  }
  return out;
}

StoreResult<std::uint64_t> Writer::last_change() {
  if (change_) return *change_;
  auto rows = session_.run("SELECT number FROM last_change");
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return damaged("the table", "last_change");
  return unsigned_number(rows->front()[0]);
}

StoreResult<std::uint64_t> Writer::next_change() {
  auto last = last_change();
  if (!last) return last;
  change_ = *last + 1;
  return *change_;
}

StoreResult<void> Writer::finish() {
  if (!change_) return {};
  const Value values[] = {value(*change_)};
  return session_.later("UPDATE last_change SET number = $1", values);
}

StoreResult<std::uint64_t> Writer::put(const Object& object) {
  auto version = next_change();
  if (!version) return version;
  const std::string body = to_canonical(object.body);
  const std::string tags = words_text(object.tags);
  const Value values[] = {object.name, body, tags, value(*version), object.updated_at, object.updated_by};
  const std::string key = key_of(object.kind);
  auto done =
      session_.later("INSERT INTO " + table(object.kind) + " (" + key +
                         ", body, tags, version, updated_ms, updated_by) VALUES ($1, $2, $3, $4, $5, $6) "
                         "ON CONFLICT (" +
                         key +
                         ") DO UPDATE SET body = excluded.body, tags = excluded.tags, version = "
                         "excluded.version, updated_ms = excluded.updated_ms, updated_by = excluded.updated_by",
                     values);
  if (!done) return std::unexpected(std::move(done.error()));
  return version;
}

StoreResult<bool> Writer::remove(Kind kind, std::string_view name) {
  if (!storable(name)) return false;
  const Value values[] = {name};
  const std::string key = key_of(kind);
  auto gone = session_.run("DELETE FROM " + table(kind) + " WHERE " + key + " = $1 RETURNING " + key, values);
  if (!gone) return std::unexpected(std::move(gone.error()));
  if (gone->empty()) return false;
  // A removal is a change too: whoever remembers last_change() must see that something happened.
  if (auto version = next_change(); !version) return std::unexpected(std::move(version.error()));
  return true;
}

}  // namespace weir::control::sql
