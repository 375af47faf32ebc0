// One reply of Redis as a value: a tree of RESP2/RESP3 values, kept flat. Made by parser.h, read by whoever called.
// A reply of at most eight values without text (what our scripts answer) takes no memory from the heap. One thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace weir::adapters::redis {

enum class Type : std::uint8_t {
  null,
  integer,
  real,
  boolean,
  text,   // simple, bulk and verbatim strings, big numbers
  error,  // text() is "CODE message"
  array,  // arrays, sets; a map is an array of key, value, key, value, as RESP2 sends it
  push,   // RESP3 out of band; only subscriptions see it
};

class Reply;

// Points into a reply, which must outlive it and stay where it is. Asking for what a value is not gives 0, empty,
// null: a script's answer is checked by its shape, not by exceptions.
class Value {
 public:
  Type type() const noexcept;
  bool is_null() const noexcept { return type() == Type::null; }
  bool is_error() const noexcept { return type() == Type::error; }
  // Integers, booleans, and text that is a decimal number; else nullopt.
  std::optional<std::int64_t> to_integer() const noexcept;
  std::int64_t integer() const noexcept { return to_integer().value_or(0); }
  std::string_view text() const noexcept;  // also an error's; valid as long as the reply

  std::size_t size() const noexcept;                   // elements of an array or push, else 0
  Value operator[](std::size_t index) const noexcept;  // linear in index; null beyond the end

  class Iterator {
   public:
    Iterator(const Reply& reply, std::uint32_t at, std::uint32_t left) noexcept
        : reply_(&reply), at_(at), left_(left) {}
    Value operator*() const noexcept { return {*reply_, at_}; }
    Iterator& operator++() noexcept;
    bool operator==(const Iterator& other) const noexcept { return left_ == other.left_; }

   private:
    const Reply* reply_;
    std::uint32_t at_;
    std::uint32_t left_;
  };
  Iterator begin() const noexcept { return {*reply_, at_ + 1, static_cast<std::uint32_t>(size())}; }
  Iterator end() const noexcept { return {*reply_, 0, 0}; }

 private:
  friend class Reply;
  static constexpr std::uint32_t kNowhere = 0xffffffff;
  Value(const Reply& reply, std::uint32_t at) noexcept : reply_(&reply), at_(at) {}
  const Reply* reply_;
  std::uint32_t at_;
};

class Reply {
 public:
  // The whole; a default Reply is null.
  Value value() const noexcept { return {*this, 0}; }
  Type type() const noexcept { return value().type(); }
  bool is_error() const noexcept { return value().is_error(); }
  bool is_null() const noexcept { return value().is_null(); }
  std::int64_t integer() const noexcept { return value().integer(); }
  std::string_view text() const noexcept { return value().text(); }
  std::size_t size() const noexcept { return value().size(); }
  Value operator[](std::size_t index) const noexcept { return value()[index]; }
  Value::Iterator begin() const noexcept { return value().begin(); }
  Value::Iterator end() const noexcept { return value().end(); }
  // For an error: its first word, "NOSCRIPT"; else empty.
  std::string_view error_code() const noexcept;

 private:
  friend class Value;
  friend class Parser;

  struct Node {
    Type type = Type::null;
    std::uint32_t children = 0;
    std::uint32_t nodes = 1;  // of the subtree, itself included
    std::uint32_t length = 0;
    std::int64_t value = 0;  // an integer, or where in text_ the text begins
  };
  static constexpr std::size_t kInline = 8;

  const Node& node(std::uint32_t at) const noexcept { return more_.empty() ? few_[at] : more_[at]; }
  Node& node(std::uint32_t at) noexcept { return more_.empty() ? few_[at] : more_[at]; }
  std::uint32_t add(const Node& node);
  void truncate(std::uint32_t count) noexcept;
  void clear() noexcept;

  std::array<Node, kInline> few_;
  std::uint32_t count_ = 0;
  std::vector<Node> more_;  // all of them, once they are more than kInline
  std::string text_;
};

}  // namespace weir::adapters::redis
