#include "adapters/redis/wire/exchange.h"

#include <algorithm>
#include <utility>

#include "adapters/redis/wire/link.h"

namespace weir::adapters::redis {

Exchange::~Exchange() {
  if (linked()) unlink();
  if (sent_) link_.abandon(*this);
}

bool Exchange::await_ready() {
  if (const auto refused = link_.send(*this)) {
    answer_ = std::unexpected(*refused);
    return true;
  }
  return false;
}

void Exchange::settle(Answer answer) {
  if (linked()) unlink();
  sent_ = false;
  answer_ = std::move(answer);
  std::exchange(awaiter_, {}).resume();
}

Deadlines::AtEndOfTurn::AtEndOfTurn(Deadlines& owner) noexcept
    : Deferred(owner.loop_, [](Deferred& self) { static_cast<AtEndOfTurn&>(self).owner.expire(); }), owner(owner) {}

Deadlines::Deadlines(io::Loop& loop) : loop_(loop), alarm_(loop), at_end_of_turn_(*this) {}

void Deadlines::add(Exchange& exchange) {
  exchange.insert_before(waiting_);
  if (exchange.deadline_ >= set_) return;
  set_ = exchange.deadline_;
  alarm_.set(set_);
}

io::Task<void> Deadlines::watch() {
  while (co_await alarm_.wait() == io::IoStatus::ok) at_end_of_turn_.ask();
}

void Deadlines::expire() {
  const io::TimePoint now = loop_.refresh();
  // Taken aside first: whoever is resumed may begin another call, or end one that is due as well.
  Awaited due;
  io::TimePoint earliest = io::kNever;
  for (Awaited* each = waiting_.next; each != &waiting_;) {
    auto& exchange = static_cast<Exchange&>(*each);
    each = each->next;
    if (exchange.deadline_ <= now) {
      exchange.unlink();
      exchange.insert_before(due);
    } else {
      earliest = std::min(earliest, exchange.deadline_);
    }
  }
  set_ = earliest;
  if (earliest != io::kNever) alarm_.set(earliest);
  while (due.linked()) {
    auto& exchange = static_cast<Exchange&>(*due.next);
    exchange.unlink();
    exchange.link_.miss(exchange);
  }
}

}  // namespace weir::adapters::redis
