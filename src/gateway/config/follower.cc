#include "gateway/config/follower.h"

#include <chrono>

namespace weir::gateway {
namespace {

// A receipt is for a person's eye and travels again and again: what is longer stands in this gateway's log.
constexpr std::size_t kLongestReason = 2000;

std::int64_t now_ms() {
  using namespace std::chrono;
  return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

std::string name_of(std::uint64_t number) {
  return number == 0 ? "a revision without a number" : "revision " + std::to_string(number);
}

}  // namespace

ConfigFollower::ConfigFollower(Identity identity, std::function<void()> wake, Say say)
    : identity_(std::move(identity)), wake_(std::move(wake)), say_(std::move(say)) {}

void ConfigFollower::follow(ports::ConfigChannel& channel, Revision in_use) {
  channel_ = &channel;
  in_use_ = std::move(in_use);
  const std::uint64_t number = in_use_ ? in_use_->number : 0;
  report(number == 0 ? ports::Receipt::State::starting : ports::Receipt::State::applied, number, {});
  channel.follow(in_use_ ? *in_use_ : revision::Signed{},
                 {.arrived = [this](revision::Signed revision) { arrived(std::move(revision)); },
                  .broken = [this](std::uint64_t number, const std::string& why) { broken(number, why); },
                  .complain = [this](const std::string& what) { complain(what); },
                  .settled = [this](std::uint64_t number) { settled(number); },
                  .is_signed =
                      [this](const revision::Signed& revision) {
                        return revision::verify(revision, identity_.key).has_value();
                      }});
}

void ConfigFollower::complain(const std::string& what) {
  if (what == complaint_) return;
  complaint_ = what;
  say_(what.empty() ? "revisions can be read again" : "revisions cannot be read: " + what);
}

void ConfigFollower::arrived(revision::Signed revision) {
  if (in_use_ && revision.number <= in_use_->number) return;
  if (waiting_ && revision.number <= waiting_->number) return;
  if (auto good = revision::verify(revision, identity_.key); !good) return broken(revision.number, good.error());
  waiting_ = std::make_shared<const revision::Signed>(std::move(revision));
  wake_();
}

void ConfigFollower::applied(const Revision& revision) {
  in_use_ = revision;
  if (refused_ && refused_->number <= revision->number) refused_ = nullptr;
  channel_->have(*revision);
  report(ports::Receipt::State::applied, revision->number, {});
}

void ConfigFollower::refused(const Revision& revision, const std::string& reason) {
  refused_ = revision;
  refused_why_ = reason;
  refuse(revision->number, reason);
}

void ConfigFollower::offer_again() {
  if (!refused_ || waiting_) return;
  waiting_ = std::exchange(refused_, nullptr);
  wake_();
}

void ConfigFollower::refuse(std::uint64_t number, const std::string& reason) {
  const std::string stays = in_use_ ? name_of(in_use_->number) + " stays in use" : "there is none to fall back to";
  say_(name_of(number) + " is refused, " + stays + ": " + reason);
  report(ports::Receipt::State::refused, number, reason);
}

void ConfigFollower::broken(std::uint64_t number, const std::string& reason) {
  refuse(number, reason);
  told_broken_ = true;
}

// A stranger's revision that the control plane has cleared away must not stand as this gateway's last word.
void ConfigFollower::settled(std::uint64_t number) {
  if (!told_broken_ || waiting_) return;
  if (refused_ && refused_->number == number) return report(ports::Receipt::State::refused, number, refused_why_);
  if (in_use_ && in_use_->number == number) report(ports::Receipt::State::applied, number, {});
}

void ConfigFollower::report(ports::Receipt::State state, std::uint64_t number, std::string reason) {
  if (reason.size() > kLongestReason) {
    std::size_t end = kLongestReason;
    while (end > 0 && (static_cast<unsigned char>(reason[end]) & 0xC0U) == 0x80U) --end;  // between two characters
    reason.resize(end);
    reason += " …";
  }
  told_broken_ = false;
  channel_->report({.instance = identity_.instance,
                    .host = identity_.host,
                    .version = identity_.version,
                    .state = state,
                    .revision = number,
                    .in_use = in_use_ ? in_use_->number : 0,
                    .reason = std::move(reason),
                    .at_ms = now_ms()});
}

}  // namespace weir::gateway
