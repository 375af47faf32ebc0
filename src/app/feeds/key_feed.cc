#include "app/feeds/key_feed.h"

#include <filesystem>

#include "app/feeds/file_keys.h"
#include "app/feeds/redis_keys.h"

namespace weir::app {
namespace {

// A revoked key stops within two looks and a read: well within the promised second.
constexpr auto kLook = std::chrono::milliseconds(240);
// last_used is for people who look for keys that nobody needs any more.
constexpr auto kNoteUses = std::chrono::seconds(30);
// How long a start waits for Redis before it takes the local copy: a Redis that is there answers within it. Without a
// copy longer: there is nothing to serve by.
constexpr auto kPatience = std::chrono::milliseconds(600);
constexpr auto kPatienceWithoutCopy = std::chrono::seconds(2);

using Store = snapshot::CredentialSettings::Store;

}  // namespace

KeyFeed::KeyFeed(io::Loop& loop, io::Offload& offload, ports::NameResolver* resolver, Publish publish, Say say)
    : loop_(loop),
      offload_(offload),
      resolver_(resolver),
      publish_(std::move(publish)),
      say_(std::move(say)),
      bell_(loop) {}

KeyFeed::~KeyFeed() = default;

void KeyFeed::follow(const snapshot::Snapshot& config) {
  const snapshot::CredentialSettings& settings = config.credentials;
  const bool in_redis = settings.store == Store::redis;
  const bool same_redis = !in_redis || (redis_ && redis_->redis().same_as(*config.redis));
  if (settings == settings_ && same_redis) return;
  settings_ = settings;
  complaint_.clear();
  source_ = settings.store == Store::file ? std::make_shared<FileKeys>(settings) : nullptr;
  if (redis_) retiring_.spawn(retire(std::move(redis_)));
  if (in_redis) {
    redis_ = std::make_unique<RedisKeys>(
        loop_, offload_, resolver_, settings, config.redis,
        [this](std::shared_ptr<const identity::KeySet> keys) { publish(std::move(keys)); },
        [this](const std::string& what) { complain(what); });
  }
  if (settings.store == Store::none) {
    keys_ = nullptr;
    publish_(nullptr);
  }
  bell_.ring();
}

io::Task<void> KeyFeed::retire(std::unique_ptr<RedisKeys> keys) {
  keys->end();
  while (!keys->ended()) co_await io::sleep(loop_, std::chrono::milliseconds(5));
}

void KeyFeed::publish(std::shared_ptr<const identity::KeySet> keys) {
  const std::size_t count = keys->all->size();
  const bool whole = keys->changed == nullptr;
  keys_ = keys;
  publish_(std::move(keys));
  if (!whole) return;  // a thousand pushed changes are no thousand lines
  say_(std::to_string(count) + (count == 1 ? " API key is" : " API keys are") + " in use");
}

io::Task<void> KeyFeed::begin() {
  std::error_code unused;
  const bool copy = std::filesystem::exists(settings_.local_copy, unused);
  if (redis_) co_await redis_->begin(copy ? kPatience : kPatienceWithoutCopy);
  co_await refresh();
}

io::Task<void> KeyFeed::refresh() {
  const std::shared_ptr<FileKeys> source = source_;
  if (!source) co_return;
  auto news = co_await offload_.run(loop_, [source] { return source->look(); });
  if (!news || source != source_) co_return;
  if (news->keys) publish(std::move(news->keys));
  complain(news->complaint);
}

void KeyFeed::complain(const std::string& what) {
  if (what == complaint_) return;
  complaint_ = what;
  say_(what.empty() ? "the API keys can be read again" : "API keys: " + what);
}

io::Task<void> KeyFeed::note_uses() {
  uses_noted_ = loop_.now();
  if (redis_) co_await redis_->note_uses();
  const std::shared_ptr<FileKeys> source = source_;
  if (!source) co_return;
  auto noted = co_await offload_.run(loop_, [source] { return source->note_uses(); });
  if (noted && !noted->empty()) complain(*noted);
}

io::Task<void> KeyFeed::run() {
  uses_noted_ = loop_.now();
  while (!ended_) {
    co_await refresh();
    if (loop_.now() - uses_noted_ >= kNoteUses) co_await note_uses();
    if (ended_) break;
    co_await bell_.wait(source_ ? loop_.now() + kLook : redis_ ? loop_.now() + kNoteUses : io::kNever);
  }
  co_await note_uses();
  if (redis_) retiring_.spawn(retire(std::move(redis_)));
  co_await retiring_.join();
}

void KeyFeed::end() {
  ended_ = true;
  bell_.ring();
}

}  // namespace weir::app
