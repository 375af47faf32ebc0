#include "adapters/redis/credentials/stored_keys.h"

namespace weir::adapters::redis {
namespace {

using identity::KeyRecord;

constexpr std::string_view kUsed = "weir:keys:used";
constexpr std::string_view kVersion = "version";  // no id of a key: those have twelve characters
// 50,000 keys in 50 round trips; Redis is held up for less than a millisecond by each.
constexpr std::string_view kScanCount = "1000";
// Of a HMSET: a command of at most 2,000 words.
constexpr std::size_t kUsesAtOnce = 500;

const Script& replace_script() {
  static const Script kScript(R"(
local there = redis.call('HGET', KEYS[1], ARGV[1]) or ''
if there ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
redis.call('HINCRBY', KEYS[1], 'version', 1)
redis.call('PUBLISH', KEYS[1], ARGV[1])
return 1)");
  return kScript;
}

std::unexpected<std::string> sentence(const Answer& answer) {
  if (answer) return std::unexpected("Redis answers: " + std::string(answer->text()));
  return std::unexpected("Redis does not answer: " + std::string(answer.error().detail));
}

bool refused(const Answer& answer) { return !answer || answer->is_error(); }

std::expected<KeyRecord, std::string> read(std::string_view text) {
  const auto json = parse_json(text);
  if (!json) return std::unexpected(json.error().message);
  return identity::key_record(*json);
}

}  // namespace

io::Task<StoredKeys::Outcome<std::optional<std::int64_t>>> StoredKeys::version() {
  const Answer answer = co_await client_.call({"HGET", kKeysName, kVersion}, deadline());
  if (refused(answer)) co_return sentence(answer);
  co_return answer->value().to_integer();
}

io::Task<StoredKeys::Outcome<std::size_t>> StoredKeys::scan(std::string key, Each each) {
  std::size_t count = 0;
  std::string cursor = "0";
  do {
    const Answer answer = co_await client_.call({"HSCAN", key, cursor, "COUNT", kScanCount}, deadline());
    if (refused(answer)) co_return sentence(answer);
    if (answer->size() != 2) co_return std::unexpected(std::string("Redis answers HSCAN in a form of its own"));
    cursor = (*answer)[0].text();
    const Value pairs = (*answer)[1];
    std::string_view field;
    bool value = false;
    for (const Value one : pairs) {
      if (value) {
        each(field, one.text());
        ++count;
      } else {
        field = one.text();
      }
      value = !value;
    }
  } while (cursor != "0");
  co_return count;
}

io::Task<StoredKeys::Outcome<StoredKeys::All>> StoredKeys::all() {
  All out;
  const auto scanned = co_await scan(std::string(kKeysName), [&out](std::string_view id, std::string_view text) {
    if (id == kVersion) return;
    auto record = read(text);
    if (record && record->id == id) {
      out.records.push_back(std::move(*record));
    } else {
      ++out.unreadable;
    }
  });
  if (!scanned) co_return std::unexpected(scanned.error());
  co_return out;
}

io::Task<StoredKeys::Outcome<std::optional<KeyRecord>>> StoredKeys::one(std::string id) {
  const Answer answer = co_await client_.call({"HGET", kKeysName, id}, deadline());
  if (refused(answer)) co_return sentence(answer);
  if (answer->is_null()) co_return std::optional<KeyRecord>();
  auto record = read(answer->text());
  if (!record) co_return std::unexpected("the key " + id + " in Redis cannot be read: " + record.error());
  co_return std::optional<KeyRecord>(std::move(*record));
}

io::Task<StoredKeys::Outcome<bool>> StoredKeys::replace(std::string id, std::optional<KeyRecord> before,
                                                        KeyRecord next) {
  const std::string old_text = before ? to_canonical(to_json(*before)) : std::string();
  const std::string new_text = to_canonical(to_json(next));
  const std::string_view arguments[] = {id, old_text, new_text};
  const Answer answer = co_await client_.call(replace_script(), kKeysName, arguments, deadline());
  if (refused(answer)) co_return sentence(answer);
  co_return answer->integer() == 1;
}

io::Task<StoredKeys::Outcome<std::size_t>> StoredKeys::note_uses(std::vector<Use> uses) {
  for (std::size_t at = 0; at < uses.size(); at += kUsesAtOnce) {
    std::vector<std::string> texts;
    std::vector<std::string_view> words{"HSET", kUsed};
    const std::size_t end = std::min(uses.size(), at + kUsesAtOnce);
    texts.reserve(end - at);
    for (std::size_t i = at; i < end; ++i) {
      texts.push_back(std::to_string(uses[i].at));
      words.push_back(uses[i].id);
      words.push_back(texts.back());
    }
    const Answer answer = co_await client_.call(Command(Words(words)), deadline());
    if (refused(answer)) co_return sentence(answer);
  }
  co_return uses.size();
}

io::Task<StoredKeys::Outcome<std::vector<StoredKeys::Use>>> StoredKeys::uses() {
  std::vector<Use> out;
  const auto scanned = co_await scan(std::string(kUsed), [&out](std::string_view id, std::string_view at) {
    Use use{std::string(id), 0};
    std::from_chars(at.data(), at.data() + at.size(), use.at);
    out.push_back(std::move(use));
  });
  if (!scanned) co_return std::unexpected(scanned.error());
  co_return out;
}

}  // namespace weir::adapters::redis
