#include "identity/key_record.h"

#include "identity/api_key.h"

namespace weir::identity {
namespace {

Json words(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (const std::string& word : list) out.push(Json(std::string_view(word)));
  return out;
}

std::vector<std::string> words(const Json* list) {
  std::vector<std::string> out;
  if (list == nullptr) return out;
  for (const Json& item : list->items()) out.emplace_back(item.as_string());
  return out;
}

std::int64_t time_in(const Json& json, std::string_view name) {
  const Json* value = json.find(name);
  return value == nullptr ? 0 : value->as_integer();
}

std::string text_in(const Json& json, std::string_view name) {
  const Json* value = json.find(name);
  return value == nullptr ? std::string() : std::string(value->as_string());
}

}  // namespace

std::string_view state_of(const KeyRecord& record, std::int64_t now) noexcept {
  if (record.revoked != 0) return "revoked";
  if (record.disabled) return "disabled";
  if (record.expires != 0 && record.expires <= now) return "expired";
  return "live";
}

Json to_json(const KeyRecord& record) {
  Json out = Json::object();
  out.set("id", std::string_view(record.id));
  out.set("consumer", std::string_view(record.consumer));
  if (!record.custom_id.empty()) out.set("custom_id", std::string_view(record.custom_id));
  if (!record.groups.empty()) out.set("groups", words(record.groups));
  if (!record.scopes.empty()) out.set("scopes", words(record.scopes));
  Json secrets = Json::array();
  for (const KeyRecord::Secret& secret : record.secrets) {
    Json one = Json::object();
    one.set("hash", crypto::to_hex(secret.hash));
    one.set("created", secret.created);
    if (secret.expires != 0) one.set("expires", secret.expires);
    secrets.push(std::move(one));
  }
  out.set("secrets", std::move(secrets));
  out.set("created", record.created);
  for (const auto& [name, value] : {std::pair<std::string_view, std::int64_t>{"expires", record.expires},
                                    {"last_used", record.last_used},
                                    {"revoked", record.revoked}})
    if (value != 0) out.set(name, value);
  if (record.disabled) out.set("disabled", true);
  return out;
}

std::expected<KeyRecord, std::string> key_record(const Json& json) {
  KeyRecord out;
  out.id = text_in(json, "id");
  if (!is_api_key_id(out.id)) return std::unexpected("\"" + out.id + "\" is no id of a key");
  out.consumer = text_in(json, "consumer");
  if (out.consumer.empty()) return std::unexpected("the key " + out.id + " has no consumer");
  out.custom_id = text_in(json, "custom_id");
  out.groups = words(json.find("groups"));
  out.scopes = words(json.find("scopes"));
  if (const Json* secrets = json.find("secrets")) {
    for (const Json& item : secrets->items()) {
      KeyRecord::Secret secret;
      if (!crypto::from_hex(text_in(item, "hash"), secret.hash))
        return std::unexpected("the key " + out.id + " has a hash that is none");
      secret.created = time_in(item, "created");
      secret.expires = time_in(item, "expires");
      out.secrets.push_back(secret);
    }
  }
  if (out.secrets.size() > kMostSecrets) return std::unexpected("the key " + out.id + " has more than two secrets");
  out.created = time_in(json, "created");
  out.expires = time_in(json, "expires");
  out.last_used = time_in(json, "last_used");
  out.revoked = time_in(json, "revoked");
  const Json* disabled = json.find("disabled");
  out.disabled = disabled != nullptr && disabled->as_boolean();
  return out;
}

}  // namespace weir::identity
