// A worker's copy of what the key keeper has fetched (ports/key_sets.h), and those of its requests that wait for
// more. The keeper's updates come by Worker::post. Made by app/ for each worker; its thread only.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "io/loop/bell.h"
#include "jose/key_set.h"
#include "ports/key_sets.h"

namespace weir::gateway {

struct KeyUpdate {
  std::uint64_t source = 0;
  std::shared_ptr<const jose::KeySet> keys;  // nullptr: there are none
  io::TimePoint quiet_until{};               // before that, asking again is no use
  std::uint64_t number = 0;                  // of the source's updates, from 1
};

class FetchedKeys final : public ports::KeySets {
 public:
  // Tells the keeper that the keys which came with update number `seen` (0: none came yet) do not suffice, so that it
  // does not fetch again when newer ones are on their way. Must not wait.
  using Ask = std::function<void(std::uint64_t source, std::uint64_t seen)>;
  FetchedKeys(io::Loop& loop, Ask ask) : loop_(loop), ask_(std::move(ask)) {}
  FetchedKeys(const FetchedKeys&) = delete;
  FetchedKeys& operator=(const FetchedKeys&) = delete;

  const jose::KeySet* find(std::uint64_t source) const noexcept override;
  bool ask(std::uint64_t source) override;
  io::Task<void> renewed(std::uint64_t source, io::TimePoint deadline) override;

  void update(KeyUpdate update);

  // What waits goes on at once, and nothing waits any more.
  void end();
  bool ended() const noexcept;

 private:
  struct Source {
    std::uint64_t id = 0;
    std::shared_ptr<const jose::KeySet> keys;
    io::TimePoint quiet_until{};
    std::uint64_t seen = 0;
    io::TimePoint asked_until{};     // asked, and no answer yet; not believed after that
    std::vector<io::Bell*> waiting;  // in their own frames
  };
  Source& of(std::uint64_t id);
  static void wake(Source& source);

  io::Loop& loop_;
  Ask ask_;
  std::vector<std::unique_ptr<Source>> sources_;  // a handful
  bool ended_ = false;
};

}  // namespace weir::gateway
