// Host names for the connections of one loop (opening.h).
#include "adapters/redis/wire/opening.h"
#include "io/loop/bell.h"

namespace weir::adapters::redis {
namespace {

struct Question {
  io::Bell* asker;  // nullptr: it has gone; the loop's thread only
  Result<ports::Addresses> answer = fail(Reason::upstream_no_address, "no answer in time");
};

struct Leave {
  Question& question;
  ~Leave() { question.asker = nullptr; }
};

}  // namespace

Lookup::Lookup(io::Loop& loop, ports::NameResolver* resolver)
    : loop_(loop), resolver_(resolver), desk_(std::make_shared<Desk>()) {
  desk_->loop = &loop;
}

Lookup::~Lookup() {
  const std::lock_guard lock(desk_->mutex);
  desk_->loop = nullptr;
}

io::Task<std::expected<std::vector<IpAddress>, std::string>> Lookup::find(std::string host, io::TimePoint deadline) {
  if (const auto ip = IpAddress::parse(host)) co_return std::vector{*ip};
  if (!resolver_) co_return std::unexpected(host + ": names are not resolved here");
  io::Bell answered(loop_);
  const auto question = std::make_shared<Question>(&answered);
  const Leave leave{*question};
  resolver_->resolve(host, [desk = desk_, question](Result<ports::Addresses> result) {
    const std::lock_guard lock(desk->mutex);
    if (!desk->loop) return;
    desk->loop->post([question, result = std::move(result)]() mutable {
      question->answer = std::move(result);
      if (question->asker) question->asker->ring();
    });
  });
  co_await answered.wait(deadline);
  if (question->answer && !question->answer->addresses.empty()) {
    known_[host] = question->answer->addresses;
  } else if (!known_.contains(host)) {
    const std::string_view why = question->answer ? "the name has no address" : question->answer.error().detail;
    co_return std::unexpected(host + ": " + std::string(why));
  }
  co_return known_[host];
}

}  // namespace weir::adapters::redis
