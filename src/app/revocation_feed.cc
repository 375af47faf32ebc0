#include "app/revocation_feed.h"

#include <algorithm>
#include <charconv>
#include <ctime>
#include <limits>

#include "ports/redis_settings.h"

namespace weir::app {
namespace {

constexpr auto kLook = std::chrono::seconds(1);
constexpr auto kPatience = std::chrono::milliseconds(500);
constexpr std::string_view kName = "weir:revoked";

}  // namespace

struct RevocationFeed::Source {
  Source(RevocationFeed& owner, const std::shared_ptr<const ports::RedisSettings>& settings)
      : client(owner.loop_, settings, owner.resolver_),
        subscriber(owner.loop_, settings, owner.resolver_, {std::string(kName)},
                   {.message = [&owner](std::string_view, std::string_view) { owner.bell_.ring(); },
                    .listening = [&owner] { owner.bell_.ring(); }}) {}
  adapters::redis::Client client;
  adapters::redis::Subscriber subscriber;
};

RevocationFeed::RevocationFeed(io::Loop& loop, ports::NameResolver* resolver, Publish publish, Say say)
    : loop_(loop), resolver_(resolver), publish_(std::move(publish)), say_(std::move(say)), bell_(loop) {}

RevocationFeed::~RevocationFeed() = default;

void RevocationFeed::follow(const snapshot::Snapshot& config) {
  from_file_ = config.tokens.revoked;
  const auto settings = config.tokens.revoked_in_redis ? config.redis : nullptr;
  if (source_ && (!settings || !source_->client.settings().same_as(*settings)))
    tasks_.spawn(retire(std::move(source_)));
  if (settings && !source_) source_ = std::make_unique<Source>(*this, settings);
  if (!settings) {
    from_redis_.clear();
    latest_until_ = 0;
  }
  publish();
  bell_.ring();
}

io::Task<void> RevocationFeed::retire(std::unique_ptr<Source> source) {
  source->client.end();
  source->subscriber.end();
  while (!source->client.ended() || !source->subscriber.ended())
    co_await io::sleep(loop_, std::chrono::milliseconds(5));
}

io::Task<void> RevocationFeed::begin() {
  const io::TimePoint until = loop_.refresh() + kPatience;
  while (source_ && !source_->client.available() && loop_.now() < until)
    co_await io::sleep(loop_, std::chrono::milliseconds(5));
  if (source_) co_await read();
}

io::Task<void> RevocationFeed::run() {
  while (!ended_) {
    if (source_) co_await read();
    if (!ended_) co_await bell_.wait(source_ ? loop_.now() + kLook : io::kNever);
  }
  if (source_) tasks_.spawn(retire(std::move(source_)));
  co_await tasks_.join();
}

io::Task<void> RevocationFeed::read() {
  const Source* asked = source_.get();
  const std::time_t now = std::time(nullptr);
  const std::string from = std::to_string(now);
  const auto answer = co_await source_->client.call({"ZRANGEBYSCORE", kName, from, "+inf", "WITHSCORES"},
                                                    loop_.refresh() + kPatience);
  if (source_.get() != asked) co_return;  // another config meanwhile
  const bool good = take(answer, static_cast<double>(now));
  if (good == away_) {
    say_(good ? "the list of revoked tokens in Redis can be read again"
              : "the list of revoked tokens in Redis cannot be read, or is gone; the last one stays in use");
    away_ = !good;
  }
  if (good) publish();
}

bool RevocationFeed::take(const adapters::redis::Answer& answer, double now) {
  using adapters::redis::Type;
  using adapters::redis::Value;
  if (!answer || answer->type() != Type::array) return false;
  // Emptied, or started without its data: that makes no revoked token good. Who takes the last line back says so by a
  // line that revokes nothing (docs/filters/jwt.md).
  if (answer->size() == 0 && now < latest_until_) return false;
  from_redis_.clear();
  latest_until_ = 0;
  const auto add = [this](std::string_view line, std::string_view score) {
    from_redis_.append(line).append("\n");
    double until = std::numeric_limits<double>::infinity();  // "inf", too
    std::from_chars(score.data(), score.data() + score.size(), until);
    latest_until_ = std::max(latest_until_, until);
  };
  std::string_view line;
  bool is_score = false;  // RESP2 has members and scores one after the other, RESP3 in pairs
  for (const Value each : *answer) {
    if (each.type() == Type::array) {
      add(each[0].text(), each[1].text());
    } else if (is_score) {
      add(line, each.text());
      is_score = false;
    } else {
      line = each.text();
      is_score = true;
    }
  }
  return true;
}

void RevocationFeed::publish() {
  auto list = std::make_shared<gateway::RevocationList>();
  list->add(from_file_);
  list->add(from_redis_);
  if (list->version() == published_) return;
  published_ = list->version();
  publish_(std::move(list));
}

void RevocationFeed::end() {
  ended_ = true;
  bell_.ring();
}

}  // namespace weir::app
