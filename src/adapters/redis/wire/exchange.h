// One command on its way over one link: what `co_await`s the reply. It lives in the frame of
// adapters/redis/client.cc's coroutine; the link's queue and the table of deadlines only point to it. Destroying it
// while it waits is fine: the reply is then discarded when it comes.
#pragma once

#include <coroutine>

#include "adapters/redis/wire/answer.h"
#include "adapters/redis/wire/command.h"
#include "io/loop/alarm.h"
#include "io/loop/loop.h"
#include "io/task.h"

namespace weir::adapters::redis {

class Link;

// An element of the list of deadlines; a list's head is one too.
struct Awaited {
  Awaited* next = this;
  Awaited* prev = this;
  bool linked() const noexcept { return next != this; }
  void insert_before(Awaited& other) noexcept {
    next = &other;
    prev = other.prev;
    prev->next = next->prev = this;
  }
  void unlink() noexcept {
    prev->next = next;
    next->prev = prev;
    next = prev = this;
  }
};

class Exchange : private Awaited {
 public:
  // `words` and what they view must live until resumed. `asking`: after an ASK redirection.
  Exchange(Link& link, Words words, io::TimePoint deadline, bool asking = false) noexcept
      : link_(link), words_(words), deadline_(deadline), asking_(asking) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange();

  bool await_ready();  // sends it; true: it was refused
  void await_suspend(std::coroutine_handle<> awaiter) noexcept { awaiter_ = awaiter; }
  Answer await_resume() noexcept { return std::move(answer_); }

 private:
  friend class Link;
  friend class Deadlines;

  void settle(Answer answer);

  Link& link_;
  Words words_;
  io::TimePoint deadline_;
  bool asking_;
  bool sent_ = false;         // it has a slot in the link's queue
  std::uint64_t number_ = 0;  // which
  std::coroutine_handle<> awaiter_;
  Answer answer_{std::unexpected(Failure{})};
};

// All exchanges of a client that wait, and the one alarm for the earliest of their deadlines.
class Deadlines {
 public:
  explicit Deadlines(io::Loop& loop);
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  void add(Exchange& exchange);
  // Runs until end(); the client's group runs it.
  io::Task<void> watch();
  void end() noexcept { alarm_.abort(); }

 private:
  void expire();

  io::Loop& loop_;
  io::Alarm alarm_;
  // Replies that came in the same turn count: deadlines are looked at after them.
  struct AtEndOfTurn : io::Deferred {
    explicit AtEndOfTurn(Deadlines& owner) noexcept;
    Deadlines& owner;
  } at_end_of_turn_;
  Awaited waiting_;
  io::TimePoint set_ = io::kNever;
};

}  // namespace weir::adapters::redis
