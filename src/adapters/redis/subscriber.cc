#include "adapters/redis/subscriber.h"

#include <cstdlib>
#include <utility>

#include "adapters/redis/sentinel.h"
#include "adapters/redis/wire/command.h"
#include "adapters/redis/wire/link.h"
#include "adapters/redis/wire/parser.h"

namespace weir::adapters::redis {
namespace {

// After so long without a word the server is asked for one, and given up after as long again: a silent connection
// would let messages be missed without anyone knowing.
constexpr io::Duration kSilence = std::chrono::seconds(5);
constexpr io::Duration kWriteStall = std::chrono::seconds(1);
constexpr std::string_view kPing[] = {"PING"};

}  // namespace

struct Subscriber::Body {
  Body(io::Loop& loop, std::shared_ptr<const RedisSettings> settings, ports::NameResolver* resolver,
       std::vector<std::string> names, Handlers told)
      : shared(loop, std::move(settings), resolver),
        channels(std::move(names)),
        handlers(std::move(told)),
        bell(loop) {
    if (shared.settings->kind == RedisSettings::Kind::sentinel) {
      sentinel = std::make_unique<Sentinel>(shared, [this] {
        if (stream) stream->abort();
      });
    }
    tasks.spawn(run());
  }

  // In a cluster any node passes on what is published at any other.
  io::Task<std::expected<Place, std::string>> where() {
    if (sentinel) co_return co_await sentinel->where();
    const auto& places = shared.settings->places;
    co_return places[attempt % places.size()];
  }

  io::Task<void> run() {
    while (!ending) {
      std::string why;
      auto place = co_await where();
      if (ending) break;
      if (place) {
        auto opened = co_await open(shared.loop, shared.lookup, *shared.settings,
                                    {Opening::Purpose::listener, *place, attempt++});
        if (ending) break;
        if (opened) {
          stream = std::move(*opened);
          const io::TimePoint began = shared.loop.now();
          why = co_await listen();
          if (shared.loop.now() - began > std::chrono::seconds(1)) backoff.reset();
          stream.reset();
        } else {
          why = std::move(opened.error());
        }
      } else {
        why = std::move(place.error());
      }
      if (ending) break;
      confirmed = 0;
      handlers.lost(why);
      if (!ending) co_await bell.wait(shared.loop.now() + backoff.next());
    }
    stream.reset();
  }

  io::Task<bool> send(std::string bytes) {
    iovec part{bytes.data(), bytes.size()};
    const io::IoResult sent = co_await stream->write({&part, 1}, kWriteStall);
    co_return sent.status == io::IoStatus::ok;
  }

  // Until the connection ends; says why.
  io::Task<std::string> listen() {
    std::vector<std::string_view> words{"SUBSCRIBE"};
    words.insert(words.end(), channels.begin(), channels.end());
    std::string subscribe, ping;
    encode(words, subscribe);
    encode(kPing, ping);
    if (!co_await send(std::move(subscribe))) co_return "the connection was reset";
    Parser parser;
    bool asked = false;
    for (;;) {
      io::Stream::Received got = co_await stream->receive(shared.loop.now() + kSilence);
      if (got.status == io::IoStatus::timed_out && !asked) {
        asked = true;
        if (!co_await send(ping)) co_return "the connection was reset";
        continue;
      }
      if (got.status == io::IoStatus::timed_out) co_return "it does not answer";
      if (got.status != io::IoStatus::ok) co_return "the connection ended";
      asked = false;
      std::string_view left(got.buffer.data(), got.bytes);
      while (!left.empty()) {
        const Parser::Status status = parser.feed(left);
        if (status == Parser::Status::needs_more) break;
        if (status == Parser::Status::malformed) co_return std::string(parser.problem());
        const Reply reply = parser.take();
        if (reply.is_error()) co_return std::string(reply.text());
        on_reply(reply);
        if (ending) co_return "ending";
      }
    }
  }

  // [kind, channel, what]: an array in RESP2, a push in RESP3.
  void on_reply(const Reply& reply) {
    const std::string_view kind = reply[0].text();
    if (kind == "message") {
      handlers.message(reply[1].text(), reply[2].text());
    } else if (kind == "subscribe" && ++confirmed == channels.size()) {
      handlers.listening();
    }
  }

  Shared shared;
  std::vector<std::string> channels;
  Handlers handlers;
  std::unique_ptr<Sentinel> sentinel;
  std::unique_ptr<io::Stream> stream;
  std::size_t confirmed = 0;
  unsigned attempt = 0;
  bool ending = false;
  Backoff backoff;
  io::Bell bell;
  io::TaskGroup tasks;
};

Subscriber::Subscriber(io::Loop& loop, std::shared_ptr<const ports::RedisSettings> settings,
                       ports::NameResolver* resolver, std::vector<std::string> channels, Handlers handlers)
    : body_(std::make_unique<Body>(loop, std::move(settings), resolver, std::move(channels), std::move(handlers))) {}

Subscriber::~Subscriber() {
  if (!ended()) std::abort();  // its task would use what is destroyed here
}

bool Subscriber::listening() const noexcept {
  return !body_->channels.empty() && body_->confirmed >= body_->channels.size();
}

void Subscriber::end() {
  if (std::exchange(body_->ending, true)) return;
  if (body_->stream) body_->stream->abort();
  if (body_->sentinel) body_->sentinel->end();
  body_->bell.ring();
}

bool Subscriber::ended() const noexcept {
  return body_->ending && body_->tasks.running() == 0 && (!body_->sentinel || body_->sentinel->ended());
}

}  // namespace weir::adapters::redis
