// A bump allocator that lives as long as one exchange: header values made by filters, canonical paths, answers.
// Owned by the exchange; nothing in it is destroyed one by one. One thread. Not for objects with destructors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>
#include <type_traits>
#include <vector>

namespace weir {

class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Uninitialised bytes, valid until clear() or destruction.
  char* allocate(std::size_t bytes) {
    if (bytes > static_cast<std::size_t>(end_ - next_)) grow(bytes);
    char* out = next_;
    next_ += bytes;
    return out;
  }

  std::string_view copy(std::string_view text) {
    if (text.empty()) return {};
    char* out = allocate(text.size());
    std::memcpy(out, text.data(), text.size());
    return {out, text.size()};
  }

  std::string_view concat(std::initializer_list<std::string_view> parts) {
    std::size_t size = 0;
    for (auto part : parts) size += part.size();
    char* out = allocate(size);
    char* at = out;
    for (auto part : parts) {
      if (!part.empty()) std::memcpy(at, part.data(), part.size());
      at += part.size();
    }
    return {out, size};
  }

  // `count` Ts of no value yet, such as views; T is trivially destructible.
  template <class T>
  T* array(std::size_t count) {
    static_assert(std::is_trivially_destructible_v<T> && alignof(T) <= 16);
    // NOLINTBEGIN(bugprone-sizeof-expression): T may well be a pointer.
    std::size_t room = count * sizeof(T) + alignof(T) - 1;
    void* at = allocate(room);
    T* out = static_cast<T*>(std::align(alignof(T), count * sizeof(T), at, room));
    // NOLINTEND(bugprone-sizeof-expression)
    std::uninitialized_default_construct_n(out, count);
    return out;
  }

  void clear() noexcept {
    spill_.clear();
    next_ = first_;
    end_ = first_ + sizeof(first_);
  }

 private:
  void grow(std::size_t bytes) {
    std::size_t size = bytes > kSpill ? bytes : kSpill;
    spill_.push_back(std::make_unique_for_overwrite<char[]>(size));
    next_ = spill_.back().get();
    end_ = next_ + size;
  }

  // 1 KiB holds the gateway's own header values of an ordinary request (measured about 400 bytes); more spills.
  static constexpr std::size_t kFirst = 1024;
  static constexpr std::size_t kSpill = 8192;
  char first_[kFirst];
  char* next_ = first_;
  char* end_ = first_ + kFirst;
  std::vector<std::unique_ptr<char[]>> spill_;
};

}  // namespace weir
