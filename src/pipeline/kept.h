// What filters keep on one worker from one request and one snapshot to the next: a cache of answers, a breaker. A
// filter's instance is shared by all workers and replaced by a reload; what it learned hangs here, under a key that
// says all that the knowledge depends on. The worker lends it through Services; its thread only.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "io/loop/clock.h"

namespace weir::pipeline {

// Of a service outside that says who calls, and the answers kept of it. Since the item was made.
struct AskCounts {
  std::string endpoint;
  std::uint64_t hits = 0;           // answered from what is kept: good ...
  std::uint64_t negative_hits = 0;  // ... and not good
  std::uint64_t asked = 0;
  std::uint64_t joined = 0;    // waited for the answer to somebody else's question
  std::uint64_t refused = 0;   // neither: the breaker is open, or too many ask
  std::uint64_t failures = 0;  // of those asked: no answer that can be used
};

class Kept {
 public:
  class Item {
   public:
    virtual ~Item() = default;
    // Somebody holds a reference across a wait: it must stay.
    virtual bool busy() const noexcept = 0;
    // What it has asked of whom, for the metrics; nullptr: it asks nobody.
    virtual const AskCounts* counts() const noexcept { return nullptr; }
    // Whether it leaves that one alone just now.
    virtual bool refuses(io::TimePoint) const noexcept { return false; }

   private:
    friend class Kept;
    io::TimePoint last_asked_{};
  };

  // The item of that key, made as T if there is none. A key is only ever asked for with one T: begin it with the
  // filter's name. The reference holds until the caller waits, or as long as the item is busy().
  template <class T>
  T& of(std::string_view key, io::TimePoint now) {
    auto at = items_.find(key);
    if (at == items_.end()) {
      forget_unused(now);
      at = items_.emplace(std::string(key), std::make_unique<T>()).first;
    }
    at->second->last_asked_ = now;
    return static_cast<T&>(*at->second);
  }

  std::size_t size() const noexcept { return items_.size(); }
  template <class F>
  void for_each(F&& f) const {
    for (const auto& [key, item] : items_) f(*item);
  }

 private:
  // What a reload left behind goes when something new is made, so reloads do not add up. Ten minutes: longer than any
  // answer is kept, so that going back to the config before finds it.
  static constexpr auto kUnused = std::chrono::minutes(10);
  void forget_unused(io::TimePoint now) {
    std::erase_if(
        items_, [now](const auto& each) { return !each.second->busy() && now - each.second->last_asked_ > kUnused; });
  }

  struct TextHash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  std::unordered_map<std::string, std::unique_ptr<Item>, TextHash, std::equal_to<>> items_;
};

}  // namespace weir::pipeline
