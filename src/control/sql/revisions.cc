// Published revisions: rows that are added and never changed. See writer.h.
#include "base/hex.h"
#include "control/sql/columns.h"
#include "control/sql/writer.h"

namespace weir::control::sql {
namespace {

constexpr const char* kInfo =
    "SELECT number, digest, made_at, made_by, message, rolled_back_to, changes FROM revisions";

StoreResult<RevisionInfo> info_of(Row& row) {
  RevisionInfo out;
  out.number = unsigned_number(row[0]);
  out.digest = std::move(row[1]);
  out.made_at = number(row[2]);
  out.made_by = std::move(row[3]);
  out.message = std::move(row[4]);
  out.rolled_back_to = unsigned_number(row[5]);
  auto changes = json(row[6], "revision", row[0]);
  if (!changes) return std::unexpected(std::move(changes.error()));
  out.changes = std::move(*changes);
  return out;
}

StoreResult<std::vector<RevisionInfo>> infos_of(StoreResult<Rows> rows) {
  if (!rows) return std::unexpected(std::move(rows.error()));
  std::vector<RevisionInfo> out;
  for (Row& row : *rows) {
    auto info = info_of(row);
    if (!info) return std::unexpected(std::move(info.error()));
    out.push_back(std::move(*info));
  }
  return out;
}

std::string hex_of(const revision::Signature& signature) {
  std::string out(signature.size() * 2, '0');
  char* end = out.data();
  for (const unsigned char byte : signature) end = write_hex(end, byte, 1);
  return out;
}

bool signature_of(std::string_view hex, revision::Signature& out) {
  if (hex.size() != out.size() * 2) return false;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const char* at = hex.data() + 2 * i;
    if (std::from_chars(at, at + 2, out[i], 16).ptr != at + 2) return false;
  }
  return true;
}

}  // namespace

StoreResult<std::optional<RevisionInfo>> Writer::revision(std::uint64_t number) {
  const Value values[] = {value(number)};
  auto found = infos_of(number == 0 ? session_.run(std::string(kInfo) + " ORDER BY number DESC LIMIT 1")
                                    : session_.run(std::string(kInfo) + " WHERE number = $1", values));
  if (!found) return std::unexpected(std::move(found.error()));
  if (found->empty()) return std::nullopt;
  return std::move(found->front());
}

StoreResult<std::optional<revision::Signed>> Writer::document(std::uint64_t number) {
  const std::string columns = "SELECT number, document, digest, made_at, signature FROM revisions";
  const Value values[] = {value(number)};
  auto rows = number == 0 ? session_.run(columns + " ORDER BY number DESC LIMIT 1")
                          : session_.run(columns + " WHERE number = $1", values);
  if (!rows) return std::unexpected(std::move(rows.error()));
  if (rows->empty()) return std::nullopt;
  Row& row = rows->front();
  revision::Signed out;
  out.number = unsigned_number(row[0]);
  out.document = std::move(row[1]);
  out.digest = std::move(row[2]);
  out.made_at = sql::number(row[3]);
  if (!signature_of(row[4], out.signature)) return damaged("revision", row[0]);
  return out;
}

StoreResult<std::vector<RevisionInfo>> Writer::revisions(std::uint64_t before, std::size_t limit) {
  const Value values[] = {value(before), value(std::uint64_t{limit})};
  return infos_of(session_.run(
      std::string(kInfo) + (before == 0 ? " WHERE $1 = 0" : " WHERE number < $1") + " ORDER BY number DESC LIMIT $2",
      values));
}

StoreResult<void> Writer::add_revision(const RevisionInfo& info, const revision::Signed& revision) {
  auto newest = session_.run("SELECT coalesce(max(number), 0) FROM revisions");
  if (!newest) return std::unexpected(std::move(newest.error()));
  if (revision.number <= unsigned_number(newest->front()[0]) || revision.number != info.number)
    return std::unexpected(StoreError{
        StoreError::Kind::broken,
        "revision " + std::to_string(revision.number) + " would not be newer than revision " + newest->front()[0]});
  const std::string changes = to_canonical(info.changes);
  const std::string signature = hex_of(revision.signature);
  const Value values[] = {
      value(revision.number),     revision.digest, revision.made_at, info.made_by,     info.message,
      value(info.rolled_back_to), changes,         signature,        revision.document};
  auto done = session_.run(
      "INSERT INTO revisions (number, digest, made_at, made_by, message, rolled_back_to, changes, signature, "
      "document)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
      values);
  if (!done) return std::unexpected(std::move(done.error()));
  return {};
}

}  // namespace weir::control::sql
