#include "adapters/redis/wire/opening.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <array>

#include "adapters/redis/wire/command.h"
#include "adapters/redis/wire/parser.h"
#include "adapters/redis/wire/unusable.h"

namespace weir::adapters::redis {
namespace {

using Opened = std::expected<std::unique_ptr<io::Stream>, std::string>;
using Replies = std::vector<Reply>;

// A peer that vanished without a word (a power cut, a forgetful NAT) is noticed within a minute also when nothing is
// sent: 20 s idle, then four probes 10 s apart.
void keep_alive(int fd) noexcept {
  const int on = 1, idle = 20, interval = 10, count = 4;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &count, sizeof count);
}

// Sends `bytes` and waits for `count` replies to them.
io::Task<std::expected<Replies, std::string>> ask(io::Stream& stream, std::string bytes, std::size_t count,
                                                  io::TimePoint deadline) {
  iovec part{bytes.data(), bytes.size()};
  const io::IoResult sent = co_await stream.write({&part, 1}, deadline - stream.loop().now());
  if (sent.status != io::IoStatus::ok) co_return std::unexpected("the connection was reset");
  Parser parser;
  Replies replies;
  while (replies.size() < count) {
    io::Stream::Received got = co_await stream.receive(deadline);
    if (got.status == io::IoStatus::timed_out) co_return std::unexpected("connected, but it does not answer");
    if (got.status != io::IoStatus::ok) co_return std::unexpected("the server closed the connection");
    std::string_view left(got.buffer.data(), got.bytes);
    while (!left.empty()) {
      const Parser::Status status = parser.feed(left);
      if (status == Parser::Status::needs_more) break;
      if (status == Parser::Status::malformed || replies.size() == count)
        co_return std::unexpected("it does not speak as Redis does");
      Reply reply = parser.take();
      if (reply.type() != Type::push) replies.push_back(std::move(reply));
    }
  }
  co_return replies;
}

// What is said on a new connection, and which of the replies is which.
struct Greeting {
  std::string bytes;
  std::size_t count = 0;

