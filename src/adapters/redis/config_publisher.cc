#include "adapters/redis/config_publisher.h"

#include <vector>

#include "revision/delta.h"

namespace weir::adapters::redis {
namespace {

// After a failure: Redis is to be noticed within two seconds of its return.
constexpr auto kRetry = std::chrono::seconds(1);
// An instance that has been silent for so long was taken away.
constexpr auto kForgotten = std::chrono::hours(1);

// KEYS: head, document, delta, numbers. ARGV: number, digest, revision, delta or nothing, prefix, channel, how many
// stay. Answers 0; -1: there is another of that number; else the higher number that is there.
constexpr std::string_view kPut = R"(
local there = redis.call('HMGET', KEYS[1], 'number', 'digest')
local head, number = tonumber(there[1] or 0) or 0, tonumber(ARGV[1])
if head > number then return head end
if head == number and there[2] ~= ARGV[2] then return -1 end
redis.call('SET', KEYS[2], ARGV[3])
if ARGV[4] ~= '' then redis.call('SET', KEYS[3], ARGV[4]) end
redis.call('ZADD', KEYS[4], number, ARGV[1])
for _, old in ipairs(redis.call('ZRANGE', KEYS[4], 0, -1 - tonumber(ARGV[7]))) do
  redis.call('DEL', ARGV[5] .. 'document:' .. old, ARGV[5] .. 'delta:' .. old)
  redis.call('ZREM', KEYS[4], old)
end
redis.call('HSET', KEYS[1], 'number', ARGV[1], 'digest', ARGV[2])
redis.call('PUBLISH', ARGV[6], ARGV[1])
return 0)";

std::string name_of(std::uint64_t number) { return "revision " + std::to_string(number); }

}  // namespace

