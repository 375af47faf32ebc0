#include "app/key_feed.h"

#include "app/stored_keys.h"

namespace weir::app {
namespace {

// A revoked key stops within two looks and a read: well within the promised second.
constexpr auto kLook = std::chrono::milliseconds(240);
// last_used is for people who look for keys that nobody needs any more.
constexpr auto kNoteUses = std::chrono::seconds(30);

}  // namespace

KeyFeed::KeyFeed(io::Loop& loop, io::Offload& offload, Publish publish, Say say)
    : loop_(loop), offload_(offload), publish_(std::move(publish)), say_(std::move(say)), bell_(loop) {}

KeyFeed::~KeyFeed() = default;

void KeyFeed::follow(const snapshot::CredentialSettings& settings) {
  if (settings == settings_) return;
  settings_ = settings;
  complaint_.clear();
  const bool file = settings_.store == snapshot::CredentialSettings::Store::file;
  source_ = file ? std::make_shared<StoredKeys>(settings_) : nullptr;
  if (settings_.store == snapshot::CredentialSettings::Store::none) publish_(nullptr);
  bell_.ring();
}

io::Task<void> KeyFeed::refresh() {
  const std::shared_ptr<StoredKeys> source = source_;
  if (!source) co_return;
  auto news = co_await offload_.run(loop_, [source] { return source->look(); });
  if (!news || source != source_) co_return;
  if (news->keys) {
    const std::size_t count = news->keys->all->size();
    publish_(std::move(news->keys));
    say_(std::to_string(count) + (count == 1 ? " API key is" : " API keys are") + " in use");
  }
  complain(news->complaint);
}

void KeyFeed::complain(const std::string& what) {
  if (what == complaint_) return;
  complaint_ = what;
  say_(what.empty() ? "the API keys can be read again" : "API keys: " + what);
}

io::Task<void> KeyFeed::run() {
  uses_noted_ = loop_.now();
  while (!ended_) {
    co_await refresh();
    if (source_ && loop_.now() - uses_noted_ >= kNoteUses) {
      uses_noted_ = loop_.now();
      const std::shared_ptr<StoredKeys> source = source_;
      auto noted = co_await offload_.run(loop_, [source] { return source->note_uses(); });
      if (noted && !noted->empty()) complain(*noted);
    }
    if (!ended_) co_await bell_.wait(source_ ? loop_.now() + kLook : io::kNever);
  }
  if (const std::shared_ptr<StoredKeys> source = source_)
    (void)co_await offload_.run(loop_, [source] { return source->note_uses(); });
}

void KeyFeed::end() {
  ended_ = true;
  bell_.ring();
}

}  // namespace weir::app
