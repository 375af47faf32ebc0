#include "control/audit.h"

#include <fmt/format.h>

#include "crypto/digest.h"
#include "identity/seal.h"

namespace weir::control {
namespace {

// A few megabytes at a time, whatever bodies there are.
constexpr std::size_t kEntriesPerPage = 500;

Json without_hash(const AuditEntry& entry) {
  Json out = Json::object();
  out.set("seq", entry.seq);
  out.set("at", entry.at_ms);
  out.set("operator", entry.actor);
  out.set("from", entry.from);
  out.set("action", entry.action);
  out.set("kind", entry.kind);
  out.set("name", entry.name);
  out.set("before", entry.before);
  out.set("after", entry.after);
  if (entry.revision != 0) out.set("revision", entry.revision);
  out.set("previous", entry.previous);
  return out;
}

std::string digest_of(std::string_view secret) { return "sha256:" + crypto::sha256_hex(secret); }

void redact(Json& value) {
  if (value.is_string()) {
    if (identity::is_sealed(value.as_string())) value = Json(digest_of(value.as_string()));
  } else if (value.is_array()) {
    Json::Array items = value.items();
    for (Json& item : items) redact(item);
    value = Json(std::move(items));
  } else if (value.is_object()) {
    Json::Object members = value.members();
    for (Json::Member& member : members) {
      if (member.name == "password_hash" && member.value.is_string())
        member.value = Json(digest_of(member.value.as_string()));
      else
        redact(member.value);
    }
    value = Json(std::move(members));
  }
}

std::string why_broken(const AuditEntry& entry, std::uint64_t expected, std::string_view previous) {
  if (entry.seq != expected)
    return fmt::format("entry {} is missing: {} follows {}", expected, entry.seq, expected - 1);
  if (entry.previous != previous)
    return fmt::format("entry {} does not follow from the one before: that one was changed or replaced", entry.seq);
  if (hash_of(entry) != entry.hash) return fmt::format("entry {} was changed: its hash does not fit it", entry.seq);
  return {};
}

}  // namespace

StoreResult<void> append_audit(StoreWriter& writer, AuditEntry entry, AuditTail* tail) {
  AuditTail end = tail != nullptr && tail->keep ? *tail : AuditTail();
  if (end.hash.empty()) {
    auto last = writer.last_audit();
    if (!last) return std::unexpected(std::move(last.error()));
    end.seq = *last ? (*last)->seq : 0;
    end.hash = *last ? (*last)->hash : kNoHash;
  }
  entry.seq = end.seq + 1;
  entry.previous = std::move(end.hash);
  entry.hash = hash_of(entry);
  if (tail != nullptr && tail->keep) *tail = {true, entry.seq, entry.hash};
  return writer.add_audit(entry);
}

std::string hash_of(const AuditEntry& entry) { return crypto::sha256_hex(to_canonical(without_hash(entry))); }

Json to_json(const AuditEntry& entry) {
  Json out = without_hash(entry);
  out.set("hash", entry.hash);
  return out;
}

StoreResult<AuditVerdict> verify_audit(Store& store) {
  AuditVerdict out;
  out.head = kNoHash;
  for (bool more = true; more;) {
    std::vector<AuditEntry> page;
    auto read = store.read([&](StoreView& view) -> StoreResult<void> {
      auto entries = view.audit(out.entries, kEntriesPerPage);
      if (!entries) return std::unexpected(std::move(entries.error()));
      page = std::move(*entries);
      return {};
    });
    if (!read) return std::unexpected(std::move(read.error()));
    more = page.size() == kEntriesPerPage;
    for (const AuditEntry& entry : page) {
      out.reason = why_broken(entry, out.entries + 1, out.head);
      if (!out.reason.empty()) {
        out.ok = false;
        out.broken_at = out.entries + 1;
        return out;
      }
      ++out.entries;
      out.head = entry.hash;
    }
  }
  return out;
}

Json redacted(Kind kind, Json body) {
  // Sealed they are by now; what came here by another way is still no text for a log.
  for (const std::string_view field : {"value", "key"}) {
    const bool secret = (kind == Kind::secret && field == "value") || (kind == Kind::certificate && field == "key");
    const Json* value = secret ? body.find(field) : nullptr;
    if (value != nullptr && value->is_string()) body.set(field, digest_of(value->as_string()));
  }
  redact(body);
  return body;
}

}  // namespace weir::control