  void say(std::initializer_list<std::string_view> words) {
    encode(Words(words.begin(), words.size()), bytes);
    ++count;
  }
};

// HELLO is of Redis 6; who does not know it, or RESP3, is greeted once more the old way.
bool wants_the_old_way(const Reply& hello) noexcept {
  return hello.error_code() == "NOPROTO" || hello.text().starts_with("ERR unknown command");
}

struct Who {
  std::string_view username;
  std::string_view password;
};

Who who(const RedisSettings& settings, Opening::Purpose purpose) {
  if (purpose == Opening::Purpose::sentinel) return {settings.sentinel_username, settings.sentinel_password};
  return {settings.username, settings.password};
}

// A cluster has only database 0.
bool selects(const RedisSettings& settings, Opening::Purpose purpose) noexcept {
  return settings.database != 0 && purpose == Opening::Purpose::master;
}

Greeting greeting(const RedisSettings& settings, Opening::Purpose purpose, bool old_way) {
  Greeting out;
  const Who caller = who(settings, purpose);
  const std::string_view name = settings.client_name;
  if (old_way) {
    if (caller.password.empty()) {
      out.say({"PING"});
    } else if (caller.username.empty()) {
      out.say({"AUTH", caller.password});
    } else {
      out.say({"AUTH", caller.username, caller.password});
    }
  } else if (caller.password.empty()) {
    out.say({"HELLO", "3", "SETNAME", name});
  } else {
    out.say({"HELLO", "3", "AUTH", caller.username.empty() ? "default" : caller.username, caller.password, "SETNAME",
             name});
  }
  out.say({"PING"});
  if (purpose == Opening::Purpose::master) out.say({"ROLE"});
  if (selects(settings, purpose)) out.say({"SELECT", std::to_string(settings.database)});
  if (old_way) out.say({"CLIENT", "SETNAME", name});
  return out;
}

// Empty, or why this server cannot be used.
std::string judge(const Replies& replies, const RedisSettings& settings, Opening::Purpose purpose) {
  const Reply& first = replies[0];
  if (first.is_error()) return std::string(first.text());
  const Reply& ping = replies[1];
  if (const auto why = unusable(ping.error_code()); !why.empty()) return std::string(why);
  if (ping.error_code() == "NOAUTH") return "it asks for a password, and none is configured";
  if (purpose == Opening::Purpose::master && replies[2][0].text() == "slave") return "it is a replica";
  const std::size_t select = purpose == Opening::Purpose::master ? 3 : 2;
  if (selects(settings, purpose) && replies[select].is_error())
    return "database " + std::to_string(settings.database) + ": " + std::string(replies[select].text());
  return {};
}

io::Task<std::string> greet(io::Stream& stream, const RedisSettings& settings, Opening::Purpose purpose,
                            io::TimePoint deadline) {
  bool old_way = false;
  for (;;) {
    Greeting words = greeting(settings, purpose, old_way);
    const auto replies = co_await ask(stream, std::move(words.bytes), words.count, deadline);
    if (!replies) co_return replies.error();
    if (old_way || !wants_the_old_way(replies->front())) co_return judge(*replies, settings, purpose);
    old_way = true;
  }
}

io::Task<std::expected<SocketAddress, std::string>> address_of(Lookup& lookup, const Opening& opening,
                                                               io::TimePoint deadline) {
  if (opening.place.host.empty()) {
    if (const auto socket = SocketAddress::parse("unix:" + opening.place.socket)) co_return *socket;
    co_return std::unexpected("the socket's path is not one");
  }
  auto addresses = co_await lookup.find(opening.place.host, deadline);
  if (!addresses) co_return std::unexpected(std::move(addresses.error()));
  co_return SocketAddress((*addresses)[opening.attempt % addresses->size()], opening.place.port);
}

std::string_view words_for(const Error& error) noexcept {
  switch (error.reason) {
    case Reason::upstream_connect_timeout:
      return "no connection in time";
    default:
      return error.detail.empty() ? "the connection was refused" : error.detail;
  }
}

}  // namespace

std::string describe(const Place& place) {
  if (place.host.empty()) return "unix:" + place.socket;
  const std::string port = ":" + std::to_string(place.port);
  return place.host.find(':') == std::string::npos ? place.host + port : "[" + place.host + "]" + port;
}

io::Task<Opened> open(io::Loop& loop, Lookup& lookup, const RedisSettings& settings, Opening opening) {
  const io::TimePoint deadline = loop.refresh() + settings.connect_timeout;
  const std::string where = describe(opening.place) + ": ";
  auto address = co_await address_of(lookup, opening, deadline);
  if (!address) co_return std::unexpected(std::move(address.error()));
  auto connected = co_await io::connect(loop, *address, deadline);
  if (!connected) co_return std::unexpected(where + std::string(words_for(connected.error())));
  io::Stream& stream = **connected;
  if (!address->is_unix()) keep_alive(stream.handle().fd());
  if (settings.tls && !address->is_unix()) {
    SSL* session = settings.tls->new_session(stream.handle().fd(), opening.place.host);
    if (!session) co_return std::unexpected(where + "TLS: the server's name cannot be used");
    const io::IoStatus status = co_await stream.handshake(session, deadline);
    if (status == io::IoStatus::timed_out) co_return std::unexpected(where + "no TLS handshake in time");
    if (status != io::IoStatus::ok)
      co_return std::unexpected(where + "TLS: " + std::string(io::tls_failure(stream.ssl())));
  }
  std::string why = co_await greet(stream, settings, opening.purpose, deadline);
  if (!why.empty()) co_return std::unexpected(where + why);
  co_return std::move(*connected);
}

}  // namespace weir::adapters::redis
