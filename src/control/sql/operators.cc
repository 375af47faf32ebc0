// Operators and their tokens. See writer.h.
#include "control/sql/columns.h"
#include "control/sql/writer.h"

namespace weir::control::sql {
namespace {

// One row per token, or one with an empty id for an operator that has none.
constexpr const char* kSelect =
    "SELECT o.name, o.role, o.teams, o.disabled, o.version, t.id, t.hash, t.created, t.expires, t.last_used "
    "FROM operators o LEFT JOIN operator_tokens t ON t.operator = o.name";
constexpr const char* kOrder = " ORDER BY o.name, t.created, t.id";

}  // namespace

StoreResult<std::vector<Operator>> Writer::select_operators(const std::string& where, std::span<const Value> values) {
  auto rows = session_.run(kSelect + where + kOrder, values);
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::vector<Operator> out;
  for (Row& row : *rows) {
    if (out.empty() || out.back().name != row[0]) {
      Operator next;
      const auto role = role_of(row[1]);
      auto teams = json(row[2], "operator", row[0]);
      if (!teams) return std::unexpected(std::move(teams.error()));
      if (!role) return damaged("operator", row[0]);
      next.name = std::move(row[0]);
      next.role = *role;
      next.teams = words(*teams);
      next.disabled = flag(row[3]);
      next.version = unsigned_number(row[4]);
      out.push_back(std::move(next));
    }
    if (row[5].empty()) continue;
    out.back().tokens.push_back(
        {std::move(row[5]), std::move(row[6]), number(row[7]), number(row[8]), number(row[9])});
  }
  return out;
}

StoreResult<std::optional<Operator>> Writer::find_operator(std::string_view name) {
  if (!storable(name)) return std::nullopt;
  const Value values[] = {name};
  auto found = select_operators(" WHERE o.name = $1", values);
  if (!found) return std::unexpected(std::move(found.error()));
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

StoreResult<std::optional<Operator>> Writer::operator_by_token(std::string_view token_id) {
  if (!storable(token_id)) return std::nullopt;
  const Value values[] = {token_id};
  auto found = select_operators(" WHERE o.name = (SELECT operator FROM operator_tokens WHERE id = $1)", values);
  if (!found) return std::unexpected(std::move(found.error()));
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

StoreResult<std::vector<Operator>> Writer::operators() { return select_operators("", {}); }

StoreResult<void> Writer::put_operator(Operator& changed) {
  auto version = next_change();
  if (!version) return std::unexpected(std::move(version.error()));
  const std::string teams = words_text(changed.teams);
  const Value values[] = {changed.name, word(changed.role), teams, std::int64_t{changed.disabled ? 1 : 0},
                          value(*version)};
  auto done = session_.run(
      "INSERT INTO operators (name, role, teams, disabled, version) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (name) "
      "DO UPDATE SET role = excluded.role, teams = excluded.teams, disabled = excluded.disabled, "
      "version = excluded.version",
      values);
  if (!done) return std::unexpected(std::move(done.error()));

  const Value name[] = {changed.name};
  done = session_.run("DELETE FROM operator_tokens WHERE operator = $1", name);
  if (!done) return std::unexpected(std::move(done.error()));
  for (const Operator::Token& token : changed.tokens) {
    const Value columns[] = {token.id, changed.name, token.hash, token.created, token.expires, token.last_used};
    done = session_.run(
        "INSERT INTO operator_tokens (id, operator, hash, created, expires, last_used) VALUES ($1, $2, $3, $4, $5, "
        "$6)",
        columns);
    if (!done) return std::unexpected(std::move(done.error()));
  }
  changed.version = *version;
  return {};
}

StoreResult<bool> Writer::remove_operator(std::string_view name) {
  if (!storable(name)) return false;
  const Value values[] = {name};
  auto gone = session_.run("DELETE FROM operators WHERE name = $1 RETURNING name", values);
  if (!gone) return std::unexpected(std::move(gone.error()));
  if (gone->empty()) return false;
  // Another person may get the name: what was answered to this one is not theirs.
  auto forgotten = session_.run("DELETE FROM remembered WHERE actor = $1", values);
  if (!forgotten) return std::unexpected(std::move(forgotten.error()));
  if (auto version = next_change(); !version) return std::unexpected(std::move(version.error()));
  return true;
}

StoreResult<void> Writer::note_token_use(std::string_view token_id, std::int64_t at) {
  if (!storable(token_id)) return {};
  const Value values[] = {token_id, at};
  auto done = session_.run("UPDATE operator_tokens SET last_used = $2 WHERE id = $1 AND last_used < $2", values);
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

}  // namespace weir::control::sql
