// The line an access-log record is written into: a buffer that is kept, and a cursor. Some forty pieces go into a
// line, most of them a dozen bytes long, so a std::string's bookkeeping per piece was half of what a record cost.
// Used by access_record.cc; one thread.
#pragma once

#include <charconv>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string_view>

namespace weir::filters {

class RecordLine {
 public:
  void clear() noexcept { at_ = bytes_.get(); }
  std::string_view view() const noexcept { return {bytes_.get(), at_}; }
  std::size_t capacity() const noexcept { return static_cast<std::size_t>(end_ - bytes_.get()); }

  // A literal is copied as one or two machine words.
  template <std::size_t N>
  void literal(const char (&text)[N]) {
    room(N - 1);
    std::memcpy(at_, text, N - 1);
    at_ += N - 1;
  }
  void bytes(std::string_view text) {
    room(text.size());
    at_ = copy(at_, text);
  }
  void number(std::uint64_t value) {
    room(20);
    at_ = std::to_chars(at_, at_ + 20, value).ptr;
  }
  // As a JSON string with its quotes; what needs an escape takes the slow way.
  void json(std::string_view text);

 private:
  static char* copy(char* to, std::string_view from) noexcept {
    const std::size_t size = from.size();
    const char* data = from.data();
    // Short runs by overlapping words, without a call.
    if (size >= 8 && size <= 64) {
      for (std::size_t i = 0; i + 8 < size; i += 8) std::memcpy(to + i, data + i, 8);
      std::memcpy(to + size - 8, data + size - 8, 8);
    } else if (size >= 4 && size < 8) {
      std::memcpy(to, data, 4);
      std::memcpy(to + size - 4, data + size - 4, 4);
    } else if (size != 0) {
      std::memcpy(to, data, size);
    }
    return to + size;
  }
  void room(std::size_t size) {
    if (static_cast<std::size_t>(end_ - at_) < size) [[unlikely]]
      grow(size);
  }
  void grow(std::size_t size);

  std::unique_ptr<char[]> bytes_;
  char* at_ = nullptr;
  char* end_ = nullptr;
};

}  // namespace weir::filters