ConfigPublisher::ConfigPublisher(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings,
                                 ports::NameResolver* resolver, Handlers handlers, io::Duration every)
    : loop_(loop),
      every_(every),
      handlers_(std::move(handlers)),
      client_(loop, settings, resolver),
      bell_(loop),
      subscriber_(loop, settings, resolver, {std::string(kConfigReceipts)},
                  {.message =
                       [this](std::string_view, std::string_view text) {
                         if (const auto beat = beat_from(text)) hear(*beat, true);
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
  Done done = co_await put(revision, std::move(delta));
  --announcing_;
  co_return done;
}

io::Task<ConfigPublisher::Done> ConfigPublisher::put(Kept revision, std::string delta) {
  const std::string number = std::to_string(revision->number), document = document_key(revision->number),
                    lead = delta_key(revision->number), bytes = revision::encode(*revision),
                    stay = std::to_string(kKept);
  if (bytes.size() > kMostConfigBytes)
    co_return std::unexpected(name_of(revision->number) + " is longer than " +
                              std::to_string(kMostConfigBytes >> 20) + " MB: gateways cannot read it from Redis");
  const std::string_view words[] = {
      "EVAL",           kPut,  "4",   kConfigHead,   document,     lead, kConfigNumbers, number,
      revision->digest, bytes, delta, kConfigPrefix, kConfigHints, stay};
  const Answer answer = co_await client_.call(Command(words, kConfigHead), loop_.refresh() + kDocumentPatience);
  if (refused(answer))
    co_return std::unexpected(name_of(revision->number) +
                              " is not announced yet, and will be as soon as possible: " + sentence(answer));
  if (answer->integer() < 0)
    co_return std::unexpected("Redis has another " + name_of(revision->number) +
                              ": two control planes with databases of their own publish to it");
  if (answer->integer() > 0)
    co_return std::unexpected("Redis has " + name_of(static_cast<std::uint64_t>(answer->integer())) +
                              ", which is newer than " + name_of(revision->number) + ": it is not announced");
  co_return Done();
}

io::Task<std::expected<ConfigHead, std::string>> ConfigPublisher::head() {
  const Answer answer =
      co_await client_.call({"HMGET", kConfigHead, "number", "digest"}, loop_.refresh() + kConfigPatience);
  if (refused(answer)) co_return std::unexpected(sentence(answer));
  co_return ConfigHead::from(*answer);
}

io::Task<std::expected<std::optional<revision::Signed>, std::string>> ConfigPublisher::latest() {
  const auto there = co_await head();
  if (!there) co_return std::unexpected(there.error());
  if (there->number == 0) co_return std::nullopt;
  const std::string key = document_key(there->number);
  const Answer answer = co_await client_.call({"GET", key}, loop_.refresh() + kDocumentPatience);
  if (refused(answer)) co_return std::unexpected(sentence(answer));
  auto revision = revision::decode(answer->text());
  if (!revision || revision->number != there->number) co_return std::nullopt;
  co_return std::move(*revision);
}

// ---- what is done without being asked

io::Task<void> ConfigPublisher::tend() {
  while (!ending_) {
    Done done = co_await put_back();
    if (ending_) break;
    const Done read = co_await read_receipts();
    if (ending_) break;
    if (done) done = read;
    complain(done ? std::string() : done.error());
    if (done) co_await forget_silent();
    if (ending_) break;
    co_await bell_.wait(loop_.refresh() + (done ? every_ : std::min<io::Duration>(every_, kRetry)));
  }
}

io::Task<ConfigPublisher::Done> ConfigPublisher::put_back() {
  const Kept kept = kept_;
  if (!kept || announcing_ != 0) co_return Done();
  const auto there = co_await head();
  if (!there) co_return std::unexpected(there.error());
  // Another control plane on the same database is ahead of this one.
  if (there->number > kept->number) co_return Done();
  if (there->number == kept->number) {
    const std::string key = document_key(kept->number);
    const Answer size = co_await client_.call({"STRLEN", key}, loop_.refresh() + kConfigPatience);
    if (refused(size)) co_return std::unexpected(sentence(size));
    const bool whole = static_cast<std::size_t>(size->integer()) == kept_size_;
    if (there->digest == kept->digest && (whole || kept != kept_)) co_return Done();
  }
  if (announcing_ != 0) co_return Done();
  co_return co_await put(kept, {});
}

io::Task<ConfigPublisher::Done> ConfigPublisher::read_receipts() {
  const Answer answer = co_await client_.call({"HGETALL", kConfigInstances}, loop_.refresh() + kConfigPatience);
  if (refused(answer)) co_return std::unexpected(sentence(answer));
  std::string_view field;
  bool value = false;
  for (const Value one : answer->value()) {
    if (!value) {
      field = one.text();
    } else if (const auto beat = beat_from(one.text()); beat && beat->receipt.instance == field) {
      hear(*beat, false);
    }
    value = !value;
  }
  co_return Done();
}

// `told`: it has just been published. Else it was read, and may be old.
void ConfigPublisher::hear(const Beat& beat, bool told) {
  if (ending_) return;
  const io::TimePoint now = loop_.refresh();
  const std::int64_t now_ms = loop_.wall_us(now) / 1000;
  const auto known = heard_.find(beat.receipt.instance);
  io::Duration ago{};
  if (known != heard_.end()) {
    const std::int64_t last = known->second.sent_ms;
    // Read before what was told meanwhile.
    if (beat.sent_ms == last || (!told && beat.sent_ms < last)) return;
  } else if (!told) {
    ago = std::chrono::milliseconds(std::max<std::int64_t>(now_ms - beat.sent_ms, 0));
  }
  heard_[beat.receipt.instance] = {beat.sent_ms, now - ago};
  handlers_.receipt(beat.receipt, now_ms - std::chrono::duration_cast<std::chrono::milliseconds>(ago).count());
}

io::Task<void> ConfigPublisher::forget_silent() {
  const io::TimePoint now = loop_.refresh();
  std::vector<std::string> silent;
  for (const auto& [instance, heard] : heard_)
    if (now - heard.seen > kForgotten) silent.push_back(instance);
  for (const std::string& instance : silent) {
    const Answer answer =
        co_await client_.call({"HDEL", kConfigInstances, instance}, loop_.refresh() + kConfigPatience);
    if (refused(answer) || ending_) co_return;
    heard_.erase(instance);
    handlers_.gone(instance);
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
