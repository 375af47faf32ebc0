#include "adapters/redis/sentinel.h"

#include <utility>

namespace weir::adapters::redis {
namespace {

// What a sentinel says of itself is at most a few lines; half a second is its own idea of a dead server's silence.
constexpr io::Duration kAnswerIn = std::chrono::milliseconds(500);

// Sends one command and waits for the first reply to it.
io::Task<std::expected<Reply, std::string>> ask_once(io::Stream& stream, std::string bytes) {
  iovec part{bytes.data(), bytes.size()};
  const io::TimePoint deadline = stream.loop().refresh() + kAnswerIn;
  const io::IoResult sent = co_await stream.write({&part, 1}, kAnswerIn);
  if (sent.status != io::IoStatus::ok) co_return std::unexpected("the connection was reset");
  Parser parser;
  for (;;) {
    io::Stream::Received got = co_await stream.receive(deadline);
    if (got.status != io::IoStatus::ok) co_return std::unexpected("it does not answer");
    std::string_view left(got.buffer.data(), got.bytes);
    const Parser::Status status = parser.feed(left);
    if (status == Parser::Status::complete) co_return parser.take();
    if (status == Parser::Status::malformed) co_return std::unexpected("it does not speak as Redis does");
  }
}

}  // namespace

Sentinel::Sentinel(Shared& shared, std::function<void()> switched)
    : shared_(shared), switched_(std::move(switched)), bell_(shared.loop) {
  tasks_.spawn(listen());
}

io::Task<std::expected<Place, std::string>> Sentinel::where() {
  const auto& sentinels = shared_.settings->places;
  std::string why;
  for (std::size_t i = 0; i < sentinels.size() && !ending_; ++i) {
    const std::size_t which = (known_ + i) % sentinels.size();
    auto place = co_await ask(sentinels[which]);
    if (place) {
      known_ = which;
      co_return place;
    }
    if (!why.empty()) why += "; ";
    why += place.error();
  }
  co_return std::unexpected("no sentinel knows the master: " + why);
}

io::Task<std::expected<Place, std::string>> Sentinel::ask(const Place& sentinel) {
  auto stream =
      co_await open(shared_.loop, shared_.lookup, *shared_.settings, {Opening::Purpose::sentinel, sentinel});
  if (!stream) co_return std::unexpected(std::move(stream.error()));
  const std::string_view words[] = {"SENTINEL", "GET-MASTER-ADDR-BY-NAME", shared_.settings->master_name};
  std::string bytes;
  encode(words, bytes);
  const auto reply = co_await ask_once(**stream, std::move(bytes));
  const std::string who = describe(sentinel) + ": ";
  if (!reply) co_return std::unexpected(who + reply.error());
  const std::int64_t port = (*reply)[1].integer();
  if (reply->is_error()) co_return std::unexpected(who + std::string(reply->text()));
  if (reply->size() != 2 || port <= 0 || port > 65535)
    co_return std::unexpected(who + "no master called " + shared_.settings->master_name);
  co_return Place{std::string((*reply)[0].text()), static_cast<std::uint16_t>(port)};
}

io::Task<void> Sentinel::listen() {
  const auto& sentinels = shared_.settings->places;
  for (std::size_t i = 0; !ending_; ++i) {
    auto stream = co_await open(shared_.loop, shared_.lookup, *shared_.settings,
                                {Opening::Purpose::sentinel, sentinels[i % sentinels.size()]});
    if (ending_) break;
    if (stream) {
      backoff_.reset();
      listening_ = stream->get();
      co_await listen_to(**stream);
      listening_ = nullptr;
    }
    if (!ending_) co_await bell_.wait(shared_.loop.now() + backoff_.next());
  }
}

io::Task<void> Sentinel::listen_to(io::Stream& stream) {
  const std::string_view words[] = {"SUBSCRIBE", "+switch-master"};
  std::string bytes;
  encode(words, bytes);
  iovec part{bytes.data(), bytes.size()};
  const io::IoResult sent = co_await stream.write({&part, 1}, kAnswerIn);
  if (sent.status != io::IoStatus::ok) co_return;
  Parser parser;
  for (;;) {
    io::Stream::Received got = co_await stream.receive(io::kNever);
    if (got.status != io::IoStatus::ok) co_return;
    std::string_view left(got.buffer.data(), got.bytes);
    while (!left.empty()) {
      const Parser::Status status = parser.feed(left);
      if (status == Parser::Status::malformed) co_return;
      if (status == Parser::Status::complete) on_push(parser.take());
    }
  }
}

// ["message", "+switch-master", "NAME oldip oldport newip newport"], an array in RESP2 and a push in RESP3.
void Sentinel::on_push(const Reply& push) {
  if (push[0].text() != "message") return;
  const std::string_view text = push[2].text();
  if (text.substr(0, text.find(' ')) == shared_.settings->master_name) switched_();
}

void Sentinel::end() {
  if (std::exchange(ending_, true)) return;
  if (listening_) listening_->abort();
  bell_.ring();
}

}  // namespace weir::adapters::redis
