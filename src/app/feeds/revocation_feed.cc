#include "app/feeds/revocation_feed.h"

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

RevocationFeed::RevocationFeed(io::Loop& loop, io::Offload& offload, ports::NameResolver* resolver, Publish publish,
                               Say say)
    : loop_(loop),
      offload_(offload),
      resolver_(resolver),
      publish_(std::move(publish)),
      say_(std::move(say)),
      bell_(loop) {}

RevocationFeed::~RevocationFeed() = default;

void RevocationFeed::follow(const snapshot::Snapshot& config) {
  from_file_ = config.tokens.revoked;
  const auto settings = config.tokens.revoked_in_redis ? config.redis : nullptr;
  if (source_ && (!settings || !source_->client.settings().same_as(*settings)))
    tasks_.spawn(retire(std::move(source_)));
  if (settings && !source_) source_ = std::make_unique<Source>(*this, settings);
  if (!settings) {
    use({});
    copy_read_ = false;
  }
  state_dir_ = config.state_dir;
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
  if (source_) co_await read_copy();
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
  if (!copy_read_) co_await read_copy();
  const Source* asked = source_.get();
  if (asked == nullptr) co_return;
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
  std::vector<gateway::Revoked> list;
  const auto add = [&list](std::string_view member, std::string_view score) {
    double until = std::numeric_limits<double>::infinity();  // "inf", too
    std::from_chars(score.data(), score.data() + score.size(), until);
    while (!member.empty()) {  // a member may hold several lines
      const std::string_view line = member.substr(0, member.find('\n'));
      member.remove_prefix(std::min(line.size() + 1, member.size()));
      if (!line.empty()) list.push_back({until, std::string(line)});
    }
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
  if (list == from_redis_) return true;
  use(std::move(list));
  note_copy();
  return true;
}

void RevocationFeed::use(std::vector<gateway::Revoked> list) {
  from_redis_ = std::move(list);
  latest_until_ = 0;
  for (const gateway::Revoked& one : from_redis_) latest_until_ = std::max(latest_until_, one.until);
}

io::Task<void> RevocationFeed::read_copy() {
  copy_read_ = true;
  if (state_dir_.empty()) co_return;
  auto copy = co_await offload_.run(loop_, [folder = state_dir_, now = static_cast<double>(std::time(nullptr))] {
    return gateway::read_revocation_copy(folder, now);
  });
  if (!copy || !source_ || !from_redis_.empty()) co_return;
  if (!*copy) {
    say_("the copy of the revoked tokens cannot be used: " + copy->error());
    co_return;
  }
  use(std::move(**copy));
  publish();
}

void RevocationFeed::note_copy() {
  copy_due_ = !state_dir_.empty();
  if (copy_due_ && !copy_writing_) tasks_.spawn(write_copy());
}

io::Task<void> RevocationFeed::write_copy() {
  copy_writing_ = true;
  while (copy_due_) {
    copy_due_ = false;
    const auto written = co_await offload_.run(
        loop_, [folder = state_dir_, list = from_redis_] { return gateway::write_revocation_copy(folder, list); });
    if (written && !*written) say_("the copy of the revoked tokens cannot be written: " + written->error());
    if (!written) co_await io::sleep(loop_, kLook);  // the threads are busy
    if (!written) copy_due_ = !ended_;
  }
  copy_writing_ = false;
}

void RevocationFeed::publish() {
  auto list = std::make_shared<gateway::RevocationList>();
  list->add(from_file_);
  for (const gateway::Revoked& one : from_redis_) list->add(one.line);
  if (list->version() == published_) return;
  published_ = list->version();
  publish_(std::move(list));
}

void RevocationFeed::end() {
  ended_ = true;
  bell_.ring();
}

}  // namespace weir::app
