#include "app/feeds/redis_keys.h"

#include "app/feeds/key_copy.h"
#include "crypto/digest.h"

namespace weir::app {
namespace {

// A change is in force at once and on disk within this: many changes are one copy.
constexpr auto kCopyDelay = std::chrono::seconds(1);
constexpr auto kLook = std::chrono::milliseconds(5);

}  // namespace

RedisKeys::RedisKeys(io::Loop& loop, io::Offload& offload, ports::NameResolver* resolver,
                     const snapshot::CredentialSettings& settings, std::shared_ptr<const ports::RedisSettings> redis,
                     Publish publish, Say complain)
    : loop_(loop),
      offload_(offload),
      settings_(settings),
      publish_(std::move(publish)),
      complain_(std::move(complain)),
      pepper_(std::make_shared<const crypto::Mac>(settings.pepper)),
      bell_(loop),
      feed_(loop, std::move(redis), resolver,
            {.all = [this](Records records) { take_all(std::move(records)); },
             .changed = [this](const std::string& id,
                               std::optional<identity::KeyRecord> record) { take_changed(id, std::move(record)); },
             .complain = [this](const std::string& what) { complain_(what); }}) {
  tasks_.spawn(work());
}

void RedisKeys::take_all(Records records) {
  arrived_ = std::move(records);
  newest_.clear();
  bell_.ring();
}

void RedisKeys::take_changed(const std::string& id, std::optional<identity::KeyRecord> record) {
  if (!record) {
    // Nobody but an operator's own hand removes a record: it counts as revoked.
    record.emplace();
    record->id = id;
    record->consumer = "-";
    record->revoked = 1;
  }
  known_[id] = *record;
  newest_[id] = *record;
  changed_[id] = std::move(*record);
  copy_due_ = true;
  publish();
  bell_.ring();
}

void RedisKeys::publish() {
  if (!table_) return;
  Records changed;
  changed.reserve(changed_.size());
  for (const auto& [id, record] : changed_) changed.push_back(record);
  collect_uses(overlay_.get());
  overlay_ = changed.empty() ? nullptr : std::make_shared<const identity::KeyTable>(changed);
  publish_(std::make_shared<const identity::KeySet>(identity::KeySet{table_, overlay_, pepper_}));
}

io::Task<void> RedisKeys::make_table(Records records) {
  const auto shared = std::make_shared<const Records>(std::move(records));
  auto made = co_await offload_.run(loop_, [shared] { return std::make_shared<const identity::KeyTable>(*shared); });
  if (!made) {
    arrived_ = *shared;  // the threads are busy: at the next look
    co_return;
  }
  before_ = std::exchange(table_, std::move(*made));
  changed_ = std::exchange(newest_, {});
  known_.clear();
  for (const identity::KeyRecord& record : *shared) known_[record.id] = record;
  for (const auto& [id, record] : changed_) known_[id] = record;
  copy_due_ = true;
  publish();
}

// Makes tables and copies, one thing after the other.
io::Task<void> RedisKeys::work() {
  io::TimePoint copied{};
  while (!ended_) {
    if (arrived_) {
      Records records = *std::exchange(arrived_, std::nullopt);
      // A Redis that came back without its data is no revocation of everybody's keys.
      if (records.empty() && !table_) {
        if (auto copy = co_await read_copy(); copy && !copy->empty()) {
          records = std::move(*copy);
          feed_.known(records.size());
          complain_("there are no API keys in Redis; those of the local copy are in use");
        }
      }
      co_await make_table(std::move(records));
    }
    if (copy_due_ && loop_.refresh() - copied >= kCopyDelay) {
      copied = loop_.now();
      copy_due_ = false;
      auto records = std::make_shared<Records>();
      for (const auto& [id, record] : known_) records->push_back(record);
      auto failed = co_await offload_.run(loop_, [records, pepper = pepper_, file = settings_.local_copy] {
        return write_key_copy(file, *records, *pepper);
      });
      if (failed && !failed->empty()) complain_(*failed);
    }
    if (!ended_) co_await bell_.wait(copy_due_ || arrived_ ? loop_.now() + kCopyDelay : io::kNever);
  }
}

io::Task<std::optional<RedisKeys::Records>> RedisKeys::read_copy() {
  auto copy = co_await offload_.run(
      loop_, [pepper = pepper_, file = settings_.local_copy] { return read_key_copy(file, *pepper); });
  if (copy && *copy) co_return std::move(**copy);
  copy_missing_ = copy ? copy->error() : "the threads are busy";
  co_return std::nullopt;
}

io::Task<void> RedisKeys::begin(io::Duration patience) {
  const io::TimePoint until = loop_.refresh() + patience;
  while (!table_ && loop_.now() < until) co_await io::sleep(loop_, kLook);
  if (table_) co_return;
  auto copy = co_await read_copy();
  if (table_ || arrived_) co_return;
  if (!copy) {
    complain_("Redis does not answer and " + copy_missing_ + "; no key is known until it does");
    co_return;
  }
  const std::size_t count = copy->size();
  feed_.known(count);
  co_await make_table(std::move(*copy));
  complain_("Redis does not answer; the " + std::to_string(count) + " keys of the local copy are in use");
}

void RedisKeys::collect_uses(const identity::KeyTable* table) {
  if (table == nullptr) return;
  for (const auto& use : table->take_uses()) uses_[std::string(use.id)] = use.at;
}

io::Task<void> RedisKeys::note_uses() {
  for (const auto* table : {before_.get(), table_.get(), overlay_.get()}) collect_uses(table);
  std::vector<adapters::redis::StoredKeys::Use> uses;
  for (const auto& [id, at] : std::exchange(uses_, {})) uses.push_back({id, at});
  // A use that cannot be told is forgotten: the next one of that key will be.
  if (!uses.empty()) (void)co_await feed_.store().note_uses(std::move(uses));
}

void RedisKeys::end() {
  ended_ = true;
  feed_.end();
  bell_.ring();
}

}  // namespace weir::app
