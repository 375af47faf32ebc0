// API keys of consumers, in the store gateways read them from: they hold without a publication. Each change has its
// line in the audit log; the key's store and the log are two, so the log is written first and kept only if the store
// agreed.
#include <fmt/format.h>

#include <algorithm>

#include "base/fields.h"
#include "base/quantity.h"
#include "control/api/handlers.h"
#include "control/api/time.h"
#include "control/audit.h"
#include "identity/api_key.h"

namespace weir::control::api {
namespace {

using namespace std::chrono_literals;
using identity::KeyRecord;
using schema::field;

bool is_scope(std::string_view text, std::string& why) {
  why = "expected a scope: no spaces, quotes or backslashes (RFC 6749 section 3.3)";
  return std::ranges::all_of(text, [](char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; });
}

bool is_group(std::string_view text, std::string& why) {
  why = "expected a group's name: letters, digits and . _ - : /";
  return std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           std::string_view("._-:/").contains(c);
  });
}

bool is_header_text(std::string_view text, std::string& why) {
  why = "is sent in a header: visible ASCII only";
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

Schema words(FormatCheck check) {
  return schema::array(schema::string().min_length(1).max_length(128).format(check)).max_items(100).unique();
}

const Schema& key_schema() {
  static const Schema kSchema = schema::object({
      field("custom_id", schema::string().max_length(256).format(is_header_text)),
      field("groups", words(is_group)),
      field("scopes", words(is_scope)),
      field("expires_in", schema::duration(1s)),
  });
  return kSchema;
}

const Schema& rotation_schema() {
  static const Schema kSchema = schema::object({field("grace", schema::duration()).fallback("24h")});
  return kSchema;
}

Json words_json(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (const std::string& word : list) out.push(word);
  return out;
}

Json describe(const KeyRecord& record, std::int64_t now) {
  Json out = Json::object();
  out.set("id", record.id).set("consumer", record.consumer).set("state", state_of(record, now));
  if (!record.custom_id.empty()) out.set("custom_id", record.custom_id);
  out.set("groups", words_json(record.groups)).set("scopes", words_json(record.scopes));
  out.set("created", time_text(record.created));
  if (record.expires != 0) out.set("expires", time_text(record.expires));
  if (record.last_used != 0) out.set("last_used", time_text(record.last_used));
  if (record.revoked != 0) out.set("revoked", time_text(record.revoked));
  return out;
}

std::unexpected<Refusal> away(const std::string& why) {
  auto out = refuse(Why::store_unavailable, "the store of API keys: " + why);
  out.error().fields.emplace_back("Retry-After", "5");
  return out;
}

Outcome<void> there(const Call& call) {
  if (call.means.keys != nullptr && call.means.hash_secret) return {};
  return refuse(Why::not_found, "this control plane keeps no API keys: its config does not say where (credentials)");
}

// The consumer is there, and its keys are the caller's to change.
Outcome<void> may_touch(const Call& call, StoreView& view) {
  const std::string& name = call.parameter("name");
  const auto found = of(view.object(Kind::consumer, name));
  if (!found) return std::unexpected(found.error());
  if (!*found) return refuse(Why::not_found, fmt::format("there is no consumer `{}`", name));
  if (call.route.method == "GET") return {};
  const Json& body = (*found)->body;
  if (auto why = refuse_write(call.author.who, Kind::consumer, name, &body, &body))
    return refuse(Why::forbidden, *why);
  return {};
}

// Runs `change` behind the audit entry it gets the record's form of, in one transaction of the log's store.
using KeyChange = std::function<Outcome<KeyRecord>()>;
Outcome<KeyRecord> noted(Call& call, std::string_view action, const KeyChange& change) {
  Outcome<KeyRecord> out;
  bool refused = false;
  const auto kept = call.means.store.write([&](StoreWriter& writer) -> StoreResult<void> {
    if (auto allowed = may_touch(call, writer); !allowed)
      out = std::unexpected(allowed.error());
    else
      out = change();
    refused = !out;
    if (refused) return std::unexpected(StoreError{StoreError::Kind::broken, "undone on purpose"});
    AuditEntry entry;
    entry.at_ms = call.author.at_ms;
    entry.actor = call.author.who.name;
    entry.from = call.author.from;
    entry.action = action;
    entry.kind = "key";
    entry.name = out->id;
    entry.after = describe(*out, call.author.at_ms / 1000);
    return append_audit(writer, std::move(entry));
  });
  if (!kept && !refused) return std::unexpected(refusal(kept.error()));
  return out;
}

// Of one of this consumer's; another's is not found.
Outcome<KeyRecord> change_key(Call& call, const std::function<std::expected<void, std::string>(KeyRecord&)>& change) {
  const std::string& id = call.parameter("id");
  const std::string& consumer = call.parameter("name");
  const std::lock_guard lock(call.keys_lock);
  const auto all = call.means.keys->all();
  if (!all) return away(all.error());
  const bool known =
      std::ranges::any_of(*all, [&](const KeyRecord& one) { return one.id == id && one.consumer == consumer; });
  if (!known) return refuse(Why::not_found, fmt::format("consumer `{}` has no key `{}`", consumer, id));
  bool objected = false;
  auto done = call.means.keys->change(id, [&](KeyRecord& record) {
    auto changed = change(record);
    objected = !changed;
    return changed;
  });
  if (done) return std::move(*done);
  if (objected) return refuse(Why::invalid, {.kind = "key", .name = id, .message = done.error()});
  return away(done.error());
}

Json with_secret(const Call& call, const KeyRecord& record, const std::string& secret) {
  Json out = describe(record, call.author.at_ms / 1000);
  return out.set("key", identity::make_api_key(record.id, secret));
}

}  // namespace

