// What filters keep on one worker from one request and one snapshot to the next: a cache of answers, a breaker. A
// filter's instance is shared by all workers and replaced by a reload; what it learned hangs here, under a key that
// says all that the knowledge depends on. The worker lends it through Services; its thread only.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "io/clock.h"

namespace weir::pipeline {

class Kept {
 public:
  class Item {
   public:
    virtual ~Item() = default;
    // Somebody holds a reference across a wait: it must stay.
    virtual bool busy() const noexcept = 0;

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
