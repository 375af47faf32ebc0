#include "gateway/keys/fetched_keys.h"

#include <algorithm>

namespace weir::gateway {
namespace {

// The keeper answers within its fetch timeout (3 s); if it has not by then, asking again may help.
constexpr auto kPatience = std::chrono::seconds(5);
// Per source: a burst of tokens with a new kid waits together, a flood of made-up kids does not pile up.
constexpr std::size_t kMostWaiting = 1000;

}  // namespace

FetchedKeys::Source& FetchedKeys::of(std::uint64_t id) {
  for (const auto& source : sources_)
    if (source->id == id) return *source;
  sources_.push_back(std::make_unique<Source>());
  sources_.back()->id = id;
  return *sources_.back();
}

const jose::KeySet* FetchedKeys::find(std::uint64_t id) const noexcept {
  for (const auto& source : sources_)
    if (source->id == id) return source->keys.get();
  return nullptr;
}

bool FetchedKeys::ask(std::uint64_t id) {
  Source& source = of(id);
  if (ended_ || source.waiting.size() >= kMostWaiting) return false;
  const io::TimePoint now = loop_.now();
  if (now < source.asked_until) return true;
  if (now < source.quiet_until) return false;
  source.asked_until = now + kPatience;
  ask_(id, source.seen);
  return true;
}

io::Task<void> FetchedKeys::renewed(std::uint64_t id, io::TimePoint deadline) {
  Source& source = of(id);
  if (ended_ || loop_.now() >= source.asked_until) co_return;
  io::Bell bell(loop_);
  source.waiting.push_back(&bell);
  co_await bell.wait(deadline);
  std::erase(source.waiting, &bell);
}

void FetchedKeys::wake(Source& source) {
  // Who is woken may go on to another request and wait anew: only those that wait now.
  for (std::size_t left = source.waiting.size(); left != 0 && !source.waiting.empty(); --left) {
    io::Bell* bell = source.waiting.front();
    source.waiting.erase(source.waiting.begin());
    bell->ring();
  }
}

void FetchedKeys::update(KeyUpdate update) {
  Source& source = of(update.source);
  source.keys = std::move(update.keys);
  source.quiet_until = update.quiet_until;
  source.seen = update.number;
  source.asked_until = {};
  wake(source);
}

void FetchedKeys::end() {
  ended_ = true;
  for (std::size_t i = 0; i < sources_.size(); ++i) wake(*sources_[i]);
}

bool FetchedKeys::ended() const noexcept {
  return std::ranges::all_of(sources_, [](const auto& source) { return source->waiting.empty(); });
}

}  // namespace weir::gateway
