#include "adapters/redis/wire/link.h"

#include <algorithm>
#include <utility>

#include "adapters/redis/wire/unusable.h"

namespace weir::adapters::redis {
namespace {

// A write that moves nothing for so long will not: the server reads all the time.
constexpr io::Duration kWriteStall = std::chrono::seconds(1);
// A connection that lasted this long ended for a new reason: attempts begin anew.
constexpr io::Duration kLasted = std::chrono::seconds(1);
// What a queue of unsent bytes may keep for the next turn.
constexpr std::size_t kKept = 256u << 10;

constexpr std::string_view kPing[] = {"PING"};

}  // namespace

Link::FlushAtEndOfTurn::FlushAtEndOfTurn(Link& link) noexcept
    : Deferred(link.shared_.loop,
               [](Deferred& self) { static_cast<FlushAtEndOfTurn&>(self).owner.write_bell_.ring(); }),
      owner(link) {}

Link::Link(Shared& shared, Guide& guide, Opening::Purpose purpose)
    : shared_(shared),
      guide_(guide),
      purpose_(purpose),
      breaker_(shared.settings->command_timeout),
      slots_(kQueue),
      flush_(*this),
      write_bell_(shared.loop),
      retry_bell_(shared.loop),
      tend_bell_(shared.loop) {
  tasks_.spawn(run());
  tasks_.spawn(tend());
}

Link::~Link() = default;

// ---- calls

void Link::push(Exchange* exchange, io::TimePoint deadline) {
  slot(tail_) = {exchange, std::max(deadline, shared_.loop.now()) + kPatience};
  ++tail_;
}

std::optional<Failure> Link::send(Exchange& exchange) {
  if (ending_) return Failure{Failure::Kind::ended, "the client is ending"};
  if (!ready_ && !fresh_) return Failure{Failure::Kind::unavailable, "not connected"};
  if (tail_ - head_ + 2 > kQueue || unsent_.size() > kUnsent)
    return Failure{Failure::Kind::overloaded, "too many commands are on their way"};
  if (exchange.asking_) {
    static constexpr std::string_view kAsking[] = {"ASKING"};
    push(nullptr, exchange.deadline_);
    encode(kAsking, unsent_);
  }
  exchange.number_ = tail_;
  exchange.sent_ = true;
  push(&exchange, exchange.deadline_);
  encode(exchange.words_, unsent_);
  shared_.deadlines.add(exchange);
  if (ready_) flush_.ask();
  if (!std::exchange(watched_, true)) tend_bell_.ring();
  return std::nullopt;
}

void Link::abandon(Exchange& exchange) noexcept {
  exchange.sent_ = false;
  slot(exchange.number_).exchange = nullptr;
}

void Link::miss(Exchange& exchange) {
  abandon(exchange);
  if (ready_ && breaker_.missed(shared_.loop.now())) {
    ++shared_.counters.opened;
    last_error_ = describe(place_) + ": it does not answer in time";
    tend_bell_.ring();
    tell(last_error_);
  }
  exchange.settle(std::unexpected(Failure{Failure::Kind::timed_out, "no reply in time"}));
}

void Link::answer(Reply reply) {
  Exchange* exchange = slot(head_).exchange;
  ++head_;
  if (!exchange) {
    ++shared_.counters.late;
    return;
  }
  breaker_.answered();
  exchange->settle(std::move(reply));
}

void Link::fail_all(Failure failure) {
  while (head_ != tail_) {
    Exchange* exchange = slot(head_).exchange;
    ++head_;
    if (exchange) exchange->settle(std::unexpected(failure));
  }
}

// ---- the connection

io::Task<void> Link::run() {
  while (!ending_) {
    std::string why;
    auto place = co_await guide_.where();
    if (ending_) break;
    if (place) {
      place_ = *place;
      auto opened = co_await open(shared_.loop, shared_.lookup, *shared_.settings, {purpose_, place_, attempt_++});
      if (ending_) break;
      if (opened) {
        stream_ = std::move(*opened);
        if (std::exchange(was_connected_, true)) ++shared_.counters.reconnects;
        const io::TimePoint began = shared_.loop.now();
        co_await serve();
        if (shared_.loop.now() - began > kLasted) backoff_.reset();
        why = last_error_;
      } else {
        why = std::move(opened.error());
      }
    } else {
      why = std::move(place.error());
    }
    fresh_ = false;
    last_error_ = std::move(why);
    unsent_.clear();
    fail_all({Failure::Kind::unavailable, "the connection ended"});
    tell(last_error_);
    if (!ending_) co_await retry_bell_.wait(shared_.loop.now() + backoff_.next());
  }
}

io::Task<void> Link::serve() {
  parser_ = Parser();
  last_error_.clear();
  ready_ = true;
  fresh_ = false;
  serving_.spawn(write());
  if (!unsent_.empty()) write_bell_.ring();
  if (breaker_.open()) breaker_.probe_at(shared_.loop.now());
  tend_bell_.ring();
  tell("connected");
  for (;;) {
    io::Stream::Received got = co_await stream_->receive(io::kNever);
    if (got.status != io::IoStatus::ok) {
      stop(got.status == io::IoStatus::eof ? "the server closed the connection" : "the connection was reset");
      break;
    }
    if (!take_in({got.buffer.data(), got.bytes})) break;
  }
  ready_ = false;
  write_bell_.ring();
  co_await serving_.join();
  stream_.reset();
}

bool Link::take_in(std::string_view bytes) {
  while (!bytes.empty()) {
    const Parser::Status status = parser_.feed(bytes);
    if (status == Parser::Status::needs_more) break;
    if (status == Parser::Status::malformed) {
      stop(parser_.problem());
      return false;
    }
    Reply reply = parser_.take();
    if (reply.type() == Type::push) continue;  // nothing was subscribed to; "invalidate" and the like
    if (head_ == tail_) {
      stop("a reply to nothing");
      return false;
    }
    answer(std::move(reply));
    if (stream_->handle().aborted()) return false;  // by whoever got the reply
  }
  return true;
}

io::Task<void> Link::write() {
  while (ready_) {
    co_await write_bell_.wait(io::kNever);
    while (ready_ && !unsent_.empty()) {
      sending_.swap(unsent_);
      iovec part{sending_.data(), sending_.size()};
      ++shared_.counters.writes;
      const io::IoResult result = co_await stream_->write({&part, 1}, kWriteStall);
      sending_.clear();
      if (sending_.capacity() > kKept) sending_.shrink_to_fit();
      if (result.status != io::IoStatus::ok) {
        stop("the connection was reset");
        co_return;
      }
    }
  }
}

void Link::stop(std::string_view why) {
  if (!stream_ || stream_->handle().aborted()) return;
  last_error_ = describe(place_) + ": " + std::string(why);
  stream_->abort();
}

void Link::leave(std::string_view why) {
  if (!ready_) return;
  stop(why);
  retry_bell_.ring();
}

void Link::end() {
  if (std::exchange(ending_, true)) return;
  if (stream_) stream_->abort();
  retry_bell_.ring();
  tend_bell_.ring();
  fail_all({Failure::Kind::ended, "the client is ending"});
}

void Link::tell(std::string_view why) {
  const bool now = usable();
  if (std::exchange(told_usable_, now) != now) shared_.changed(*this, why);
}

// ---- what is done without being asked: probes, and giving up on a connection that is dead

io::Task<void> Link::tend() {
  while (!ending_) {
    io::TimePoint next = io::kNever;
    const io::TimePoint now = shared_.loop.now();
    if (ready_ && head_ != tail_) {
      next = slot(head_).patience;
      if (next <= now) {
        stop("it did not answer for a second");
        next = io::kNever;
      }
    }
    if (ready_ && breaker_.open()) {
      if (breaker_.next_probe() <= now) {
        co_await probe();
        continue;
      }
      next = std::min(next, breaker_.next_probe());
    }
    watched_ = next != io::kNever;
    co_await tend_bell_.wait(next);
  }
}

io::Task<void> Link::probe() {
  const io::TimePoint sent = shared_.loop.refresh();
  const Answer answer = co_await Exchange(*this, kPing, sent + kPatience);
  const io::TimePoint now = shared_.loop.refresh();
  const bool alive = answer && unusable(answer->error_code()).empty();
  if (!breaker_.probed(alive ? now - sent : io::Duration::max(), now)) co_return;
  last_error_.clear();
  tell("it answers in time again");
}

}  // namespace weir::adapters::redis
