#include "app/revocation_feed.h"

#include <ctime>

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
  if (!settings) from_redis_.clear();
  publish();
  bell_.ring();
}

io::Task<void> RevocationFeed::retire(std::unique_ptr<Source> source) {
  source->client.end();
  source->subscriber.end();
  while (!source->client.ended() || !source->subscriber.ended())
    co_await io::sleep(loop_, std::chrono::milliseconds(5));
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
  const std::string now = std::to_string(std::time(nullptr));
  const auto answer =
      co_await source_->client.call({"ZRANGEBYSCORE", kName, now, "+inf"}, loop_.refresh() + kPatience);
  if (source_.get() != asked) co_return;  // another config meanwhile
  const bool good = answer && answer->type() == adapters::redis::Type::array;
  if (good == away_) {
    say_(good ? "the list of revoked tokens in Redis can be read again"
              : "the list of revoked tokens in Redis cannot be read; the last one stays in use");
    away_ = !good;
  }
  if (!good) co_return;
  from_redis_.clear();
  for (const adapters::redis::Value member : *answer) from_redis_.append(member.text()).append("\n");
  publish();
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
