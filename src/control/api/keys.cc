// API keys of consumers, in the store gateways read them from: they hold without a publication. Each change has its
// line in the audit log; the keys' store and the log's are two, so the line is written and kept first, and another
// behind it if the change failed: there is no key that the log does not know.
#include <fmt/format.h>

#include <algorithm>

#include "base/json/fields.h"
#include "base/json/quantity.h"
#include "control/api/handlers.h"
#include "control/api/message/time.h"
#include "control/audit.h"
#include "crypto/secret.h"
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

AuditEntry line(const Call& call, std::string action, const KeyRecord& record) {
  AuditEntry out;
  out.at_ms = call.author.at_ms;
  out.actor = call.author.who.name;
  out.from = call.author.from;
  out.action = std::move(action);
  out.kind = "key";
  out.name = record.id;
  out.after = describe(record, call.author.at_ms / 1000);
  return out;
}

// What is to become of the key, looked at inside the log's transaction: nothing is changed yet.
using Plan = std::function<Outcome<KeyRecord>(StoreView&)>;
Outcome<KeyRecord> announced(Call& call, const std::string& action, const Plan& plan) {
  Outcome<KeyRecord> out;
  bool refused = false;
  const auto kept = call.means.store.write([&](StoreWriter& writer) -> StoreResult<void> {
    const auto allowed = may_touch(call, writer);
    out = allowed ? plan(writer) : std::unexpected(allowed.error());
    refused = !out;
    if (refused) return std::unexpected(StoreError{StoreError::Kind::broken, "undone on purpose"});
    return append_audit(writer, line(call, action, *out));
  });
  if (!kept && !refused) return std::unexpected(refusal(kept.error()));
  return out;
}

// The change itself; that it failed is in the log too, if that can be written.
using KeyChange = std::function<Outcome<KeyRecord>()>;
Outcome<KeyRecord> noted(Call& call, const std::string& action, const Plan& plan, const KeyChange& change) {
  const auto planned = announced(call, action, plan);
  if (!planned) return planned;
  auto out = change();
  if (out) return out;
  const bool unknown = out.error().why == Why::store_unavailable;
  AuditEntry failed = line(call, action + "_failed", *planned);
  failed.after.set("outcome", unknown ? "unknown" : "not done").set("reason", out.error().detail);
  (void)call.means.store.write([&](StoreWriter& writer) { return append_audit(writer, std::move(failed)); });
  if (unknown)
    out.error().detail += "; whether it was done is not known: look at the list, and revoke a key that nobody has";
  return out;
}

using Edit = std::function<std::expected<void, std::string>(KeyRecord&)>;

// Of one of this consumer's, as `edit` would leave it; another's is not found.
Outcome<KeyRecord> edited(Call& call, const Edit& edit) {
  const std::string& id = call.parameter("id");
  const std::string& consumer = call.parameter("name");
  const std::lock_guard lock(call.keys_lock);
  const auto all = call.means.keys->all();
  if (!all) return away(all.error());
  const auto known =
      std::ranges::find_if(*all, [&](const KeyRecord& one) { return one.id == id && one.consumer == consumer; });
  if (known == all->end()) return refuse(Why::not_found, fmt::format("consumer `{}` has no key `{}`", consumer, id));
  KeyRecord out = *known;
  if (auto done = edit(out); !done) return refuse(Why::invalid, {.kind = "key", .name = id, .message = done.error()});
  return out;
}

Outcome<KeyRecord> change_key(Call& call, const std::string& action, const Edit& edit) {
  const std::string& id = call.parameter("id");
  return noted(
      call, action, [&](StoreView&) { return edited(call, edit); },
      [&]() -> Outcome<KeyRecord> {
        const std::lock_guard lock(call.keys_lock);
        bool objected = false;
        auto done = call.means.keys->change(id, [&](KeyRecord& record) {
          auto changed = edit(record);
          objected = !changed;
          return changed;
        });
        if (done) return std::move(*done);
        if (objected) return refuse(Why::invalid, {.kind = "key", .name = id, .message = done.error()});
        return away(done.error());
      });
}

// Who gives a key more than its consumer has lets it in where others decide.
Outcome<void> may_give(const Call& call, StoreView& view, const KeyRecord& record) {
  if (reach(call.author.who.role, Action::manage_keys) == Reach::yes) return {};
  if (!record.scopes.empty() || !record.custom_id.empty())
    return refuse(Why::forbidden,
                  fmt::format("scopes and custom_id of a key are for the role {}", word(Role::platform)));
  return of(judge_groups(call.author.who, record.groups, {.find = [&](Kind kind, std::string_view name) {
                           return agreed(view.object(kind, name));
                         }}));
}

Json with_secret(const Call& call, const KeyRecord& record, const std::string& secret) {
  Json out = describe(record, call.author.at_ms / 1000);
  return out.set("key", identity::make_api_key(record.id, secret));
}

}  // namespace

Draft draft(Call& call, StoreWriter& writer) {
  AskKeyClaims claims;
  if (call.means.keys != nullptr)
    claims = [&call]() -> Agreed<KeyClaims> {
      const std::lock_guard lock(call.keys_lock);
      const auto all = call.means.keys->all();
      if (!all)
        return std::unexpected(
            objection_of({StoreError::Kind::unavailable, "the store of API keys: " + all.error()}));
      KeyClaims out;
      for (const KeyRecord& record : *all) {
        out.consumers.insert(record.consumer);
        out.groups.insert(record.groups.begin(), record.groups.end());
        if (!record.custom_id.empty()) out.custom_ids.insert(record.custom_id);
      }
      return out;
    };
  return Draft(writer, call.means.rules, call.author, std::move(claims));
}

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
  record.id = crypto::random_base62(identity::kApiKeyIdLength);
  record.consumer = call.parameter("name");
  record.custom_id = fields.string("custom_id");
  record.groups = fields.strings("groups");
  record.scopes = fields.strings("scopes");
  record.created = now;
  if (fields.has("expires_in"))
    record.expires = now + std::chrono::duration_cast<std::chrono::seconds>(fields.duration("expires_in")).count();
  std::string secret = crypto::random_base62(identity::kApiKeySecretLength);
  record.secrets.push_back({call.means.hash_secret(secret), now, 0});
  const auto done = noted(
      call, "create_key",
      [&](StoreView& view) -> Outcome<KeyRecord> {
        if (auto given = may_give(call, view, record); !given) return std::unexpected(given.error());
        return record;
      },
      [&]() -> Outcome<KeyRecord> {
        const std::lock_guard lock(call.keys_lock);
        if (auto added = call.means.keys->add(record); !added) return away(added.error());
        return record;
      });
  if (!done) return std::unexpected(done.error());
  ApiResponse out = answer(with_secret(call, *done, secret), 201);
  crypto::wipe(secret);
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
  std::string secret = crypto::random_base62(identity::kApiKeySecretLength);
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
  const auto done = change_key(call, "rotate_key", change);
  if (!done) return std::unexpected(done.error());
  ApiResponse out = answer(with_secret(call, *done, secret));
  crypto::wipe(secret);
  return out;
}

Outcome<ApiResponse> revoke_key(Call& call) {
  if (auto good = there(call); !good) return std::unexpected(good.error());
  const auto change = [&](KeyRecord& record) -> std::expected<void, std::string> {
    if (record.revoked == 0) record.revoked = call.author.at_ms / 1000;
    return {};
  };
  const auto done = change_key(call, "revoke_key", change);
  if (!done) return std::unexpected(done.error());
  ApiResponse out;
  out.status = 204;
  return out;
}

}  // namespace weir::control::api
