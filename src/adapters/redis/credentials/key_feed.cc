#include "adapters/redis/credentials/key_feed.h"

#include "identity/api_key.h"

namespace weir::adapters::redis {
namespace {

constexpr auto kRefresh = std::chrono::seconds(60);
// After a failure: Redis is to be noticed within two seconds of its return.
constexpr auto kRetry = std::chrono::seconds(1);
// Of one command in the background; nobody waits for it.
constexpr auto kPatience = std::chrono::seconds(2);
// More changes than this at once are read as a whole.
constexpr std::size_t kMostTold = 1000;

}  // namespace

KeyFeed::KeyFeed(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings, ports::NameResolver* resolver,
                 Handlers handlers)
    : loop_(loop),
      handlers_(std::move(handlers)),
      client_(loop, settings, resolver),
      store_(client_, kPatience),
      bell_(loop),
      subscriber_(loop, std::move(settings), resolver, {std::string(kKeysName)},
                  {.message =
                       [this](std::string_view, std::string_view id) {
                         if (identity::is_api_key_id(id)) told_.emplace(id);
                         bell_.ring();
                       },
                   .listening =
                       [this] {
                         gap_ = true;
                         bell_.ring();
                       }}) {
  client_.on_availability([this](bool available, std::string_view) {
    if (available) bell_.ring();
  });
  tasks_.spawn(run());
}

KeyFeed::~KeyFeed() = default;

io::Task<void> KeyFeed::run() {
  io::TimePoint next = loop_.refresh();
  while (!ended_) {
    if (gap_ || loop_.now() >= next || told_.size() > kMostTold) {
      gap_ = false;
      co_await refresh();
    }
    if (loaded_ && !told_.empty()) co_await follow_changes();
    if (ended_) break;
    next = loop_.refresh() + (gap_ || !told_.empty() ? kRetry : kRefresh);
    co_await bell_.wait(next);
  }
}

io::Task<void> KeyFeed::refresh() {
  const auto version = co_await store_.version();
  if (!version) {
    gap_ = true;
    co_return handlers_.complain(version.error());
  }
  if (!*version && known_ != 0) {
    // Emptied, or started without its data: that is no revocation of everybody's keys.
    gap_ = true;
    co_return handlers_.complain("Redis has lost the API keys; the last ones stay in use");
  }
  if (loaded_ && version->value_or(0) == version_) co_return handlers_.complain("");
  auto all = co_await store_.all();
  if (!all) {
    gap_ = true;
    co_return handlers_.complain(all.error());
  }
  version_ = version->value_or(0);
  known_ = all->records.size();
  loaded_ = true;
  // A message that came meanwhile may be of a change that the scan has passed: those are read after it.
  handlers_.all(std::move(all->records));
  handlers_.complain(all->unreadable == 0 ? std::string()
                                          : std::to_string(all->unreadable) + " records in Redis cannot be read");
}

io::Task<void> KeyFeed::follow_changes() {
  while (!told_.empty()) {
    std::string id = *told_.begin();
    told_.erase(told_.begin());
    auto record = co_await store_.one(id);
    if (!record) {
      told_.insert(std::move(id));
      co_return handlers_.complain(record.error());
    }
    handlers_.changed(id, std::move(*record));
  }
}

void KeyFeed::end() {
  ended_ = true;
  client_.end();
  subscriber_.end();
  bell_.ring();
}

bool KeyFeed::ended() const noexcept { return tasks_.running() == 0 && client_.ended() && subscriber_.ended(); }

}  // namespace weir::adapters::redis