Outcome<ApiResponse> list_keys(Call& call) {
  if (auto good = there(call); !good) return std::unexpected(good.error());
  Outcome<void> known;
  const auto read = call.means.store.read([&](StoreView& view) -> StoreResult<void> {
    known = may_touch(call, view);
    return {};
  });
  if (!read) return std::unexpected(refusal(read.error()));
  if (!known) return std::unexpected(known.error());
  const std::lock_guard lock(call.keys_lock);
  const auto all = call.means.keys->all();
  if (!all) return away(all.error());
  Json items = Json::array();
  for (const KeyRecord& record : *all)
    if (record.consumer == call.parameter("name")) items.push(describe(record, call.author.at_ms / 1000));
  return answer(Json::object().set("items", std::move(items)));
}

Outcome<ApiResponse> create_key(Call& call) {
  if (auto good = there(call); !good) return std::unexpected(good.error());
  if (auto once = refuse_repetition(call); !once) return std::unexpected(once.error());
  if (auto good = check_body(call, key_schema()); !good) return std::unexpected(good.error());
  const Json none = Json::object();
  const Fields fields(call.body.is_null() ? none : call.body, key_schema());
  const std::int64_t now = call.author.at_ms / 1000;
  KeyRecord record;
  record.id = identity::random_base62(identity::kApiKeyIdLength);
  record.consumer = call.parameter("name");
  record.custom_id = fields.string("custom_id");
  record.groups = fields.strings("groups");
  record.scopes = fields.strings("scopes");
  record.created = now;
  if (fields.has("expires_in"))
    record.expires = now + std::chrono::duration_cast<std::chrono::seconds>(fields.duration("expires_in")).count();
  std::string secret = identity::random_base62(identity::kApiKeySecretLength);
  record.secrets.push_back({call.means.hash_secret(secret), now, 0});
  const auto done = noted(call, "create_key", [&]() -> Outcome<KeyRecord> {
    const std::lock_guard lock(call.keys_lock);
    if (auto added = call.means.keys->add(record); !added) return away(added.error());
    return record;
  });
  if (!done) return std::unexpected(done.error());
  ApiResponse out = answer(with_secret(call, *done, secret), 201);
  identity::wipe(secret);
  return out;
}

Outcome<ApiResponse> rotate_key(Call& call) {
  if (auto good = there(call); !good) return std::unexpected(good.error());
  if (auto once = refuse_repetition(call); !once) return std::unexpected(once.error());
  if (auto good = check_body(call, rotation_schema()); !good) return std::unexpected(good.error());
  const Json none = Json::object();
  const Fields fields(call.body.is_null() ? none : call.body, rotation_schema());
  const std::int64_t now = call.author.at_ms / 1000;
  const std::int64_t ends = now + std::chrono::duration_cast<std::chrono::seconds>(fields.duration("grace")).count();
  std::string secret = identity::random_base62(identity::kApiKeySecretLength);
  const auto change = [&](KeyRecord& record) -> std::expected<void, std::string> {
    if (state_of(record, now) != "live")
      return std::unexpected(fmt::format("it is {}; make a new one", state_of(record, now)));
    std::erase_if(record.secrets, [&](const auto& one) { return one.expires != 0 && one.expires <= now; });
    if (record.secrets.size() == identity::kMostSecrets)
      return std::unexpected(fmt::format("it is being rotated: its old secret ends at {}, and a key has two",
                                         time_text(record.secrets.front().expires)));
    for (auto& one : record.secrets) one.expires = ends;
    record.secrets.push_back({call.means.hash_secret(secret), now, 0});
    return {};
  };
  const auto done = noted(call, "rotate_key", [&] { return change_key(call, change); });
  if (!done) return std::unexpected(done.error());
  ApiResponse out = answer(with_secret(call, *done, secret));
  identity::wipe(secret);
  return out;
}

Outcome<ApiResponse> revoke_key(Call& call) {
  if (auto good = there(call); !good) return std::unexpected(good.error());
  const auto change = [&](KeyRecord& record) -> std::expected<void, std::string> {
    if (record.revoked == 0) record.revoked = call.author.at_ms / 1000;
    return {};
  };
  const auto done = noted(call, "revoke_key", [&] { return change_key(call, change); });
  if (!done) return std::unexpected(done.error());
  ApiResponse out;
  out.status = 204;
  return out;
}

}  // namespace weir::control::api
