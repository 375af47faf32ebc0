// channel.h. Two tasks: watch() looks for what is newer, tell() says what this gateway has.
#include "adapters/redis/config/channel.h"

#include <functional>
#include <utility>
#include <vector>

#include "adapters/redis/config/receipt.h"
#include "revision/delta.h"

namespace weir::adapters::redis {
namespace {

// After a failure: Redis is to be noticed within two seconds of its return.
constexpr auto kRetry = std::chrono::seconds(1);
// Further back the document is fetched: as many small changes are rare within two seconds, and each costs a pass over
// the whole.
constexpr std::uint64_t kLongestChain = 5;
// The longest pause before a document that nobody signed is fetched again: the control plane mends it within seconds,
// 63 MB a minute is what a stranger can make a gateway fetch otherwise.
constexpr io::Duration kLongestPause = std::chrono::minutes(1);

}  // namespace

ConfigChannel::ConfigChannel(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings,
                             ports::NameResolver* resolver, io::Duration every)
    : loop_(loop),
      every_(every),
      client_(loop, settings, resolver),
      watch_bell_(loop),
      tell_bell_(loop),
      subscriber_(loop, std::move(settings), resolver, {std::string(kConfigHints)},
                  {.message = [this](std::string_view, std::string_view) { watch_bell_.ring(); },
                   .listening = [this] { watch_bell_.ring(); }}) {
  client_.on_availability([this](bool available, std::string_view) {
    if (!available) return;
    watch_bell_.ring();
    tell_bell_.ring();
  });
}

ConfigChannel::~ConfigChannel() = default;

void ConfigChannel::follow(revision::Signed have, Handlers handlers) {
  handlers_ = std::move(handlers);
  have_ = std::move(have);
  tasks_.spawn(watch());
  tasks_.spawn(tell());
}

void ConfigChannel::have(revision::Signed revision) { have_ = std::move(revision); }

void ConfigChannel::report(const ports::Receipt& receipt) {
  receipt_ = receipt;
  tell_bell_.ring();
}

void ConfigChannel::complain(std::string& mine, std::string sentence) {
  if (ending_ || mine == sentence) return;
  mine = std::move(sentence);
  handlers_.complain(of_revisions_.empty() ? of_receipts_ : of_revisions_);
}

// ---- revisions

io::Task<void> ConfigChannel::watch() {
  while (!ending_) {
    const bool good = co_await look();
    if (ending_) break;
    co_await watch_bell_.wait(loop_.refresh() + (good ? every_ : std::min<io::Duration>(every_, kRetry)));
  }
}

io::Task<bool> ConfigChannel::look() {
  const Answer answer =
      co_await client_.call({"HMGET", kConfigHead, "number", "digest"}, loop_.refresh() + kConfigPatience);
  if (refused(answer)) {
    complain(of_revisions_, sentence(answer));
    co_return false;
  }
  const ConfigHead head = ConfigHead::from(*answer);
  std::string odd;
  if (head.number == 0) {
    odd = "Redis has no revision: the control plane has published none to it, or it was emptied";
  } else if (head.number < have_.number) {
    odd = "Redis has revision " + std::to_string(head.number) + ", which is older than the one in use";
  } else if (is_to_be_fetched(head)) {
    co_return co_await fetch(head);
  } else if (head == signed_ || (head.number == have_.number && head.digest == have_.digest)) {
    bad_.bytes = 0;  // should it come back, it is told again
    handlers_.settled(head.number);
  }
  complain(of_revisions_, std::move(odd));
  co_return true;
}

bool ConfigChannel::is_to_be_fetched(const ConfigHead& head) const {
  if (head.number <= have_.number || head == signed_) return false;
  return head != bad_.head || loop_.now() >= bad_.again;
}

io::Task<bool> ConfigChannel::fetch(ConfigHead head) {
  if (auto revision = co_await by_deltas(head)) {
    take(std::move(head), std::move(*revision));
    co_return true;
  }
  const std::string key = document_key(head.number);
  const Answer answer = co_await client_.call({"GET", key}, loop_.refresh() + kDocumentPatience);
  if (refused(answer)) {
    complain(of_revisions_, sentence(answer));
    co_return false;
  }
  if (answer->is_null()) {
    complain(of_revisions_, "Redis has lost the document of revision " + std::to_string(head.number));
    co_return false;
  }
  auto revision = revision::decode(answer->text());
  if (revision && (revision->number != head.number || revision->digest != head.digest))
    revision = std::unexpected("Redis has another document under the number " + std::to_string(head.number));
  judge(std::move(head), std::hash<std::string_view>()(answer->text()), std::move(revision));
  co_return true;
}

// nullopt: they do not lead there.
io::Task<std::optional<revision::Signed>> ConfigChannel::by_deltas(ConfigHead head) {
  const std::uint64_t begin = have_.number;
  if (begin == 0 || head.number - begin > kLongestChain) co_return std::nullopt;
  std::vector<std::string> keys;
  for (std::uint64_t number = begin + 1; number <= head.number; ++number) keys.push_back(delta_key(number));
  std::vector<std::string_view> words{"MGET"};
  words.insert(words.end(), keys.begin(), keys.end());
  const Answer answer = co_await client_.call(Command(Words(words)), loop_.refresh() + kDocumentPatience);
  if (refused(answer) || ending_) co_return std::nullopt;
  std::optional<revision::Signed> at;
  for (const Value delta : answer->value()) {
    if (delta.is_null()) continue;  // numbers may be left out; each delta says where it starts
    auto next = revision::apply_delta(at ? *at : have_, delta.text());
    if (!next) co_return std::nullopt;
    at = std::move(*next);
  }
  if (!at || at->number != head.number || at->digest != head.digest || !handlers_.is_signed(*at))
    co_return std::nullopt;
  co_return at;
}

void ConfigChannel::judge(ConfigHead head, std::size_t bytes, std::expected<revision::Signed, std::string> revision) {
  if (ending_) return;
  if (revision && handlers_.is_signed(*revision)) return take(std::move(head), std::move(*revision));
  complain(of_revisions_, {});
  const bool again = head == bad_.head;
  bad_.pause = again ? std::min(bad_.pause * 2, kLongestPause) : every_;
  bad_.again = loop_.refresh() + bad_.pause;
  bad_.head = head;
  if (std::exchange(bad_.bytes, bytes) == bytes && again) return;  // it was told
  if (revision) {
    handlers_.arrived(std::move(*revision));
  } else {
    handlers_.broken(head.number, std::move(revision.error()));
  }
}

void ConfigChannel::take(ConfigHead head, revision::Signed revision) {
  complain(of_revisions_, {});
  signed_ = std::move(head);
  handlers_.arrived(std::move(revision));
}

// ---- receipts

io::Task<void> ConfigChannel::tell() {
  while (!ending_) {
    if (receipt_) complain(of_receipts_, co_await send_receipt());
    if (ending_) break;
    co_await tell_bell_.wait(loop_.refresh() + every_);
  }
}

io::Task<std::string> ConfigChannel::send_receipt() {
  // Always another, also where the clock was set back: it is the sign of life.
  sent_ms_ = std::max(sent_ms_ + 1, loop_.wall_us(loop_.refresh()) / 1000);
  const std::string instance = receipt_->instance, text = to_text({*receipt_, sent_ms_});
  const Answer kept =
      co_await client_.call({"HSET", kConfigInstances, instance, text}, loop_.refresh() + kConfigPatience);
  if (refused(kept)) co_return "the receipt cannot be sent: " + sentence(kept);
  const Answer told = co_await client_.call({"PUBLISH", kConfigReceipts, text}, loop_.refresh() + kConfigPatience);
  co_return refused(told) ? "the receipt cannot be told: " + sentence(told) : std::string();
}

void ConfigChannel::end() {
  ending_ = true;
  client_.end();
  subscriber_.end();
  watch_bell_.ring();
  tell_bell_.ring();
}

bool ConfigChannel::ended() const noexcept { return tasks_.running() == 0 && client_.ended() && subscriber_.ended(); }

}  // namespace weir::adapters::redis
