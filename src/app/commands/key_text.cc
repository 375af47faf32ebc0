// What `weir key` shows of keys (key.h): never a secret, nor its hash.
#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "app/commands/key.h"

namespace weir::app {
namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out.append(out.empty() ? "" : " ").append(word);
  return out.empty() ? "-" : out;
}

Json words(const std::vector<std::string>& list) {
  Json out = Json::array();
  for (const std::string& word : list) out.push(Json(std::string_view(word)));
  return out;
}

std::string day(std::int64_t seconds) { return seconds == 0 ? "never" : time_text(seconds).substr(0, 10); }

// The second secret is what makes a key's state worth a word more.
std::string state_text(const identity::KeyRecord& record, std::int64_t now) {
  std::string out(state_of(record, now));
  if (out != "live" || record.secrets.size() < 2) return out;
  const std::int64_t ends = record.secrets.front().expires;
  return ends > now ? fmt::format("live, old secret until {}", time_text(ends)) : out;
}

}  // namespace

std::string time_text(std::int64_t seconds) {
  if (seconds == 0) return "never";
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  ::gmtime_r(&time, &parts);
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", parts);
}

std::string key_list(const std::vector<identity::KeyRecord>& records, std::int64_t now) {
  std::vector<std::array<std::string, 7>> rows{
      {"ID", "CONSUMER", "SCOPES", "CREATED", "EXPIRES", "LAST USED", "STATE"}};
  for (const identity::KeyRecord& one : records) {
    rows.push_back({one.id, one.consumer, joined(one.scopes), day(one.created), day(one.expires), day(one.last_used),
                    state_text(one, now)});
  }
  std::array<std::size_t, 7> widths{};
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string out;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) out += fmt::format("{:<{}}  ", row[i], widths[i]);
    out += row.back() + "\n";
  }
  return out;
}

Json key_json(const identity::KeyRecord& record, std::int64_t now) {
  Json out = Json::object();
  out.set("id", std::string_view(record.id));
  out.set("consumer", std::string_view(record.consumer));
  out.set("custom_id", record.custom_id.empty() ? Json() : Json(std::string_view(record.custom_id)));
  out.set("groups", words(record.groups));
  out.set("scopes", words(record.scopes));
  out.set("state", identity::state_of(record, now));
  for (const auto& [name, at] : {std::pair<std::string_view, std::int64_t>{"created", record.created},
                                 {"expires", record.expires},
                                 {"last_used", record.last_used},
                                 {"revoked", record.revoked}})
    out.set(name, at == 0 ? Json() : Json(time_text(at)));
  Json secrets = Json::array();
  for (const identity::KeyRecord::Secret& secret : record.secrets) {
    Json one = Json::object();
    one.set("created", time_text(secret.created));
    one.set("expires", secret.expires == 0 ? Json() : Json(time_text(secret.expires)));
    secrets.push(std::move(one));
  }
  out.set("secrets", std::move(secrets));
  return out;
}

}  // namespace weir::app
