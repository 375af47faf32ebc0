#include "adapters/redis/config/publisher.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "revision/delta.h"

namespace weir::adapters::redis {
namespace {

// After a failure: Redis is to be noticed within two seconds of its return.
constexpr auto kRetry = std::chrono::seconds(1);
// A document of this size is compared whole at every look; a longer one by its length, and whole once a minute: 63 MB
// in two seconds is more than it may cost.
constexpr std::size_t kSmall = 64 * 1024;
constexpr auto kReadWhole = std::chrono::minutes(1);
// Others write the head too: once before us, once while that was judged.
constexpr int kTries = 3;
// Looks in which another replica's revision is found in the database, or never.
constexpr int kBehind = 5;
// A stranger's doings are told so often, and room for instances is looked for so often.
constexpr auto kTellAgain = std::chrono::minutes(1);
constexpr auto kMakeRoomAgain = std::chrono::seconds(1);
// Of an answer with all receipts; the parser's limit is twice as much.
constexpr std::size_t kMostReceiptBytes = std::size_t{32} << 20;
// Names in one command.
constexpr std::size_t kTogether = 100;

std::string name_of(std::uint64_t number) { return "revision " + std::to_string(number); }

ConfigHead head_of(const revision::Signed& revision) { return {revision.number, revision.digest}; }

// Something else lies under the name: a stranger's.
bool is_of_another_type(const Answer& answer) { return answer && answer->error_code() == "WRONGTYPE"; }

std::string another(std::uint64_t number) {
  return "Redis has another " + name_of(number) + ": two control planes with databases of their own publish to it";
}

}  // namespace

ConfigPublisher::ConfigPublisher(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings,
                                 ports::NameResolver* resolver, const revision::PublicKey& key, Handlers handlers,
                                 io::Duration every)
    : loop_(loop),
      every_(every),
      key_(key),
      handlers_(std::move(handlers)),
      client_(loop, settings, resolver),
      bell_(loop),
      subscriber_(loop, std::move(settings), resolver, {std::string(kConfigReceipts)},
                  {.message =
                       [this](std::string_view, std::string_view text) {
                         if (const auto beat = beat_from(text)) {
                           hear(*beat, true);
                         } else {
                           drop(1);
                         }
                       },
                   .listening = [this] { bell_.ring(); }}) {
  client_.on_availability([this](bool available, std::string_view) {
    if (available) bell_.ring();
  });
  tasks_.spawn(tend());
}

ConfigPublisher::~ConfigPublisher() = default;

// ---- revisions

void ConfigPublisher::keep(Kept latest) {
  if (kept_ && kept_->number > latest->number) return;
  kept_ = std::move(latest);
  kept_size_ = revision::encode(*kept_).size();
  read_whole_ = {};
}

void ConfigPublisher::keep(revision::Signed latest) {
  keep(std::make_shared<const revision::Signed>(std::move(latest)));
  bell_.ring();
}

io::Task<ConfigPublisher::Done> ConfigPublisher::announce(const revision::Signed& now,
                                                          const revision::Signed* before) {
  const auto revision = std::make_shared<const revision::Signed>(now);
  std::string delta = before != nullptr ? revision::encode_delta(*before, now) : std::string();
  // What is not shorter is not worth the second try.
  if (delta.size() >= now.document.size()) delta.clear();
  keep(revision);
  ++announcing_;
  const auto there = co_await put(revision, std::move(delta), {});
  --announcing_;
  if (!there) co_return std::unexpected(there.error());
  if (there->number == 0) co_return Done();
  if (there->number == revision->number) co_return std::unexpected(another(revision->number));
  co_return std::unexpected("Redis has " + name_of(there->number) + ", which is newer than " +
                            name_of(revision->number) + ": it is not announced");
}

io::Task<std::expected<ConfigHead, std::string>> ConfigPublisher::put(Kept revision, std::string delta,
                                                                      ConfigHead bad) {
  const std::string number = std::to_string(revision->number), document = document_key(revision->number),
                    lead = delta_key(revision->number), bytes = revision::encode(*revision),
                    stay = std::to_string(kKept);
  if (revision->number > kHighestNumber)
    co_return std::unexpected(name_of(revision->number) + " has a number that Redis cannot hold");
  if (bytes.size() > kMostConfigBytes)
    co_return std::unexpected(name_of(revision->number) + " is longer than " +
                              std::to_string(kMostConfigBytes >> 20) + " MB: gateways cannot read it from Redis");
  for (int tries = 0; tries < kTries; ++tries) {
    const std::string bad_number = std::to_string(bad.number);
    const std::string_view words[] = {
        "EVAL",           kPut,  "4",   kConfigHead,   document,     lead, kConfigNumbers, number,
        revision->digest, bytes, delta, kConfigPrefix, kConfigHints, stay, bad_number,     bad.digest};
    const Answer answer = co_await client_.call(Command(words, kConfigHead), loop_.refresh() + kDocumentPatience);
    if (refused(answer))
      co_return std::unexpected(name_of(revision->number) +
                                " is not announced yet, and will be as soon as possible: " + sentence(answer));
    if (answer->integer() == 0) {
      const bool stranger = bad.number >= revision->number && bad != head_of(*revision);
      if (stranger && std::exchange(replaced_, bad) != bad)
        handlers_.warn(name_of(bad.number) + " in Redis is damaged, or not signed with this control plane's key: " +
                       name_of(revision->number) + " is put in its place");
      co_return ConfigHead();
    }
    auto there = co_await head();
    if (!there) co_return std::unexpected(there.error());
    if (there->number >= revision->number && *there != head_of(*revision)) {
      const auto trusted = co_await trusts(*there);
      if (!trusted) co_return std::unexpected(trusted.error());
      if (*trusted) co_return *there;
    }
    bad = std::move(*there);
  }
  co_return std::unexpected(name_of(revision->number) + " is not announced yet: somebody else writes to Redis too");
}

io::Task<std::expected<ConfigHead, std::string>> ConfigPublisher::head() {
  const Answer answer =
      co_await client_.call({"HMGET", kConfigHead, "number", "digest"}, loop_.refresh() + kConfigPatience);
  if (is_of_another_type(answer)) co_return ConfigHead();
  if (refused(answer)) co_return std::unexpected(sentence(answer));
  co_return ConfigHead::from(*answer);
}

io::Task<std::expected<std::optional<revision::Signed>, std::string>> ConfigPublisher::latest() {
  const auto there = co_await head();
  if (!there) co_return std::unexpected(there.error());
  if (there->number == 0) co_return std::nullopt;
  co_return co_await read(*there);
}

io::Task<std::expected<std::optional<revision::Signed>, std::string>> ConfigPublisher::read(ConfigHead head) {
  const std::string key = document_key(head.number);
  const Answer answer = co_await client_.call({"GET", key}, loop_.refresh() + kDocumentPatience);
  if (is_of_another_type(answer)) co_return std::nullopt;
  if (refused(answer)) co_return std::unexpected(sentence(answer));
  auto revision = revision::decode(answer->text());
  if (!revision || head_of(*revision) != head) co_return std::nullopt;
  co_return std::move(*revision);
}

io::Task<std::expected<bool, std::string>> ConfigPublisher::trusts(ConfigHead head) {
  if (head == trusted_ || (kept_ && head == head_of(*kept_))) co_return true;
  // Nothing can be put in its place yet: once is enough.
  if (!kept_ && head == doubted_) co_return false;
  const auto revision = co_await read(head);
  if (!revision) co_return std::unexpected(revision.error());
  const bool good = *revision && revision::verify(**revision, key_);
  (good ? trusted_ : doubted_) = std::move(head);
  co_return good;
}

// ---- what is done without being asked

io::Task<void> ConfigPublisher::tend() {
  while (!ending_) {
    const Done done = co_await look();
    if (ending_) break;
    complain(done ? std::string() : done.error());
    if (done) co_await forget_silent();
    if (ending_) break;
    co_await bell_.wait(loop_.refresh() + (done ? every_ : std::min<io::Duration>(every_, kRetry)));
  }
}

io::Task<ConfigPublisher::Done> ConfigPublisher::look() {
  const auto there = co_await head();
  if (!there) co_return std::unexpected(there.error());
  bool trusted = false;
  if (there->number != 0 && (!kept_ || there->number >= kept_->number)) {
    const auto judged = co_await trusts(*there);
    if (!judged) co_return std::unexpected(judged.error());
    trusted = *judged;
  }
  const Done put = co_await put_back(*there, trusted);
  if (ending_) co_return Done();
  const Done read = co_await read_receipts();
  if (read && !ending_) handlers_.looked(there->number, trusted);
  co_return put ? read : put;
}

io::Task<ConfigPublisher::Done> ConfigPublisher::put_back(ConfigHead there, bool trusted) {
  const Kept kept = kept_;
  if (!kept || announcing_ != 0) co_return Done();
  if (there == head_of(*kept)) {
    const auto whole = co_await is_whole(kept);
    if (!whole) co_return std::unexpected(whole.error());
    if (*whole) behind_since_.reset();
    if (*whole || kept != kept_) co_return Done();
  } else if (trusted && there.number > kept->number) {
    co_return behind(there);
  }
  if (announcing_ != 0) co_return Done();
  const bool bad = !trusted && there.number >= kept->number;
  const auto in_the_way = co_await put(kept, {}, bad ? there : ConfigHead());
  if (!in_the_way) co_return std::unexpected(in_the_way.error());
  if (in_the_way->number > kept->number) co_return behind(*in_the_way);
  if (in_the_way->number != 0) co_return std::unexpected(another(kept->number));
  behind_since_.reset();
  co_return Done();
}

io::Task<std::expected<bool, std::string>> ConfigPublisher::is_whole(Kept kept) {
  const std::string key = document_key(kept->number);
  const std::size_t size = kept_size_;
  const bool whole = size <= kSmall || loop_.refresh() >= read_whole_;
  const Answer answer = co_await client_.call({whole ? "GET" : "STRLEN", key},
                                              loop_.refresh() + (whole ? kDocumentPatience : kConfigPatience));
  if (is_of_another_type(answer)) co_return false;
  if (refused(answer)) co_return std::unexpected(sentence(answer));
  if (!whole) co_return static_cast<std::size_t>(answer->integer()) == size;
  if (kept == kept_) read_whole_ = loop_.refresh() + kReadWhole;
  co_return answer->text() == revision::encode(*kept);
}

// Another control plane on the same database is ahead of this one, for a moment. Else the database is.
ConfigPublisher::Done ConfigPublisher::behind(const ConfigHead& there) {
  const io::TimePoint now = loop_.refresh();
  if (!behind_since_) behind_since_ = now;
  if (now - *behind_since_ < kBehind * every_) return {};
  return std::unexpected("it has " + name_of(there.number) +
                         ", signed with this control plane's key, and the database nothing above " +
                         name_of(kept_->number) +
                         ". The database cannot be read, or is older than what gateways use: what is published next "
                         "gets a number above");
}

// ---- receipts

io::Task<ConfigPublisher::Done> ConfigPublisher::read_receipts() {
  const std::string most = std::to_string(ConfigInstances::kMost), name = std::to_string(kLongestInstance),
                    receipt = std::to_string(kLongestReceipt), bytes = std::to_string(kMostReceiptBytes);
  const std::string_view limits[] = {most, name, receipt, bytes};
  const Answer answer =
      co_await client_.call(read_instances_, kConfigInstances, limits, loop_.refresh() + kDocumentPatience);
  if (refused(answer)) co_return std::unexpected(sentence(answer));
  if (const std::int64_t dropped = answer->value()[0].integer(); dropped > 0)
    drop(static_cast<std::uint64_t>(dropped));
  std::string_view field;
  std::size_t at = 0;
  for (const Value one : answer->value()) {
    if (at % 2 == 1) {
      field = one.text();
    } else if (at != 0) {
      if (const auto beat = beat_from(one.text()); beat && beat->receipt.instance == field) hear(*beat, false);
    }
    ++at;
  }
  co_return Done();
}

void ConfigPublisher::hear(const Beat& beat, bool told) {
  if (ending_) return;
  const io::TimePoint now = loop_.refresh();
  const std::string& instance = beat.receipt.instance;
  if (told && !instances_.has_room_for(instance) && now >= make_room_) {
    make_room_ = now + kMakeRoomAgain;
    for (const std::string& silent : instances_.forget(now, ConfigInstances::kSilent)) handlers_.gone(silent);
  }
  if (!instances_.has_room_for(instance)) return drop(1);
  const std::int64_t now_ms = loop_.wall_us(now) / 1000;
  const auto ago = instances_.hear(beat, told, now, now_ms);
  if (!ago) return;
  handlers_.receipt(beat.receipt, now_ms - std::chrono::duration_cast<std::chrono::milliseconds>(*ago).count());
}

void ConfigPublisher::drop(std::uint64_t receipts) {
  dropped_ += receipts;
  const io::TimePoint now = loop_.refresh();
  if (ending_ || now < tell_dropped_) return;
  tell_dropped_ = now + kTellAgain;
  handlers_.warn(std::to_string(std::exchange(dropped_, 0)) + " receipts in Redis are dropped: of more than " +
                 std::to_string(ConfigInstances::kMost) + " instances, or nothing that a gateway says");
}

io::Task<void> ConfigPublisher::forget_silent() {
  const std::vector<std::string> silent = instances_.forget(loop_.refresh(), ConfigInstances::kForgotten);
  for (const std::string& instance : silent) handlers_.gone(instance);
  // What stays there because this fails is read again, and forgotten again.
  for (std::size_t begin = 0; begin < silent.size(); begin += kTogether) {
    std::vector<std::string_view> words{"HDEL", kConfigInstances};
    words.insert(words.end(), silent.begin() + static_cast<std::ptrdiff_t>(begin),
                 silent.begin() + static_cast<std::ptrdiff_t>(std::min(begin + kTogether, silent.size())));
    const Answer answer = co_await client_.call(Command(Words(words)), loop_.refresh() + kConfigPatience);
    if (refused(answer) || ending_) co_return;
  }
}

void ConfigPublisher::complain(const std::string& sentence) {
  if (complaint_ == sentence) return;
  complaint_ = sentence;
  handlers_.complain(sentence);
}

void ConfigPublisher::end() {
  ending_ = true;
  client_.end();
  subscriber_.end();
  bell_.ring();
}

bool ConfigPublisher::ended() const noexcept {
  return tasks_.running() == 0 && client_.ended() && subscriber_.ended();
}

}  // namespace weir::adapters::redis
