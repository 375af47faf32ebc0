// The audit log, which the database itself only lets grow, and the answers remembered for Idempotency-Keys. See
// writer.h; the chain of hashes is control/audit's.
#include "control/sql/columns.h"
#include "control/sql/writer.h"

namespace weir::control::sql {
namespace {

// The contract of remember(): a client that retries after a day begins anew.
constexpr std::int64_t kRememberedMs = 24 * 3600 * std::int64_t{1000};

constexpr const char* kSelect =
    "SELECT seq, at_ms, actor, from_address, action, kind, name, before_body, after_body, revision, previous_hash, "
    "hash FROM audit";

StoreResult<std::vector<AuditEntry>> entries_of(StoreResult<Rows> rows) {
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::vector<AuditEntry> out;
  for (Row& row : *rows) {
    AuditEntry entry;
    auto before = json(row[7], "audit entry", row[0]);
    if (!before) return std::unexpected(std::move(before.error()));
    auto after = json(row[8], "audit entry", row[0]);
    if (!after) return std::unexpected(std::move(after.error()));
    entry.seq = unsigned_number(row[0]);
    entry.at_ms = number(row[1]);
    entry.actor = std::move(row[2]);
    entry.from = std::move(row[3]);
    entry.action = std::move(row[4]);
    entry.kind = std::move(row[5]);
    entry.name = std::move(row[6]);
    entry.before = std::move(*before);
    entry.after = std::move(*after);
    entry.revision = unsigned_number(row[9]);
    entry.previous = std::move(row[10]);
    entry.hash = std::move(row[11]);
    out.push_back(std::move(entry));
  }
  return out;
}

}  // namespace

StoreResult<std::optional<AuditEntry>> Writer::last_audit() {
  if (last_audit_) return last_audit_;
  auto found = entries_of(session_.run(std::string(kSelect) + " ORDER BY seq DESC LIMIT 1"));
  if (!found) return std::unexpected(std::move(found.error()));
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

StoreResult<std::vector<AuditEntry>> Writer::audit(std::uint64_t after, std::size_t limit) {
  const Value values[] = {value(after), value(std::uint64_t{limit})};
  return entries_of(session_.run(std::string(kSelect) + " WHERE seq > $1 ORDER BY seq LIMIT $2", values));
}

StoreResult<void> Writer::add_audit(const AuditEntry& entry) {
  auto last = last_audit();
  if (!last) return std::unexpected(std::move(last.error()));
  const std::uint64_t newest = *last ? (*last)->seq : 0;
  if (entry.seq != newest + 1)
    return std::unexpected(
        StoreError{StoreError::Kind::broken,
                   "audit entry " + std::to_string(entry.seq) + " does not follow entry " + std::to_string(newest)});
  const std::string before = to_canonical(entry.before);
  const std::string after = to_canonical(entry.after);
  const Value values[] = {value(entry.seq), entry.at_ms, entry.actor, entry.from, entry.action,
                          entry.kind,       entry.name,  before,      after,      value(entry.revision),
                          entry.previous,   entry.hash};
  auto done = session_.later(
      "INSERT INTO audit (seq, at_ms, actor, from_address, action, kind, name, before_body, after_body, revision, "
      "previous_hash, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
      values);
  if (!done) return std::unexpected(std::move(done.error()));
  last_audit_ = entry;
  return {};
}

StoreResult<std::optional<Remembered>> Writer::remembered(std::string_view actor, std::string_view key) {
  if (!storable(actor) || !storable(key)) return std::nullopt;
  const Value values[] = {actor, key};
  auto rows = session_.run(
      "SELECT request, status, body, etag, location, at_ms FROM remembered WHERE actor = $1 AND idempotency_key = $2",
      values);
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return std::nullopt;
  Row& row = rows->front();
  Remembered out;
  out.actor = actor;
  out.key = key;
  out.request = std::move(row[0]);
  out.status = static_cast<int>(number(row[1]));
  out.body = std::move(row[2]);
  out.etag = std::move(row[3]);
  out.location = std::move(row[4]);
  out.at_ms = number(row[5]);
  return out;
}

StoreResult<void> Writer::remember(const Remembered& answer) {
  const Value oldest[] = {answer.at_ms - kRememberedMs};
  auto done = session_.run("DELETE FROM remembered WHERE at_ms < $1", oldest);
  if (!done) return std::unexpected(std::move(done.error()));
  const Value values[] = {answer.actor, answer.key,  answer.request,  std::int64_t{answer.status},
                          answer.body,  answer.etag, answer.location, answer.at_ms};
  done = session_.run(
      "INSERT INTO remembered (actor, idempotency_key, request, status, body, etag, location, at_ms) "
      "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (actor, idempotency_key) DO UPDATE SET "
      "request = excluded.request, status = excluded.status, body = excluded.body, etag = excluded.etag, "
      "location = excluded.location, at_ms = excluded.at_ms",
      values);
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

}  // namespace weir::control::sql
