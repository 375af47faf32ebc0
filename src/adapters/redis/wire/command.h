// A command as its words, and its bytes on the wire. Used by all of this folder and by the adapters built on it.
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace weir::adapters::redis {

using Words = std::span<const std::string_view>;

// Only points to the words: they, and the bytes they view, must live until the call has ended. In
// `co_await client.call({"GET", key}, deadline)` they do; a call that is kept in a variable, or spawned, needs an
// array of words that lives as long.
class Command {
 public:
  Command(std::initializer_list<std::string_view> words) noexcept : words_(words.begin(), words.size()) {}
  explicit Command(Words words) noexcept : words_(words) {}
  // With the key whose slot says which node of a cluster to ask. Without one the second word is taken for it.
  Command(Words words, std::string_view key) noexcept : words_(words), key_(key) {}
  Command keyed(std::string_view key) const noexcept { return {words_, key}; }

  Words words() const noexcept { return words_; }
  std::string_view key() const noexcept {
    return !key_.empty() ? key_ : words_.size() > 1 ? words_[1] : std::string_view();
  }

 private:
  Words words_;
  std::string_view key_;
};

// Appends the RESP array of bulk strings that a server reads.
void encode(Words words, std::string& out);

}  // namespace weir::adapters::redis
