// An admin API over an SQLite store in memory, with its first operator logged in, for the tests of this room.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <map>

#include "adapters/sqlite/store.h"
#include "control/api/api.h"
#include "control/api/message/query.h"
#include "control/api/server.h"
#include "control/changes/operator_changes.h"
#include "crypto/digest.h"
#include "filters/table.h"

namespace weir::control::api {

// API keys in memory. `away` is what it then says of itself.
class KeysInMemory final : public identity::KeyStore {
 public:
  std::expected<std::vector<identity::KeyRecord>, std::string> all() override {
    if (!away.empty()) return std::unexpected(away);
    std::vector<identity::KeyRecord> out;
    for (const auto& [id, record] : records) out.push_back(record);
    return out;
  }
  std::expected<void, std::string> add(const identity::KeyRecord& record) override {
    if (!away.empty()) return std::unexpected(away);
    records[record.id] = record;
    return {};
  }
  std::expected<identity::KeyRecord, std::string> change(const std::string& id, const Change& change) override {
    if (!away.empty()) return std::unexpected(away);
    identity::KeyRecord copy = records.at(id);
    if (auto changed = change(copy); !changed) return std::unexpected(changed.error());
    return records[id] = copy;
  }

  std::map<std::string, identity::KeyRecord> records;
  std::string away;
};

// A store that can be taken away.
class FragileStore final : public Store {
 public:
  explicit FragileStore(Store& store) : store_(store) {}
  StoreResult<void> read(const Reading<void>& work) override {
    const Inside counted(this);
    return error ? fail() : store_.read(work);
  }
  StoreResult<void> write(const Writing& work) override {
    const Inside counted(this);
    return error ? fail() : store_.write(work);
  }
  StoreResult<void> note_token_use(std::string_view id, std::int64_t at) override {
    return error ? fail() : store_.note_token_use(id, at);
  }
  std::optional<StoreError> error;
  std::atomic<int> inside = 0;  // transactions, of both kinds

 private:
  struct Inside {
    explicit Inside(FragileStore* of) : store(of) { ++store->inside; }
    ~Inside() { --store->inside; }
    FragileStore* store;
  };
  StoreResult<void> fail() const { return std::unexpected(*error); }
  Store& store_;
};

using Headers = std::vector<std::pair<std::string, std::string>>;

struct Scene : testing::Test {
  Scene() {
    rules.instance = Json::object();
    rules.instance.set("listeners", Json::array().push(Json::object().set("address", "127.0.0.1:0")));
    rules.instance.set("control", Json::object().set("database", "control.db"));
    rules.master_key = std::string(32, 'k');
    auto made = bootstrap(*store);
    token = made && *made ? **made : "";
  }

  // As `token`'s operator; a header without a value is left out of those that are sent by default.
  ApiResponse ask(std::string_view method, std::string_view target, std::string body = {}, Headers headers = {}) {
    auto request = api_request(method, target);
    EXPECT_TRUE(request) << target;
    request->from = from;
    request->fields = std::move(headers);
    const auto usual = [&](std::string name, std::string value) {
      if (request->field(name) == nullptr && !value.empty()) request->fields.emplace_back(name, value);
    };
    usual("host", "localhost:9081");
    usual("authorization", token.empty() ? "" : "Bearer " + token);
    if (!body.empty()) usual("content-type", method == "PATCH" ? "application/merge-patch+json" : "application/json");
    request->body = std::move(body);
    ApiResponse out = api.answer(*request);
    api.login_notes().settle();  // another thread writes them; a test shall see them at once
    return out;
  }
  ApiResponse get(std::string_view target, Headers headers = {}) {
    return ask("GET", target, {}, std::move(headers));
  }
  ApiResponse post(std::string_view target, std::string body = {}, Headers headers = {}) {
    return ask("POST", target, std::move(body), std::move(headers));
  }

  static Json json(const ApiResponse& response) {
    auto parsed = parse_json(response.body);
    EXPECT_TRUE(parsed) << response.body;
    return parsed ? *parsed : Json();
  }
  static std::string header(const ApiResponse& response, std::string_view name) {
    for (const auto& [known, value] : response.fields)
      if (known == name) return value;
    return {};
  }
  // errors[0].field of a problem, with its place among the words that a test reads.
  static std::string field_of(const ApiResponse& response) {
    const Json body = json(response);
    const Json* errors = body.find("errors");
    return errors && !errors->items().empty() ? std::string(errors->items()[0].find("field")->as_string()) : "";
  }
  // A token of a new operator of that role.
  std::string login(std::string name, std::string_view role, std::string_view teams = "[]") {
    const auto made = post("/v1/operators", R"({"name":")" + name + R"(","role":")" + std::string(role) +
                                                R"(","teams":)" + std::string(teams) + "}");
    EXPECT_EQ(made.status, 201) << made.body;
    const auto issued = post("/v1/operators/" + name + "/tokens");
    EXPECT_EQ(issued.status, 201) << issued.body;
    return std::string(json(issued).find("token")->as_string());
  }

  std::unique_ptr<Store> store = *adapters::sqlite::open(":memory:");
  FragileStore fragile{*store};
  Rules rules{filters::table()};
  revision::SigningKey key = revision::SigningKey::generate();
  InstanceBoard board;
  KeysInMemory keys;
  std::int64_t now = 1'800'000'000'000;
  Api api{Means{.store = fragile,
                .rules = rules,
                .signing_key = key,
                .instances = board,
                .keys = &keys,
                .hash_secret = [](std::string_view secret) { return crypto::sha256(secret); },
                .allowed_hosts = {"weir.example.com"},
                .clock = [this] { return now; }}};
  std::string token;
  std::string from = "192.0.2.1";
};

inline const std::string kRoute =
    R"({"route_id":"orders","path_pattern":"/orders/**","upstream_url":"http://127.0.0.1:9","tags":["team:shop"]})";

}  // namespace weir::control::api
